"""Which clause of a condition kept an event back, and what it saw."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.secrets import Secret
from backhaul.triggers.event import Filtered
from backhaul.workflows.conditions import LONGEST_SHOWN, MOST_SHOWN, expression_condition
from backhaul.workflows.conjuncts import conjuncts
from backhaul.workflows.expressions import compile_expression


def explain(where: str, **data: Any) -> Filtered | None:
    return expression_condition(compile_expression(where))({"type": "acs.device.added", "data": data})


def reason(where: str, **data: Any) -> str:
    filtered = explain(where, **data)
    assert filtered is not None
    return filtered.reason


def test_an_event_that_passes_needs_no_explanation() -> None:
    assert explain('event.data.serial != "" and event.data.online', serial="SN1", online=True) is None


def test_the_first_clause_that_is_false_is_named_with_its_values() -> None:
    where = 'event.type == "acs.device.added" and event.data.serial != "" and event.data.online'
    assert reason(where, serial="", online=False) == "filtered by `event.data.serial != \"\"`: event.data.serial is ''"
    assert reason(where, serial="SN1", online=False) == "filtered by `event.data.online`: event.data.online is false"


def test_what_a_clause_lacks_is_named() -> None:
    filtered = explain('event.data.online and event.data.serail != ""', online=True, serial="SN1")
    assert filtered is not None
    assert filtered.clause == 'event.data.serail != ""'
    assert filtered.error == "'event.data.serail' is missing (did you mean 'serial'?)"
    assert filtered.values == {"event.data.serail": "missing"}


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("event.a", ["event.a"]),
        ("event.a and event.b", ["event.a", "event.b"]),
        ("event.a\n  and not event.b\n  and event.c in [1, 2]", ["event.a", "not event.b", "event.c in [1, 2]"]),
        ("event.a or event.b and event.c", ["event.a or event.b and event.c"]),
        ("event.a and event.b or event.c", ["event.a and event.b or event.c"]),
        ("(event.a or event.b) and event.c", ["(event.a or event.b)", "event.c"]),
        ("(event.a and event.b)", ["(event.a and event.b)"]),
        ("event.a and event.b if event.c else event.d", ["event.a and event.b if event.c else event.d"]),
        ('event.a == "x and y" and event["and"]', ['event.a == "x and y"', 'event["and"]']),
        ("event.and and event.b", ["event.and and event.b"]),
        ("event.a | default(event.b and event.c)", ["event.a | default(event.b and event.c)"]),
        ("{'a': event.a and true}.a and [event.b and 1][0]", ["{'a': event.a and true}.a", "[event.b and 1][0]"]),
    ],
)
def test_a_condition_is_cut_where_both_sides_have_to_be_true(where: str, parts: list[str]) -> None:
    assert [part.source for part in conjuncts(compile_expression(where))] == parts


@given(
    clauses=st.lists(
        st.sampled_from(["event.data.a", "not event.data.b", "event.data.a > 1", "(event.data.a or event.data.b)"]),
        min_size=1,
        max_size=5,
    ),
    a=st.integers(0, 3),
    b=st.integers(0, 1),
)
def test_the_explanation_always_agrees_with_the_condition(clauses: list[str], a: int, b: int) -> None:
    where = compile_expression(" and ".join(clauses))
    event = {"data": {"a": a, "b": b}}
    filtered = expression_condition(where)(event)
    true = [bool(compile_expression(clause).evaluate({"event": event})) for clause in clauses]
    assert (filtered is None) == all(true)
    if filtered is not None:
        assert filtered.clause == clauses[true.index(False)]


def test_a_condition_that_is_true_is_evaluated_once() -> None:
    seen: list[str] = []

    class Event(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            seen.append(key)
            return super().__getitem__(key)

    condition = expression_condition(compile_expression("event.a and event.b"))
    assert condition(Event(a=1, b=1)) is None
    assert seen == ["a", "b"]


def test_long_values_are_cut() -> None:
    filtered = explain('event.data.text == ""', text="x" * 5000)
    assert filtered is not None
    assert len(filtered.values["event.data.text"]) == LONGEST_SHOWN
    many = explain(" + ".join(f"event.data.n{n}" for n in range(20)) + " > 0", **{f"n{n}": 0 for n in range(20)})
    assert many is not None
    assert len(many.values) == MOST_SHOWN


def test_personal_data_and_secrets_are_covered() -> None:
    secret = Secret("hunter2-hunter2")
    assert "***" in reason('event.data.phone == ""', phone="+5581999990000")
    assert "8199" not in reason('event.data.phone == ""', phone="+5581999990000")
    assert reason('event.data.phone != ""', phone="").endswith("event.data.phone is ''")
    assert "Rua" not in reason('event.data.address.street == ""', address={"street": "Rua A"})
    assert "Rua" not in reason("event.data | length == 0", address={"street": "Rua A"})
    assert secret.reveal() not in reason('event.data.note == ""', note=f"it is {secret.reveal()}")


def test_an_error_about_personal_data_does_not_quote_it() -> None:
    text = reason("event.data.phone | int > 3", phone="not 8199999")
    assert text == "filtered by `event.data.phone | int > 3`: it cannot be evaluated on this personal data"
    assert "'many' is no whole number" in reason("event.data.count | int > 3", count="many")
