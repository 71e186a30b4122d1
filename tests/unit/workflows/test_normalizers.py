"""Normalisers make two spellings of one thing the same text, and two things never one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.workflows.normalizers import NORMALIZERS, key_text, normalize_with, value_text
from backhaul.workflows.shares import share_of


@pytest.mark.parametrize(
    ("names", "text", "normal"),
    [
        ([("trim", "")], "  a b ", "a b"),
        ([("lower", "")], "ÀB", "àb"),
        ([("upper", "")], "àb", "ÀB"),
        ([("digits", "")], "+55 (11) 9-8", "551198"),
        ([("number", "")], "36", "36"),
        ([("number", "")], " +036.50", "36.5"),
        ([("number", "")], "36.00", "36"),
        ([("number", "")], "36.", "36"),
        ([("number", "")], "-0.0", "0"),
        ([("number", "")], "-0.050", "-0.05"),
        ([("number", "")], "000", "0"),
        ([("number", "")], " 36 dBm ", "36 dBm"),
        ([("number", "")], "1.234,50", "1.234,50"),
        ([("serial", "")], "acme-00a1b2c3", "ACME00A1B2C3"),
        ([("serial", "")], "41434D4500A1B2C3", "ACME00A1B2C3"),
        ([("serial", "")], "41 43 4d 45:00-a1.b2_c3", "ACME00A1B2C3"),
        ([("serial", "")], "0102030400A1B2C3", "0102030400A1B2C3"),
        ([("serial", "")], "aa:bb:cc:dd:ee:ff", "AABBCCDDEEFF"),
        ([("serial", "")], " sérial-1 ", "sérial-1"),
        ([("serial", "")], "--", "--"),
        ([("e164", "")], "+55 11 98765-4321", "+5511987654321"),
        ([("e164", "")], "0055 11 98765 4321", "+5511987654321"),
        ([("e164", "BR")], "(11) 98765-4321", "(11) 98765-4321"),
        ([("e164", "BR")], "11 98765-4321", "+5511987654321"),
        ([("e164", "")], "11 98765-4321", "11 98765-4321"),
        ([("e164", "BR")], " no number ", "no number"),
        ([("e164", "BR")], "tel:+5511987654321", "+5511987654321"),
        ([("trim", ""), ("lower", "")], " A ", "a"),
        ([], " A ", " A "),
    ],
)
def test_a_text_becomes_its_normal_form(names: list[tuple[str, str]], text: str, normal: str) -> None:
    assert normalize_with(names)(text) == normal


@given(name=st.sampled_from(sorted(NORMALIZERS)), text=st.text(max_size=20))
def test_normalising_twice_changes_nothing(name: str, text: str) -> None:
    normalize = normalize_with([(name, "BR" if name == "e164" else "")])
    once = normalize(text)
    assert normalize(once) == once


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (5, "5"),
        (5.5, "5.5"),
        (5.0, "5"),
        ("5.0", "5.0"),
        (2.0**60, "1152921504606846976"),
        (math.nan, None),
        (True, "true"),
        ("", None),
        (" ", None),
        (None, None),
        ([], None),
        ({}, None),
    ],
)
def test_a_key_is_a_text_that_is_not_empty(value: object, text: str | None) -> None:
    assert key_text(value, normalize_with([])) == text


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (5, "5"), (None, ""), (False, "false"), ({"a": [1]}, '{"a":[1]}')]
)
def test_values_are_compared_as_texts(value: object, text: str) -> None:
    assert value_text(value, normalize_with([])) == text


SAME = [
    (36, 36.0),
    (36, "36"),
    (36.0, "36"),
    (-0.0, 0),
    (2**60, 2.0**60),
    ({"a": [1.0, None]}, {"a": [1, None]}),
    (math.nan, None),
    (math.inf, ""),
]
OTHERS = [
    ("36", "36.0"),
    (36, "36.0"),
    (36.0, "36.0"),
    (36, 36.5),
    (True, 1),
    (True, 1.0),
    (False, 0.0),
    (False, None),
    (0.0, None),
    (2**60 + 1, 2.0**60),
    (10**23, 1e23),
    ({"a": [1.5]}, {"a": [1]}),
]


@pytest.mark.parametrize(
    ("one", "other", "same"), [(*pair, True) for pair in SAME] + [(*pair, False) for pair in OTHERS]
)
def test_equal_numbers_are_the_same_and_texts_are_as_they_are_written(one: object, other: object, same: bool) -> None:
    texts = [value_text(value, normalize_with([])) for value in (one, other)]
    assert (texts[0] == texts[1]) is same


@given(one=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70).map(float))
def test_numbers_are_the_same_exactly_when_they_are_equal(one: float) -> None:
    other = round(one)
    texts = [value_text(value, normalize_with([])) for value in (one, other)]
    assert (texts[0] == texts[1]) is (one == other)
    assert (key_text(one, normalize_with([])) == key_text(other, normalize_with([]))) is (one == other)


@pytest.mark.parametrize(("text", "share"), [("2%", 0.02), (" 2.5 % ", 0.025), ("100%", 1.0), ("0%", 0.0)])
def test_a_share_is_written_in_percent(text: str, share: float) -> None:
    assert share_of(text) == pytest.approx(share)


@pytest.mark.parametrize("value", ["2", 2, "101%", "-1%", "x%", None, "", True, [2]])
def test_what_is_no_share_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"is no share|more than everything"):
        share_of(value)
