"""Telephone numbers in the forms in which Axialys and people write them."""

from __future__ import annotations

import re

import phonenumbers

__all__ = ["e164", "masked", "masked_text"]

# Only what people put into a number: phonenumbers would also find one inside of a text.
_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-/\u00a0]{0,40}")
# IP addresses are left readable: an error may have to name one.
_LONG_DIGITS = re.compile(r"\+?\d(?:[ \-()]?\d){6,}|\b\d{2}(?:\.\d{2}){4}\b")


def e164(text: str, region: str | None) -> str | None:
    """Return a number as E.164 with ``+``, or None when the text is none.

    Understood are ``+33199001234``, ``0033199001234``, ``33199001234`` (what Axialys calls E.164: digits alone), and,
    with a region, national forms such as ``01 99 00 12 34``. A ``+`` that became a blank in a query does no harm.

    Args:
        text: the number as it came.
        region: two letters of the country whose national numbers are understood, or None.
    """
    text = text.strip().removeprefix("tel:").strip()
    if not _NUMBER.fullmatch(text):
        return None
    if text.startswith("+"):
        return _possible(text)
    if text.startswith("00"):
        return _possible(f"+{text[2:]}")
    if text.startswith("0"):
        return _valid(text, region) if region else None
    # Digits alone: E.164 by the vendor's habit; in countries without a leading zero they may be a national number.
    return _valid(f"+{text}", None) or (_valid(text, region) if region else None) or _possible(f"+{text}")


def masked(number: str) -> str:
    """Return a number of which only the ends can be read: ``+33*****234``. For logs and errors."""
    if len(number) < 8:
        return "*" * len(number)
    return f"{number[:3]}{'*' * (len(number) - 6)}{number[-3:]}"


def masked_text(text: str) -> str:
    """Return a text in which every run of digits that may be a telephone number is masked."""
    return _LONG_DIGITS.sub(lambda found: masked(found[0]), text)


def _possible(text: str) -> str | None:
    number = _parsed(text, None)
    return _written(number) if number is not None and phonenumbers.is_possible_number(number) else None


def _valid(text: str, region: str | None) -> str | None:
    number = _parsed(text, region)
    return _written(number) if number is not None and phonenumbers.is_valid_number(number) else None


def _parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _written(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
