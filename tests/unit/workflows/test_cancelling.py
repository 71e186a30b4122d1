"""`cancel_on` of a workflow: what is read, and what is wrong."""

from __future__ import annotations

import textwrap
from typing import Any

import jsonschema
import pytest

from backhaul.errors import DefinitionError, InputError
from backhaul.workflows.cancelling import cancel_on
from backhaul.workflows.json_schema import workflow_schema
from backhaul.workflows.python_workflow import load_python_workflows
from backhaul.workflows.yaml_workflow import read_yaml_workflow


def problems(text: str) -> list[str]:
    source = f"name: test\ninputs: {{line: {{}}}}\n{textwrap.dedent(text)}\nsteps: [{{set: {{a: 1}}}}]\n"
    return [str(problem).removeprefix("w.yaml:") for problem in read_yaml_workflow(source, "w.yaml").problems]


def rules(text: str) -> list[tuple[str, str | None]]:
    source = f"name: test\n{textwrap.dedent(text)}\nsteps: [{{set: {{a: 1}}}}]\n"
    found = read_yaml_workflow(source, "w.yaml")
    assert not found.problems
    assert found.workflow is not None
    return [(rule.type, rule.where.source if rule.where else None) for rule in found.workflow.cancel_on]


def test_rules_are_read_in_order() -> None:
    text = """
    cancel_on:
      - event: phone.call_end
        where: ${{ event.data.call_id == trigger.data.call_id }}
      - event: line.down
    """
    assert rules(text) == [("phone.call_end", "event.data.call_id == trigger.data.call_id"), ("line.down", None)]
    assert rules("") == []


def test_one_rule_needs_no_list() -> None:
    assert rules("cancel_on: {event: line.down}") == [("line.down", None)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cancel_on: line.down", "a mapping with 'event' is needed"),
        ("cancel_on: [line.down]", "a mapping with 'event' is needed"),
        ("cancel_on: {where: '${{ true }}'}", "cancel_on needs the key 'event'"),
        ("cancel_on: {event: 'no type'}", "event:"),
        ("cancel_on: {event: a.b, wher: x}", "cancel_on has no key 'wher'"),
        ("cancel_on: {event: a.b, where: 'event.data.n == 1'}", "an expression is needed"),
        ("cancel_on: {event: a.b, where: '${{ steps.x == 1 }}'}", "there is no name 'steps'"),
        ("cancel_on: {event: a.b, where: '${{ inputs.lin == 1 }}'}", "declares no input 'lin'"),
        ("cancel_on: {event: a.b, where: '${{ event.data == }}'}", "4:"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, says: str) -> None:
    (problem,) = problems(f"# second\n{text}")
    assert says in problem
    assert problem.startswith("4:")


def test_the_schema_knows_it() -> None:
    validator = jsonschema.Draft202012Validator(workflow_schema({}))

    def faults(value: Any) -> list[Any]:
        return list(validator.iter_errors({"cancel_on": value, "steps": [{"set": {}}]}))

    assert faults([{"event": "a.b", "where": "${{ event.data == trigger.data }}"}, {"event": "a.c"}]) == []
    assert faults({"event": "a.b"}) == []
    assert faults([]) != []
    assert faults([{"where": "${{ true }}"}]) != []
    assert faults([{"event": "a.b", "when": 1}]) != []


def test_python_takes_the_condition_with_or_without_braces() -> None:
    plain = cancel_on("a.b", where="event.data == trigger.data")
    braced = cancel_on("a.b", where="${{ event.data == trigger.data }}")
    assert plain.where is not None
    assert braced.where is not None
    assert plain.where.source == braced.where.source
    assert cancel_on("a.b").where is None


@pytest.mark.parametrize(("kind", "where"), [("no type", None), ("a.b", "steps.x == 1")])
def test_python_refuses_what_cannot_be(kind: str, where: str | None) -> None:
    with pytest.raises(InputError):
        cancel_on(kind, where=where)


def test_python_reads_no_inputs_but_its_own() -> None:
    text = """
from backhaul import Run, cancel_on, workflow

@workflow(cancel_on=[cancel_on("a.b", where="event.data == inputs.{name}")])
async def test(run: Run, line: str = "") -> None:
    pass
"""
    (found,) = load_python_workflows(text.replace("{name}", "line"), "w.py")
    assert [rule.type for rule in found.cancel_on] == ["a.b"]
    with pytest.raises(DefinitionError, match="where of cancel_on reads 'lime', which is no input"):
        load_python_workflows(text.replace("{name}", "lime"), "w.py")
