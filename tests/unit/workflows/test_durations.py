from __future__ import annotations

import pytest

from backhaul.json_values import Json
from backhaul.workflows.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90", 90),
        ("30s", 30),
        ("1.5s", 1.5),
        ("5m", 300),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        (" 1d2h3m4s ", 93784),
    ],
)
def test_a_duration_is_seconds_or_units(text: Json, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "-5s", "30m1h", "1w", "m", "1e3s", "٣s", True, None, [], -1, "99999d", 1e300]
)
def test_anything_else_is_refused(text: Json) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(("value", "shown"), [([1], "[1]"), ("soon", "'soon'"), ([8] * 500, f"[{'8, ' * 19}8,...")])
def test_an_error_shows_the_value_cut_off_when_it_is_long(value: Json, shown: str) -> None:
    with pytest.raises(ValueError, match="duration") as caught:
        parse_duration(value)
    assert str(caught.value).startswith(f"{shown} is no duration")
