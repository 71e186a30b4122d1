"""Setting types for values that people paste: stray blanks at the ends go, blanks inside are refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from backhaul.secrets import Secret

__all__ = ["Credential", "PlainId", "has_stray_blanks", "trimmed"]

# Blanks that no eye sees and that copies out of browsers, PDFs and e-mails bring along. BOM and zero-width characters
# are not `str.isspace`.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def trimmed(value: str) -> str:
    """Return the text without blanks, line ends and invisible characters at its ends."""
    before = ""
    while before != value:
        before, value = value, value.strip().strip(_INVISIBLE)
    return value


def has_stray_blanks(value: str) -> bool:
    """Tell whether `trimmed` would change the text."""
    return trimmed(value) != value


def _unbroken(text: str) -> str:
    value = trimmed(text)
    if not value:
        raise ValueError("is empty")
    at = next((index for index, sign in enumerate(value, start=1) if sign.isspace() or sign in _INVISIBLE), 0)
    if at:
        raise ValueError(
            f"has a blank or an invisible character inside (character {at} of {len(value)}): copy it again"
        )
    return value


def _credential(value: object) -> object:
    if isinstance(value, Secret):
        return Secret(_unbroken(value.reveal()))
    return Secret(_unbroken(value)) if isinstance(value, str) else value


Credential = Annotated[Secret, BeforeValidator(_credential)]
"""A `Secret` without blanks: those at the ends are removed, one inside is refused.

The vendors name stray blanks in pasted keys as the first cause of failing pairing.
"""

PlainId = Annotated[str, AfterValidator(_unbroken)]
"""A visible identifier (client id, user name) with the same rules as `Credential`."""
