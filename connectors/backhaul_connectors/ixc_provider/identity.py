"""CPF, CNPJ and telephone numbers in the forms in which people type them into the ERP."""

from __future__ import annotations

import re

from backhaul.sdk import RefusedError

__all__ = ["identity_forms", "phone_forms", "same_digits", "same_phone"]


def identity_forms(written: str) -> tuple[str, str]:
    """Return a CPF or CNPJ masked and bare, the masked one first: so are most stored.

    Raises:
        RefusedError: it is neither, by its length or check digits.
    """
    from stdnum.br import cnpj, cpf

    for kind in (cpf, cnpj):
        if kind.is_valid(written):
            bare = kind.compact(written)
            return kind.format(bare), bare
    raise RefusedError("this is neither a CPF nor a CNPJ: its length or its check digits are wrong")


def same_digits(stored: str | None, wanted: str) -> bool:
    """Tell whether two CPFs or CNPJs are the same, whatever their masks."""
    return stored is not None and _plain(stored) == _plain(wanted)


def phone_forms(written: str) -> tuple[str, ...]:
    """Return the usual spellings of a Brazilian number: as given, bare, and with the area code in brackets.

    Raises:
        RefusedError: it has no area code and number (10 or 11 digits, without +55).
    """
    digits = _national(written)
    if not 10 <= len(digits) <= 11:
        raise RefusedError("a telephone number has 10 or 11 digits with its area code")
    area, number = digits[:2], digits[2:]
    split = f"{number[:-4]}-{number[-4:]}"
    forms = (
        written,
        f"({area}) {split}",
        f"({area}){split}",
        f"({area}) {number}",
        f"({area}){number}",
        f"{area} {split}",
        f"{area} {number}",
        digits,
        f"+55{digits}",
        f"55{digits}",
    )
    return tuple(dict.fromkeys(form for form in forms if "," not in form))


def same_phone(stored: str | None, wanted: str) -> bool:
    """Tell whether two numbers are the same, whatever their punctuation and country code."""
    return stored is not None and _national(stored) == _national(wanted)


def _national(written: str) -> str:
    digits = re.sub(r"[^0-9]", "", written).lstrip("0")
    return digits[2:] if len(digits) in (12, 13) and digits.startswith("55") else digits


def _plain(written: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", written).upper()
