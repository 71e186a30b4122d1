from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backhaul.plugins.action import ActionSpec
from backhaul.workflows.json_schema import workflow_schema
from backhaul.workflows.yaml_reader import read_yaml
from backhaul.workflows.yaml_workflow import read_yaml_workflow

jsonschema = pytest.importorskip("jsonschema")  # in the dev extra; it has no types

Actions = Mapping[str, Mapping[str, ActionSpec]]

GOOD = """
name: nightly-sync
description: x
on:
  - cron: "0 3 * * *"
    timezone: America/Sao_Paulo
    catch_up: latest
    max_lateness: 1h30m
  - event: acs.device.added
    where: ${{ event.data.serial != "" }}
inputs:
  max_delete: {type: string, default: "2%"}
priority: 30
concurrency: {limit: 2, key: "${{ event.data.serial | default(inputs.max_delete) }}"}
cancel_on: [{event: acs.device.removed, where: "${{ event.subject == trigger.subject }}"}]
history: {max_age: 30d, max_runs: 500}
timeout: 2h
steps:
  - id: devices
    call: acs.list_devices
  - id: sync
    each: ${{ steps.devices }}
    key: ${{ item.serial }}
    concurrency: 20
    do:
      - id: add
        if: ${{ index > 0 }}
        call: erp.add_device
        with:
          serial: 12345
          attempts: ${{ index + 1 }}
          tags: [a, "${{ item.x }}"]
          address: {street: x, number: "${{ index }}"}
        retry: {attempts: 5, delay: 2, on: [RetryableError]}
        on_error: {do: [{fail: "no"}]}
    output: {a: 1}
  - parallel: [{set: {a: 1}}, {do: [{set: {b: 1}}]}]
  - emit: {type: a.b, data: {n: 1}}
  - run: other
    with: {n: 1}
    timeout: 90
  - wait: {for: 1h30m}
  - wait: {until: "${{ now }}"}
  - wait: {event: phone.call_end, where: "${{ event.data.id == 1 }}", timeout: "${{ 5 * 60 }}"}
  - wait: {approval: {to: noc, message: Sure?, schema: {type: object}, timeout: 24h}}
    on_error: continue
output: ${{ steps.sync }}
"""


@pytest.fixture(scope="module")
def validator(actions: Actions) -> Any:
    schema = workflow_schema(actions)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def fits(validator: Any, text: str) -> bool:
    node, problems = read_yaml(textwrap.dedent(text), "w.yaml")
    assert problems == []
    assert node is not None
    return bool(validator.is_valid(node.plain()))


def test_editors_propose_the_events_that_connections_bring(actions: Actions) -> None:
    kind = workflow_schema(actions, {"acs": {"device.added": "It came."}})["$defs"]["eventType"]
    assert kind["anyOf"][0] == {"description": "It came.", "const": "acs.device.added"}
    jsonschema.validate("any.other", kind)


def test_a_right_file_fits(validator: Any) -> None:
    assert read_yaml_workflow(GOOD, "w.yaml").problems == ()
    assert fits(validator, GOOD)


@pytest.mark.parametrize(
    "step",
    [
        "{call: acs.list_device}",
        "{call: acs.reboot}",
        "{call: acs.reboot, with: {}}",
        "{call: acs.reboot, with: {serial: x, other: 1}}",
        "{call: erp.remove_device, with: {device_id: many}}",
        "{call: erp.add_device, with: {serial: abc, mode: exakt}}",
        "{call: erp.add_device, with: {serial: abc, attempts: 0}}",
        "{call: erp.add_device, with: {serial: abc, address: {street: x, number: many}}}",
        "{call: acs.list_devices, set: {a: 1}}",
        "{set: {a: 1}, wiht: {}}",
        "{id: New-Id, set: {a: 1}}",
        "{set: {a: 1}, if: inputs.x}",
        "{set: {a: 1}, timeout: soon}",
        "{set: {a: 1}, on_error: ignore}",
        "{set: {a: 1}, retry: {on: [Nope]}}",
        "{set: {a: 1}, concurrency: 5}",
        "{each: '${{ [1] }}'}",
        "{emit: {data: 1}}",
        "{id: x}",
        "{reconcile: {}}",
    ],
)
def test_what_the_check_refuses_does_not_fit(step: str, validator: Any) -> None:
    assert not fits(validator, f"steps:\n  - {step}\n")


@pytest.mark.parametrize(
    "text",
    [
        "name: x\n",
        "steps: []\n",
        "nmae: x\nsteps: [{set: {a: 1}}]\n",
        "priority: 101\nsteps: [{set: {a: 1}}]\n",
        "concurrency: 1\nsteps: [{set: {a: 1}}]\n",
        "concurrency: {key: '${{ event.x }}'}\nsteps: [{set: {a: 1}}]\n",
        "concurrency: {limit: 1, key: event.x}\nsteps: [{set: {a: 1}}]\n",
        "history: {}\nsteps: [{set: {a: 1}}]\n",
        "history: {max_runs: 0}\nsteps: [{set: {a: 1}}]\n",
        "on: [{cron: x, tz: y}]\nsteps: [{set: {a: 1}}]\n",
    ],
)
def test_a_wrong_workflow_does_not_fit(text: str, validator: Any) -> None:
    assert not fits(validator, text)


def test_the_file_with_many_problems_does_not_fit(validator: Any) -> None:
    text = (Path(__file__).parent / "files" / "many_problems.yaml").read_text()
    node, _ = read_yaml(text, "w.yaml")
    assert node is not None
    assert len(list(validator.iter_errors(node.plain()))) > 5


def test_editors_find_the_actions_with_their_descriptions(actions: Actions) -> None:
    call = workflow_schema(actions)["$defs"]["step"]["properties"]["call"]
    assert call["enum"] == ["acs.list_devices", "acs.reboot", "erp.add_device", "erp.remove_device"]
    assert call["enumDescriptions"][:2] == ["List all devices. (read)", "Reboot a device. (once)"]
    parameters = workflow_schema(actions)["$defs"]["with.erp.add_device"]
    assert parameters["required"] == ["serial"]
    assert parameters["properties"]["serial"]["description"] == "the device's serial number."


def test_without_connections_any_call_fits() -> None:
    schema = workflow_schema({})
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid({"steps": [{"call": "a.b", "with": {"x": 1}}]})
