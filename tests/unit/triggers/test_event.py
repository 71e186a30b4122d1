from __future__ import annotations

import pytest

from backhaul.errors import InputError
from backhaul.triggers.event import EventTrigger, Filtered, type_fault


@pytest.mark.parametrize("name", ["acs.device.added", "a", "com.example.v1.thing-done", "A_b.C1"])
def test_letters_digits_and_dots_are_a_type(name: str) -> None:
    assert type_fault(name) == ""
    assert EventTrigger(type=name).type == name


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a b", "acs.*", "é", "a" * 300, "${{ x }}"])
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="is no type of an event"):
        EventTrigger(type=name)


def test_triggers_are_equal_when_they_say_the_same() -> None:
    one = EventTrigger(type="a", where="event.x", condition=lambda event: None)
    assert one == EventTrigger(type="a", where="event.x", condition=lambda event: Filtered(clause="event.x"))
    assert one != EventTrigger(type="a", where="event.y")


def test_without_a_condition_nothing_is_filtered() -> None:
    assert EventTrigger(type="a").explain({}) is None


def test_the_reason_names_the_clause_and_what_it_saw() -> None:
    filtered = Filtered(clause="event.a > event.b", values={"event.a": "1", "event.b": "2"})
    assert filtered.reason == "filtered by `event.a > event.b`: event.a is 1; event.b is 2"
    assert Filtered(clause="event.a", values={"event.a": "missing"}, error="no").reason == "filtered by `event.a`: no"
    assert Filtered(clause="is_new").reason == "filtered by `is_new`"
