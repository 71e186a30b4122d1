"""How urgent a run is and which limits it counts against, by what its workflow says."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from backhaul.errors import InputError
from backhaul.workflows.definition import HistoryPolicy, Workflow
from backhaul.workflows.dispatching import CauseKind, priority_for, slots_of
from backhaul.workflows.yaml_workflow import read_yaml_workflow

EVENT = {"type": "acs.device.added", "data": {"serial": "SN1", "n": 7, "nothing": None}}


def draft(text: str) -> tuple[Workflow, list[str]]:
    source = f"name: link-device\n{textwrap.dedent(text)}\nsteps: [{{set: {{a: 1}}}}]\n"
    found = read_yaml_workflow(source, "w.yaml")
    assert found.workflow is not None
    return found.workflow, [str(problem).removeprefix("w.yaml:") for problem in found.problems]


def workflow(text: str) -> Workflow:
    found, problems = draft(text)
    assert problems == []
    return found


def test_the_priority_is_what_the_cause_makes_usual() -> None:
    plain = workflow("")
    assert plain.priority is None
    assert {cause: priority_for(plain, cause) for cause in CauseKind} == {
        CauseKind.EVENT: 50,
        CauseKind.MANUAL: 20,
        CauseKind.API: 20,
        CauseKind.CRON: 0,
    }


@pytest.mark.parametrize("priority", [0, 100])
def test_a_stated_priority_holds_for_every_cause(priority: int) -> None:
    stated = workflow(f"priority: {priority}")
    assert {priority_for(stated, cause) for cause in CauseKind} == {priority}


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("", []),
        ("concurrency: {limit: 3}", [["link-device", 3]]),
        ('concurrency: {limit: 1, key: "${{ event.data.serial }}"}', [["link-device:SN1", 1]]),
        ('concurrency: {limit: 1, key: "${{ event.data.n }}"}', [["link-device:7", 1]]),
        ('concurrency: {limit: 2, key: "${{ event.data.serial }}/${{ event.data.n }}"}', [["link-device:SN1/7", 2]]),
        (
            'inputs: {town: {default: Recife}}\nconcurrency: {limit: 2, key: "${{ inputs.town }}"}',
            [["link-device:Recife", 2]],
        ),
    ],
)
def test_a_run_counts_against_the_limit_of_its_key(text: str, slots: list[Any]) -> None:
    assert slots_of(workflow(text), {}, EVENT) == slots


def test_completed_inputs_give_the_same_key_as_those_that_were_given() -> None:
    found = workflow(
        "inputs: {n: {type: integer}, m: {type: integer, default: 2}}\n"
        'concurrency: {limit: 1, key: "${{ inputs.n + inputs.m }}"}'
    )
    assert slots_of(found, {"n": "1"}, None) == slots_of(found, {"n": 1, "m": 2}, None) == [["link-device:3", 1]]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("event.data.serail", "'event.data.serail' is missing (did you mean 'serial'?) in ${{ event.data.serail }}"),
        ("event.data.nothing", "a text or a number is needed, not null"),
        ("event.data", "a text or a number is needed, not a mapping"),
        ("event.data.serial | replace('S', event.data.long)", "it gives 202 characters, at most 200 are allowed"),
    ],
)
def test_a_key_that_cannot_be_used_says_so(key: str, reason: str) -> None:
    found = workflow(f'concurrency: {{limit: 1, key: "${{{{ {key} }}}}"}}')
    event = {"data": {**EVENT["data"], "long": "x" * 200}}  # type: ignore[dict-item]  # a mapping of anything
    with pytest.raises(InputError) as caught:
        slots_of(found, {}, event)
    assert str(caught.value) == f"concurrency.key of link-device: {reason}"


def test_a_run_without_an_event_needs_a_default_in_the_key() -> None:
    bare = workflow('concurrency: {limit: 1, key: "${{ event.data.serial }}"}')
    with pytest.raises(InputError, match=r"'event\.data' is missing: it is read from null"):
        slots_of(bare, {}, None)
    key = '"${{ event.data.serial | default(inputs.serial) }}"'
    either = workflow(f"inputs: {{serial: {{default: SN9}}}}\nconcurrency: {{limit: 1, key: {key}}}")
    assert slots_of(either, {}, None) == [["link-device:SN9", 1]]


def test_history_says_how_long_runs_are_kept() -> None:
    assert workflow("").history is None
    assert workflow("history: {max_age: 30d}").history == HistoryPolicy(max_age_s=30 * 86_400)
    assert workflow("history: {max_age: 90, max_runs: 5}").history == HistoryPolicy(max_age_s=90, max_runs=5)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("priority: 101", "2:11: bad-value priority: a whole number from 0 to 100 is needed, not 101"),
        ("priority: high", "2:11: bad-value priority: a whole number from 0 to 100 is needed, not 'high'"),
        ("priorty: 5", "2:1: unknown-key a workflow has no key 'priorty' (did you mean 'priority'?)"),
        (
            "concurrency: 3",
            "2:14: bad-value concurrency: a mapping is needed, not 3 (did you mean 'concurrency: {limit: 3}'?)",
        ),
        ("concurrency: [3]", "2:14: bad-value concurrency: a mapping is needed, not a list"),
        ("concurrency: {}", "2:14: missing-key concurrency needs the key 'limit'"),
        (
            "concurrency: {limit: 0}",
            "2:22: bad-value limit: a whole number from 1 to 10000 is needed, not 0",
        ),
        (
            "concurrency: {limt: 1, limit: 1}",
            "2:15: unknown-key concurrency has no key 'limt' (did you mean 'limit'?)",
        ),
        (
            "concurrency: {limit: 1, key: event.data.serial}",
            "2:30: bad-value key: a text with an expression is needed, as in ${{ event.data.serial }}",
        ),
        (
            'concurrency: {limit: 1, key: "${{ steps.a }}"}',
            "2:30: unknown-name there is no name 'steps': steps are not known here in the expression 'steps.a'",
        ),
        (
            'concurrency: {limit: 1, key: "${{ evnt.data.serial }}"}',
            "2:30: unknown-name there is no name 'evnt' in the expression 'evnt.data.serial' (did you mean 'event'?)",
        ),
        (
            'concurrency: {limit: 1, key: "${{ inputs.serial }}"}',
            "2:30: unknown-input the workflow declares no input 'serial'",
        ),
        (
            'concurrency: {limit: 1, key: "${{ 1 + }}"}',
            "2:30: bad-expression unexpected 'end' in the expression '1 +'",
        ),
        ("history: {}", "2:10: bad-value history: write max_age, max_runs or both"),
        (
            "history: 500",
            "2:10: bad-value history: a mapping is needed, not 500 (did you mean 'history: {max_runs: 500}'?)",
        ),
        ("history: {max_runs: 0}", "2:21: bad-value max_runs: a whole number from 1 to 1000000000 is needed, not 0"),
        ("history: {max_age: 0}", "2:20: bad-duration max_age: longer than nothing is needed"),
        ("history: {days: 3}", "2:11: unknown-key history has no key 'days'"),
    ],
)
def test_what_is_wrong_is_said_with_place_and_suggestion(text: str, problem: str) -> None:
    assert draft(text)[1] == [problem]


def test_triggers_are_numbered_by_kind_in_the_order_of_the_file() -> None:
    found = workflow("""\
on:
  - event: acs.device.added
  - cron: "0 3 * * *"
  - event: acs.device.removed
""")
    assert found.cron_triggers() == {"link-device/cron/1": found.cron[0]}
    assert found.event_triggers() == {"link-device/event/1": found.events[0], "link-device/event/2": found.events[1]}
