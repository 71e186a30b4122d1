from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from backhaul.plugins.action import ActionSpec
from backhaul.workflows.catalog import check_catalog, read_folder
from backhaul.workflows.checks import check_workflow
from backhaul.workflows.definition import Workflow
from backhaul.workflows.yaml_workflow import read_yaml_workflow

Actions = Mapping[str, Mapping[str, ActionSpec]]

FILES = Path(__file__).parent / "files"
OTHER = "name: other\ninputs: {n: {type: integer}, k: {type: string}}\nsteps: [{set: {a: 1}}]\n"


def read(text: str, path: str = "w.yaml") -> Workflow:
    draft = read_yaml_workflow(textwrap.dedent(text), path)
    assert [str(problem) for problem in draft.problems] == []
    assert draft.workflow is not None
    return draft.workflow


def problems(
    text: str,
    actions: Actions,
    *others: Workflow,
    broken: Mapping[str, str] | None = None,
    events: Mapping[str, Mapping[str, str]] | None = None,
) -> list[str]:
    workflow = read(text)
    workflows = {other.name: other for other in (workflow, *others)}
    found = check_workflow(workflow, actions, workflows, broken, events)
    return [str(problem).removeprefix("w.yaml:") for problem in found]


def test_all_problems_of_a_file_are_reported_in_one_pass(tmp_path: Path, actions: Actions) -> None:
    folder = tmp_path / "workflows"
    folder.mkdir()
    (folder / "many_problems.yaml").write_text((FILES / "many_problems.yaml").read_text())
    (folder / "other.yaml").write_text(OTHER)
    found = check_catalog(read_folder(folder, tmp_path), actions)
    expected = (FILES / "many_problems.txt").read_text().splitlines()
    assert [str(problem).removeprefix("workflows/many_problems.yaml:") for problem in found] == expected
    assert len({problem.code for problem in found}) >= 25


def test_an_event_that_its_connection_never_brings_is_a_problem(actions: Actions) -> None:
    text = """
        on:
          - event: acs.device.aded
          - {event: erp.anything}
          - {event: from.outside}
          - {event: acs.seen_to}
        cancel_on: {event: acs.reboot}
        steps:
          - wait: {event: acs.device.adde, timeout: 1h}
          - wait: {event: "acs.${{ inputs }}", timeout: 1h}
          - emit: {type: acs.seen_to, data: {}}
    """
    assert problems(text, actions, events={"acs": {"device.added": "It came.", "device.gone": "It went."}}) == [
        "3:12: unknown-event the connection 'acs' brings no event 'device.aded' (did you mean 'acs.device.added'?)",
        "7:20: unknown-event the connection 'acs' brings no event 'reboot' (it brings: device.added, device.gone)",
        "9:19: unknown-event the connection 'acs' brings no event 'device.adde' (did you mean 'acs.device.added'?)",
    ]
    assert problems(text, actions) == []


def test_a_right_workflow_has_no_problems(actions: Actions) -> None:
    text = """
        steps:
          - id: devices
            call: acs.list_devices
          - each: ${{ steps.devices }}
            do:
              - call: erp.add_device
                with:
                  serial: ${{ item.serial }}
                  attempts: ${{ index }}
                  tags: ["a", "${{ item.x }}"]
                  address: {street: x, number: 1}
          - call: erp.add_device
            with: {serial: 12345, mode: alias}
          - run: other
            with: {n: "5", k: "${{ steps.devices.count }}"}
    """
    assert problems(text, actions, read(OTHER, "other.yaml")) == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("call: asc.reboot", "2:11: unknown-connection there is no connection 'asc' (did you mean 'acs'?)"),
        ("call: phone.ring", "2:11: unknown-connection there is no connection 'phone' (there are: acs, crm, erp)"),
        ("call: crm.find", "2:11: broken-connection the connection 'crm' cannot be used: no base_url"),
        (
            "call: acs.rebot",
            "2:11: unknown-action the connection 'acs' has no action 'rebot' (did you mean 'acs.reboot'?)",
        ),
        ("call: acs.reboot", "2:11: missing-parameter acs.reboot needs 'serial'"),
        (
            "{call: acs.reboot, with: {serial: x, serail: y}}",
            "2:42: unknown-parameter acs.reboot has no parameter 'serail' (did you mean 'serial'?)",
        ),
        (
            "{call: erp.remove_device, with: {device_id: many}}",
            "2:49: bad-parameter device_id of erp.remove_device: Input should be a valid integer, not 'many'",
        ),
        (
            "{call: erp.add_device, with: {serial: ab}}",
            "2:43: bad-parameter serial of erp.add_device: String should have at least 3 characters, not 'ab'",
        ),
        (
            "{call: erp.add_device, with: {serial: abc, mode: exakt}}",
            "2:54: bad-parameter mode of erp.add_device: Input should be 'exact' or 'alias', not 'exakt'",
        ),
        (
            "{call: acs.list_devices, with: {cursor: x}}",
            "2:37: unknown-parameter acs.list_devices has no parameter 'cursor'",
        ),
        ("run: othr", "2:10: unknown-workflow there is no workflow 'othr' (did you mean 'other'?)"),
        ("{run: other, with: {n: 1}}", "2:11: missing-input the workflow 'other' needs the input 'k'"),
        (
            "{run: other, with: {n: x, k: a}}",
            "2:28: bad-input n of other: 'x' is a text, an integer is needed",
        ),
        (
            "{run: other, with: {n: 1, k: a, m: 1}}",
            "2:37: unknown-input the workflow 'other' declares no input 'm'",
        ),
        (
            "{call: acs.reboot, with: {serial: x}, retry: {on: [UnknownOutcomeError]}}",
            "2:55: unsafe-retry reboot has its effect every time: an unknown outcome is never repeated",
        ),
    ],
)
def test_a_step_is_checked_beside_connections_and_workflows(step: str, expected: str, actions: Actions) -> None:
    found = problems(f"steps:\n  - {step}\n", actions, read(OTHER, "other.yaml"), broken={"crm": "no base_url"})
    assert found == [expected]


def test_steps_inside_of_steps_are_checked_too(actions: Actions) -> None:
    text = """
        steps:
          - each: ${{ [1] }}
            do: [{call: acs.a}]
          - parallel: [{do: [{call: acs.b}]}]
          - set: {a: 1}
            on_error: {do: [{call: acs.c}]}
    """
    assert [found.split(" ")[1] + found[-4:-1] for found in problems(text, actions)] == [
        "unknown-action 'a",
        "unknown-action 'b",
        "unknown-action 'c",
    ]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_cycle_names_its_workflows(size: int, actions: Actions) -> None:
    names = ["first", "second", "third"][:size]
    found: list[str] = []
    flows = {
        name: read(f"name: {name}\nsteps: [{{run: {names[(position + 1) % size]}}}]\n", f"{name}.yaml")
        for position, name in enumerate(names)
    }
    for flow in flows.values():
        found += [str(problem) for problem in check_workflow(flow, actions, flows)]
    assert len(found) == size
    path = " -> ".join([*names, names[0]])
    assert found[0] == f"first.yaml:2:15: workflow-cycle workflows run each other: {path}"


def test_a_workflow_that_is_run_beside_a_cycle_is_none_itself(actions: Actions) -> None:
    loop = read("name: loop\nsteps: [{run: loop}]\n", "loop.yaml")
    assert problems("name: outside\nsteps: [{run: loop}]\n", actions, loop) == []


def test_a_trigger_cannot_start_a_workflow_that_needs_inputs(actions: Actions) -> None:
    rest = "inputs:\n  serial: {type: string}\n  town: {default: Recife}\nsteps: [{set: {a: 1}}]\n"
    found = "missing-input a trigger gives no inputs: 'serial' needs a default, or 'required: false'"
    assert problems(f"name: x\n{rest}", actions) == []
    for trigger in ("cron: '@daily'", "event: acs.device.added"):
        assert problems(f"name: x\non: {{{trigger}}}\n{rest}", actions) == [f"4:3: {found}"]
