"""How values look to people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backhaul.cli.output import as_text, clean, columns, duration
from backhaul.views.moments import iso


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (61, "1 min 1 s"),
        (3_599.7, "1 h 0 min"),
        (7_500, "2 h 5 min"),
    ],
)
def test_durations_read_like_speech(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    lines = list(columns(("A", "B", ""), [("1", "two\nlines"), ("long one", "x", "rest")]))
    assert lines == ["A         B", "1         two lines", "long one  x          rest"]


def test_an_empty_table_is_its_headings() -> None:
    assert list(columns(("A", "B"), [])) == ["A  B"]


def test_values_are_shown_as_yaml_in_their_own_order() -> None:
    assert as_text({"b": 1, "a": {"ção": ["x", "y"]}}, indent=2) == "  b: 1\n  a:\n    ção:\n      - x\n      - y"
    assert as_text(None) == "null"
    assert as_text("plain") == "plain"
    assert as_text(20.5) == "20.5"


def test_times_in_json_are_utc() -> None:
    moment = datetime(2026, 3, 1, 3, tzinfo=timezone(timedelta(hours=-3)))
    assert iso(moment) == "2026-03-01T06:00:00Z"
    assert iso(moment.astimezone(UTC)) == "2026-03-01T06:00:00Z"
    assert iso(None) is None


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    assert clean("a\x1b[2Jb\r\nc\u202ed\n") == "a [2Jb  c d"
    assert clean("  São Luís  ") == "  São Luís"
