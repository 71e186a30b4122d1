"""Telephone numbers, and what of them is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul_connectors.axialys.numbers import e164, masked, masked_text


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+33199001234", None, "+33199001234"),
        ("33199001234", None, "+33199001234"),
        (" 33199001234", None, "+33199001234"),
        ("0033 1 99 00 12 34", None, "+33199001234"),
        ("tel:+33-1-99-00-12-34", None, "+33199001234"),
        ("01 99 00 12 34", "FR", "+33199001234"),
        ("01.99.00.12.34", "FR", "+33199001234"),
        ("01 99 00 12 34", None, None),
        ("5511900001234", "FR", "+5511900001234"),
        ("11900001234", "BR", "+5511900001234"),
        ("1120123456", "BR", "+551120123456"),
        ("501", "FR", None),
        ("+", None, None),
        ("call 33199001234 now", None, None),
        ("33199001234;ext=5", None, None),
    ],
)
def test_a_number_is_understood_as_people_and_the_vendor_write_it(
    text: str, region: str | None, expected: str | None
) -> None:
    assert e164(text, region) == expected


@given(text=st.text() | st.from_regex(r"\+?[0-9 ().-]{0,30}"), region=st.sampled_from(["FR", "BR", None]))
def test_every_text_is_a_number_or_none_and_numbers_stay_the_same(text: str, region: str | None) -> None:
    number = e164(text, region)
    assert number is None or (number[0] == "+" and number[1:].isdigit() and e164(number, None) == number)


def test_only_the_ends_of_a_number_are_shown() -> None:
    assert masked("+33199001234") == "+33******234"
    assert masked("1234567") == "*******"
    shown = masked_text("call +33 1 99 00 12 34 or 01.99.00.12.34 from 192.0.2.17, code 400")
    assert "99 00" not in shown
    assert "99.00" not in shown
    assert "192.0.2.17, code 400" in shown
