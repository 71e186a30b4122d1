from __future__ import annotations

import pytest

from backhaul.errors import InputError
from backhaul.triggers.event import EventTrigger, type_fault


@pytest.mark.parametrize("name", ["acs.device.added", "a", "com.example.v1.thing-done", "A_b.C1"])
def test_letters_digits_and_dots_are_a_type(name: str) -> None:
    assert type_fault(name) == ""
    assert EventTrigger(type=name).type == name


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a b", "acs.*", "é", "a" * 300, "${{ x }}"])
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="is no type of an event"):
        EventTrigger(type=name)


def test_triggers_are_equal_when_they_say_the_same() -> None:
    one = EventTrigger(type="a", where="event.x", predicate=lambda event: True)
    assert one == EventTrigger(type="a", where="event.x", predicate=lambda event: False)
    assert one != EventTrigger(type="a", where="event.y")
