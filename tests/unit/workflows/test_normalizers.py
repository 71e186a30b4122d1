"""Normalisers make two spellings of one thing the same text, and two things never one."""

from __future__ import annotations

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
    [("a", "a"), (5, "5"), (5.5, "5.5"), (True, "true"), ("", None), (" ", None), (None, None), ([], None), ({}, None)],
)
def test_a_key_is_a_text_that_is_not_empty(value: object, text: str | None) -> None:
    assert key_text(value, normalize_with([])) == text


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (5, "5"), (None, ""), (False, "false"), ({"a": [1]}, '{"a":[1]}')]
)
def test_values_are_compared_as_texts(value: object, text: str) -> None:
    assert value_text(value, normalize_with([])) == text


@pytest.mark.parametrize(("text", "share"), [("2%", 0.02), (" 2.5 % ", 0.025), ("100%", 1.0), ("0%", 0.0)])
def test_a_share_is_written_in_percent(text: str, share: float) -> None:
    assert share_of(text) == pytest.approx(share)


@pytest.mark.parametrize("value", ["2", 2, "101%", "-1%", "x%", None, "", True, [2]])
def test_what_is_no_share_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"is no share|more than everything"):
        share_of(value)
