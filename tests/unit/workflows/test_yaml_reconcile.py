# ruff: noqa: E501 (one problem in one line)
"""What a reconcile in a workflow file may say, and what is said of what it may not."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pytest

from backhaul.plugins.action import ActionSpec
from backhaul.workflows.checks import check_workflow
from backhaul.workflows.json_schema import workflow_schema
from backhaul.workflows.reconcile import CHANGES, Compared, KeyFields, Reconcile
from backhaul.workflows.yaml_reader import read_yaml
from backhaul.workflows.yaml_workflow import Draft, read_yaml_workflow

Actions = Mapping[str, Mapping[str, ActionSpec]]
jsonschema = pytest.importorskip("jsonschema")

WHOLE = """
source: ${{ steps.a }}
target: ${{ steps.b }}
key: {source: serial, target: sn, normalize: [trim, serial, {e164: BR}]}
compare: {login: user, other: {target: another, normalize: lower}}
create: {call: erp.add_device, with: {serial: "${{ item.serial }}"}, if: "${{ item.login }}"}
update: {call: erp.add_device, with: {serial: "${{ target.sn ~ key ~ last.outcome }}"}}
delete: {call: erp.remove_device, with: {device_id: "${{ target.id }}"}}
order: [delete, create, update]
guard:
  max_delete: ${{ inputs.most }}
  max_delete_count: 500
  min_source: 10
  recheck: {call: acs.list_devices}
  to: noc
  timeout: 8h
confirm_runs: 2
concurrency: 20
on_item_error: stop
max_failures: 50
explain:
  - {reason: no login, side: source, when: "${{ not item.login }}"}
  - {reason: failed, when: "${{ outcome == 'failed' and side == 'source' and error }}"}
  - {reason: the rest}
"""


def text_of(reconcile: str) -> str:
    return (
        "inputs: {most: {type: string, default: 2%}}\nsteps:\n  - {id: a, set: {x: 1}}\n  - {id: b, set: {x: 1}}\n"
        f"  - id: sync\n    reconcile:\n{textwrap.indent(textwrap.dedent(reconcile).strip(), '      ')}\n"
    )


def draft_of(reconcile: str) -> Draft:
    return read_yaml_workflow(text_of(reconcile), "w.yaml")


def verb_of(reconcile: str) -> Reconcile:
    draft = draft_of(reconcile)
    assert draft.problems == ()
    assert draft.workflow is not None
    verb = draft.workflow.steps[-1].verb
    assert isinstance(verb, Reconcile)
    return verb


SIDES = "source: ${{ steps.a }}\ntarget: ${{ steps.b }}\nkey: sn\n"


def test_a_whole_reconcile_is_read() -> None:
    verb = verb_of(WHOLE)
    names = (("trim", ""), ("serial", ""), ("e164", "BR"))
    assert verb.key == KeyFields(source="serial", target="sn", normalize=names)
    assert verb.compare == (
        Compared(source="login", target="user"),
        Compared(source="other", target="another", normalize=(("lower", ""),)),
    )
    assert [name for name, _ in verb.calls] == [*CHANGES, "guard.recheck"]
    assert (verb.order, verb.confirm_runs, verb.concurrency) == (("delete", "create", "update"), 2, 20)
    assert (verb.on_item_error, verb.max_failures, verb.reads_last) == ("stop", 50, True)
    assert [(rule.reason, rule.side) for rule in verb.explain] == [
        ("no login", "source"),
        ("failed", None),
        ("the rest", None),
    ]


def test_a_short_reconcile_has_the_usual_guard() -> None:
    verb = verb_of(SIDES + "delete: {call: erp.remove_device, with: {device_id: 1}}")
    assert (verb.guard.max_delete.value, verb.guard.min_source.value) == ("5%", 1)
    assert (verb.key.source, verb.key.target, verb.order, verb.reads_last) == ("sn", "sn", CHANGES, False)


@pytest.mark.parametrize(
    ("reconcile", "problem"),
    [
        ("source: ${{ steps.a }}\ntarget: ${{ steps.b }}", "missing-key reconcile needs the key 'key'"),
        ("key: x\ntarget: ${{ steps.b }}", "missing-key reconcile needs the key 'source'"),
        (SIDES + "sorce: 1", "unknown-key reconcile has no key 'sorce' (did you mean 'source'?)"),
        (SIDES + "create: {call: a.b, wiht: {}}", "unknown-key create has no key 'wiht' (did you mean 'with'?)"),
        (SIDES + "create: {with: {}}", "missing-key create needs the key 'call'"),
        (SIDES + "create: {call: acs}", "bad-value call: 'acs' is no action: write <connection>.<action>, as in acs.list_devices"),
        (SIDES + "create: {call: a.b, with: {x: '${{ itm.x }}'}}", "unknown-name there is no name 'itm' in the expression 'itm.x' (did you mean 'item'?)"),
        (SIDES + "update: {call: a.b}", "bad-value update: without 'compare' no record ever differs: say which fields it compares"),
        (SIDES + "guard: {max_delete: 2%}", "bad-value guard: it guards deletes, and there is no 'delete'"),
        (SIDES + "delete: {call: a.b}\nguard: {max_delete: 2}", "bad-value max_delete: 2 is no share: write it as 2% (a number of records is max_delete_count)"),
        (SIDES + "delete: {call: a.b}\nguard: {max_delete: 200%}", "bad-value max_delete: '200%' is more than everything: at most 100%"),
        (SIDES + "delete: {call: a.b}\nguard: {min_source: -1}", "bad-value min_source: a whole number from 0 to 10000000 is needed, not -1"),
        (SIDES + "delete: {call: a.b}\nguard: {timeout: soon}", "bad-duration timeout: 'soon' is no duration: write it as 30s, 5m, 1h30m or 2d"),
        (SIDES + "order: [create, delete]", "bad-value order: write each of create, update, delete once"),
        (SIDES + "on_item_error: ignore", "bad-value on_item_error: 'ignore' is not one of continue, stop"),
        (SIDES + "confirm_runs: 0", "bad-value confirm_runs: a whole number from 1 to 100 is needed, not 0"),
        (SIDES + "explain: [{when: '${{ true }}'}]", "missing-key a rule of explain needs the key 'reason'"),
        (SIDES + "explain: [{reason: x, side: left}]", "bad-value side: 'left' is not one of source, target"),
        (SIDES + "explain: {reason: x}", "bad-value explain: a list of rules is needed, not a mapping"),
        (SIDES + "compare: {a: {normalize: trim}}", "missing-key compare of 'a' needs the key 'target'"),
        (SIDES.replace("key: sn", "key: {source: a, target: b, normalize: [sreial]}"), "unknown-normalizer there is no normaliser 'sreial' (did you mean 'serial'?)"),
        (SIDES.replace("key: sn", "key: {source: a, target: b, normalize: {e164: XX}}"), "bad-value normalize: 'XX' is no region; a region is two letters, as in {e164: BR}"),
        (SIDES.replace("key: sn", "key: {source: a, target: b, normalize: {trim: BR}}"), "bad-value normalize: trim takes no argument; a region is two letters, as in {e164: BR}"),
        (SIDES.replace("${{ steps.a }}", "${{ item.x }}"), "unknown-name there is no name 'item': it is known inside of 'each' only in the expression 'item.x'"),
    ],
)  # fmt: skip
def test_each_problem_has_its_code_and_advice(reconcile: str, problem: str) -> None:
    [found] = draft_of(reconcile).problems
    assert str(found).partition(": ")[2] == problem
    assert found.place.line > 5


def test_later_steps_see_the_fields_of_its_output() -> None:
    text = text_of(SIDES) + "  - set: {x: '${{ steps.sync.creatd }}', y: '${{ steps.sync.explained.difference }}'}\n"
    [found] = read_yaml_workflow(text, "w.yaml").problems
    assert found.message == "the output of the reconcile 'sync' has no field 'creatd'"
    assert found.suggestion == "created"


@pytest.mark.parametrize(
    ("reconcile", "problem"),
    [
        (SIDES + "create: {call: erp.add_devices}", "unknown-action the connection 'erp' has no action 'add_devices' (did you mean 'erp.add_device'?)"),
        (SIDES + "create: {call: erb.add_device}", "unknown-connection there is no connection 'erb' (did you mean 'erp'?)"),
        (SIDES + "create: {call: erp.add_device, with: {serial: abc, lgin: x}}", "unknown-parameter erp.add_device has no parameter 'lgin' (did you mean 'login'?)"),
        (SIDES + "delete: {call: erp.remove_device}", "missing-parameter erp.remove_device needs 'device_id'"),
        (SIDES + "create: {call: erp.add_device, with: {serial: x}}", "bad-parameter serial of erp.add_device: String should have at least 3 characters, not 'x'"),
        (SIDES + "delete: {call: erp.remove_device, with: {device_id: 1}}\nguard: {recheck: {call: acs.reboot, with: {serial: x}}}", "bad-recheck recheck only looks, and acs.reboot is a once"),
    ],
)  # fmt: skip
def test_its_calls_are_checked_as_those_of_steps(actions: Actions, reconcile: str, problem: str) -> None:
    draft = draft_of(reconcile)
    assert draft.problems == ()
    assert draft.workflow is not None
    [found] = check_workflow(draft.workflow, actions, {})
    assert str(found).partition(": ")[2] == problem


@pytest.fixture(scope="module")
def validator(actions: Actions) -> Any:
    schema = workflow_schema(actions)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def fits(validator: Any, reconcile: str) -> bool:
    node, problems = read_yaml(text_of(reconcile), "w.yaml")
    assert problems == []
    assert node is not None
    return bool(validator.is_valid(node.plain()))


def test_the_json_schema_takes_what_the_check_takes(validator: Any) -> None:
    assert fits(validator, WHOLE)
    assert fits(validator, SIDES)


@pytest.mark.parametrize(
    "reconcile",
    [
        "source: ${{ steps.a }}\ntarget: ${{ steps.b }}",
        SIDES + "sorce: 1",
        SIDES + "create: {with: {}}",
        SIDES + "create: {call: erp.add_devices}",
        SIDES + "create: {call: erp.add_device, with: {serial: abc, other: 1}}",
        SIDES + "update: {call: erp.add_device, with: {serial: abc}}",
        SIDES + "guard: {max_delete: 2%}",
        SIDES + "delete: {call: erp.remove_device, with: {device_id: 1}}\nguard: {max_delete: 2}",
        SIDES + "order: [create]",
        SIDES + "explain: [{when: '${{ true }}'}]",
        SIDES.replace("key: sn", "key: {source: a, target: b, normalize: [nothing]}"),
    ],
)
def test_the_json_schema_refuses_what_the_check_refuses(validator: Any, reconcile: str) -> None:
    assert not fits(validator, reconcile)
