# ruff: noqa: E501  # tables of texts and their problems
from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from backhaul.problems import Place
from backhaul.workflows.definition import (
    Call,
    Each,
    Emit,
    Fail,
    Group,
    Parallel,
    RetryPolicy,
    RunWorkflow,
    Set,
    Step,
    Workflow,
    visible_ids,
)
from backhaul.workflows.expressions import Expression
from backhaul.workflows.yaml_workflow import read_yaml_workflow

NIGHTLY_SYNC = """
    name: nightly-sync
    description: Link every ACS device to the active login that IXC Provider knows.
    on:
      - cron: "0 3 * * *"
        timezone: America/Sao_Paulo
        catch_up: latest            # none | latest | all, with max_lateness
        overlap: skip               # skip | queue | parallel | cancel_running
      - event: acs.device.added
        where: ${{ event.data.serial != "" }}
    inputs:
      max_delete: {type: string, default: "2%"}
    timeout: 2h
    steps:
      - id: devices
        call: acs.list_devices                    # <connection>.<action>
      - id: registered
        call: provider.list_acs_devices
      - id: sync
        each: ${{ steps.devices }}
        key: ${{ item.serial }}
        concurrency: 20
        do:
          - id: link
            if: ${{ lookup(steps.registered, "serial_number", item.serial) is none }}
            call: provider.add_acs_device
            with: {serial_number: "${{ item.serial }}", login: "${{ item.pppoe_login }}"}
            retry: {attempts: 5, delay: 2s, backoff: 3, max_delay: 1m, on: [RetryableError]}
            on_error: continue
            timeout: 30s
      - id: report
        set: {created: "${{ steps.sync.steps.link.succeeded }}", failed: "${{ steps.sync.steps.link.failed }}"}
    output: ${{ steps.report }}
"""


def read(text: str) -> Workflow:
    draft = read_yaml_workflow(textwrap.dedent(text), "workflows/some_name.yaml")
    assert [str(problem) for problem in draft.problems] == []
    assert draft.workflow is not None
    return draft.workflow


def problems(text: str) -> list[str]:
    found = read_yaml_workflow(textwrap.dedent(text), "w.yaml").problems
    return [str(problem).removeprefix("w.yaml:") for problem in found]


def steps(text: str) -> tuple[Step, ...]:
    return read("steps:\n" + textwrap.indent(textwrap.dedent(text), "  ")).steps


def step_problems(text: str) -> list[str]:
    return problems("steps:\n" + textwrap.indent(textwrap.dedent(text).strip("\n"), "  "))


def test_the_nightly_sync_is_read() -> None:
    workflow = read(NIGHTLY_SYNC)
    assert (workflow.name, workflow.kind, workflow.path) == ("nightly-sync", "yaml", "workflows/some_name.yaml")
    assert len(workflow.digest) == 16
    assert workflow.timeout_s == 7200
    [cron] = workflow.cron
    assert (cron.expression, cron.timezone, cron.catch_up, cron.overlap) == (
        "0 3 * * *",
        "America/Sao_Paulo",
        "latest",
        "skip",
    )
    [event] = workflow.events
    assert (event.type, event.where) == ("acs.device.added", 'event.data.serial != ""')
    assert event.explain({"data": {"serial": "S1"}}) is None
    assert event.explain({"data": {"serial": ""}}) is not None
    [declared] = workflow.inputs
    assert (declared.name, declared.type, declared.default, declared.required) == ("max_delete", "string", "2%", False)
    devices, registered, sync, report = workflow.steps
    assert devices.verb == registered.verb or isinstance(devices.verb, Call)
    assert isinstance(sync.verb, Each)
    assert isinstance(sync.verb.items, Expression)
    assert sync.verb.items.source == "steps.devices"
    assert sync.verb.concurrency == 20
    [link] = sync.verb.body
    assert link.retry == RetryPolicy(attempts=5, delay_s=2, backoff=3, max_delay_s=60, on=("RetryableError",))
    assert link.on_error.action == "continue"
    assert link.timeout_s == 30
    assert link.condition is not None
    assert isinstance(report.verb, Set)
    assert workflow.output is not None
    assert workflow.output.render({"steps": {"report": {"created": 1}}}) == {"created": 1}


def test_the_name_comes_from_the_file_when_there_is_none() -> None:
    assert read("steps: [{set: {a: 1}}]").name == "some-name"


def test_the_digest_stands_for_the_text() -> None:
    one, same, other = (read(f"steps: [{{set: {{a: {value}}}}}]") for value in (1, 1, 2))
    assert one.digest == same.digest != other.digest


def test_the_same_text_in_two_files_is_two_workflows() -> None:
    text = "steps: [{set: {a: 1}}]"
    one, other = (read_yaml_workflow(text, f"workflows/{name}.yaml").workflow for name in ("one", "other"))
    assert one is not None
    assert other is not None
    assert one.digest != other.digest


def test_all_verbs_are_read() -> None:
    found = steps("""
        - call: acs.list_devices
        - each: ${{ [1, 2] }}
          do: [{set: {n: "${{ item }}"}}]
          output: ${{ index }}
        - parallel:
            - set: {a: 1}
            - do: [{set: {b: 1}}]
        - do:
            - set: {c: 1}
        - emit: {type: isp.done, subject: s, data: {n: 1}, key: k}
        - run: other-workflow
          with: {n: 1}
        - fail: "no ${{ inputs }}"
    """)
    assert [type(step.verb) for step in found] == [Call, Each, Parallel, Group, Emit, RunWorkflow, Fail]
    emit = found[4].verb
    assert isinstance(emit, Emit)
    assert emit.data.render({}) == {"n": 1}


def test_steps_without_an_id_get_a_stable_one_of_verb_and_position() -> None:
    found = steps("""
        - set: {a: 1}
        - id: set_3
          set: {a: 1}
        - set: {a: 1}
        - each: ${{ [1] }}
          do:
            - set: {a: 1}
            - parallel: [{set: {b: 1}}]
              on_error: {do: [{set: {c: 1}}]}
    """)
    assert [step.id for step in found] == ["set_1", "set_3", "set_3_", "each_4"]
    each = found[3].verb
    assert isinstance(each, Each)
    inner, parallel = each.body
    assert (inner.id, parallel.id) == ("set_4_1", "parallel_4_2")
    assert isinstance(parallel.verb, Parallel)
    assert parallel.verb.branches[0].id == "set_4_2_1"
    assert parallel.on_error.body[0].id == "set_4_2_e1"


def test_the_ids_that_later_steps_see_are_those_that_references_may_name() -> None:
    found = steps("""
        - id: a
          do: [{id: b, set: {x: 1}}, {id: c, parallel: [{id: d, set: {x: 1}}]}]
          on_error: {do: [{id: e, set: {x: 1}}]}
        - {id: f, each: "${{ [1] }}", do: [{id: g, set: {x: 1}}]}
        - set: {all: "${{ [steps.a, steps.b, steps.c, steps.d, steps.e, steps.f] }}"}
    """)
    assert visible_ids(found[:2]) == ("a", "b", "c", "d", "e", "f")


def test_steps_know_where_their_keys_stand() -> None:
    [step] = steps("""
        - call: a.b
          with:
            serial: 1
    """)
    assert step.place == Place("workflows/some_name.yaml", 3, 5)
    assert step.places["call"].column == 11
    assert (step.places["with.serial"].line, step.places["with.serial"].column) == (5, 7)
    assert step.places["with.serial="].column == 15


@pytest.mark.parametrize(("text", "source"), [("true", None), ("false", "false"), ('"${{ 1 > 2 }}"', "1 > 2")])
def test_a_condition_is_an_expression_or_a_boolean(text: str, source: str | None) -> None:
    [step] = steps(f"- {{set: {{a: 1}}, if: {text}}}")
    assert (step.condition.source if step.condition else None) == source


def test_triggers_have_all_their_settings() -> None:
    workflow = read("""
        on:
          cron: "@daily"
          timezone: Europe/Paris
          catch_up: all
          max_lateness: 1d
          overlap: queue
          jitter: 5m
          start: 2026-03-01
          end: "2027-01-01T00:00:00Z"
        steps: [{set: {a: 1}}]
    """)
    [cron] = workflow.cron
    assert cron.start == datetime(2026, 3, 1, tzinfo=ZoneInfo("Europe/Paris"))
    assert cron.end == datetime(2027, 1, 1, tzinfo=UTC)
    assert (cron.max_lateness_s, cron.jitter_s) == (86400, 300)


def test_inputs_are_required_unless_they_have_a_default_or_say_so() -> None:
    workflow = read("""
        inputs:
          a: {type: integer}
          b: {type: list, default: []}
          c: {type: object, required: false, description: What for.}
          d: {enum: [x, y], default: x}
        steps: [{set: {a: 1}}]
    """)
    assert [(item.name, item.type, item.required) for item in workflow.inputs] == [
        ("a", "integer", True),
        ("b", "list", False),
        ("c", "object", False),
        ("d", "string", False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        # earlier steps, also of enclosing blocks
        "- {id: a, set: {x: 1}}\n- do: [{set: {y: '${{ steps.a.x }}'}}]",
        # inner steps of do and parallel afterwards
        "- do: [{id: a, set: {x: 1}}]\n- set: {y: '${{ steps.a.x }}'}",
        "- parallel: [{id: a, set: {x: 1}}, {id: b, set: {x: 1}}]\n- set: {y: '${{ [steps.a, steps.b] }}'}",
        # steps of on_error afterwards, and the failed step's error inside of it
        "- {id: a, set: {x: 1}, on_error: {do: [{id: b, fail: '${{ errors.a.message }}'}]}}\n- set: {y: '${{ steps.b }}'}",
        # inside of each: earlier inner steps, item and index
        "- each: ${{ [1] }}\n  do: [{id: a, set: {x: '${{ item }}'}}, {set: {y: '${{ steps.a.x + index }}'}}]\n  output: ${{ steps.a }}",
        # results of each
        "- id: e\n  each: ${{ [1] }}\n  do: [{id: a, set: {x: 1}}]\n- set: {y: '${{ steps.e.steps.a.failed + steps.e.total }}'}",
        '- {id: a, set: {x: 1}}\n- set: {y: "${{ status.a ~ (errors.a | default(none)) ~ run.id ~ now ~ event }}"}',
    ],
)
def test_what_is_visible(text: str) -> None:
    assert step_problems(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- set: {y: '${{ steps.b }}'}\n- {id: b, set: {x: 1}}", "2:14: later-step step 'b' comes later, in line 3"),
        ("- {id: b, set: {y: '${{ steps.b }}'}}", "2:22: later-step step 'b' comes later, in line 2"),
        ("- id: abc\n  set: {x: 1}\n- set: {y: '${{ steps.abd }}'}", "4:14: unknown-step there is no step 'abd' (did you mean 'abc'?)"),
        (
            "- parallel: [{id: a, set: {x: 1}}, {id: b, set: {x: '${{ steps.a }}'}}]",
            "2:55: parallel-step step 'a' runs at the same time, in another branch of parallel",
        ),
        (
            "- {id: e, each: '${{ [1] }}', do: [{id: a, set: {x: 1}}]}\n- set: {y: '${{ steps.a }}'}",
            "3:14: step-inside-each step 'a' is inside of the each 'e': outside, read steps.e.steps.a (its counts) or "
            "steps.e.results",
        ),
        (
            "- {id: e, each: '${{ [1] }}', do: [{set: {x: 1}}]}\n- set: {y: '${{ steps.e.suceeded }}'}",
            "3:14: unknown-field the output of the each 'e' has no field 'suceeded' (did you mean 'succeeded'?)",
        ),
        ("- set: {y: '${{ item }}'}", "2:14: unknown-name there is no name 'item': it is known inside of 'each' only in the expression 'item'"),
        ("- {id: a, set: {x: 1}}\n- set: {y: '${{ a.x }}'}", "3:14: unknown-name there is no name 'a': a step's output is read as steps.a in the expression 'a.x'"),
        ("- set: {y: '${{ inputs.x }}'}", "2:14: unknown-input the workflow declares no input 'x'"),
        ("- set: {y: '${{ evnt }}'}", "2:14: unknown-name there is no name 'evnt' in the expression 'evnt' (did you mean 'event'?)"),
        ("- set: {y: '${{ null }}'}", "2:14: unknown-name there is no name 'null': the empty value is 'none' in the expression 'null'"),
        ("- {set: {y: 1}, if: inputs.x}", "2:23: bad-value if: an expression is needed: ${{ inputs.x }}"),
        ("- {set: {y: 1}, if: 'a ${{ 1 }}'}", "2:23: bad-value if: an expression is needed: ${{ a ${{ 1 }} }}"),
        ("- {set: {y: 1}, if: '${{ 1 }} a'}", "2:23: bad-value if: one expression is needed, without text around it"),
        ("- {each: 5, do: [{set: {y: 1}}]}", "2:12: bad-value each: an expression is needed: ${{ ... }}"),
        ("- each: ${{ [1] }}", "2:5: missing-key each needs the key 'do' with the steps for every item"),
        ("- reconcile: later", "2:16: bad-value reconcile: a mapping is needed, not 'later'"),
        ("- wait: 5m", "2:11: bad-value wait: a mapping is needed, not '5m'"),
        ("- wait: {for: soon}", "2:17: bad-duration for: 'soon' is no duration: write it as 30s, 5m, 1h30m or 2d"),
        ("- wait: {until: soon}", "2:19: bad-value until: 'soon' is no time: write it as 2026-03-01T06:00Z (UTC when there is no zone)"),
        ("- wait: {for: 5m, until: soon}", "2:11: bad-value wait: write {for}, {until}, {event} or {approval}: one of them, not for and until"),
        ("- wait: {for: 5m, timeout: 1h}", "2:21: unknown-key a wait with 'for' has no key 'timeout'"),
        ("- wait: {event: no type!}", "2:19: bad-value event: 'no type!' is no type of an event: write letters, digits and dots, as in acs.device.added"),
        ("- wait: {event: a.b, where: x}", "2:31: bad-value where: an expression is needed: ${{ x }}"),
        ("- wait: {event: a.b, where: '${{ evnt.x }}'}", "2:31: unknown-name there is no name 'evnt' in the expression 'evnt.x' (did you mean 'event'?)"),
        ("- wait: {event: a.b, timeout: 0}", "2:33: bad-duration timeout: longer than nothing is needed"),
        ("- wait: {approval: {to: noc}}", "2:22: missing-key approval needs the key 'message'"),
        ("- wait: {approval: {message: m, schema: {type: wrong}}}", "2:43: bad-value schema: type: 'wrong' is not valid under any of the given schemas"),
        ("- {call: a.b, set: {x: 1}}", "2:5: several-verbs a step has one verb, not call and set: make several steps of it"),
        ("- {clal: a.b}", "2:6: unknown-verb there is no verb 'clal' (did you mean 'call'?)"),
        ("- {id: x}", "2:5: no-verb a step needs one of call, each, parallel, do, set, emit, run, fail"),
        ("- text", "2:5: bad-step a step is a mapping, not a text"),
        ("- {set: {a: 1}, retry: {on: [RetryableErorr]}}", "2:32: unknown-error there is no error 'RetryableErorr' of actions (did you mean 'RetryableError'?)"),
        ("- {set: {a: 1}, retry: {attempts: 0}}", "2:37: bad-value attempts: a whole number from 1 to 1000 is needed, not 0"),
        ("- {set: {a: 1}, on_error: ignore}", "2:29: bad-value on_error: 'ignore' is not one of fail, continue"),
        ("- {set: {a: 1}, timeout: soon}", "2:28: bad-duration timeout: 'soon' is no duration: write it as 30s, 5m, 1h30m or 2d"),
        ("- {set: {a: 1}, timeout: 0}", "2:28: bad-duration timeout: longer than nothing is needed"),
        ("- {emit: {data: 1}}", "2:12: missing-key emit needs the key 'type'"),
        ("- {set: {a: 1}, id: New-Id}", "2:23: bad-name id: 'New-Id' is no id"),
        ("- call: acs", "2:11: bad-value call: 'acs' is no action: write <connection>.<action>, as in acs.list_devices"),
        ("- {call: a.b, with: '${{ inputs }}'}", "2:23: bad-value with: a mapping of names to values is needed, not a text"),
        ("- {set: {'${{ 1 }}': 1}}", "2:12: bad-value a key cannot hold an expression"),
    ],
)  # fmt: skip
def test_each_problem_of_a_step_has_its_place_code_and_advice(text: str, problem: str) -> None:
    [found] = step_problems(text)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "1:1: bad-workflow a workflow is a mapping with 'steps', not a list"),
        ("name: x", "1:1: missing-key a workflow needs the key 'steps'"),
        ("steps: []", "1:8: bad-steps at least one step is needed"),
        ("steps: 5", "1:8: bad-steps a list of steps is needed, not a number"),
        ("name: Nightly Sync\nsteps: [{set: {a: 1}}]", "1:7: bad-name name: 'Nightly Sync' is no name"),
        ("on: [{cron: x}]\nsteps: [{set: {a: 1}}]", "1:13: bad-cron 'x' has 1 fields"),
        ("on: [{event: '*'}]\nsteps: [{set: {a: 1}}]", "1:14: bad-trigger event: '*' is no type of an event"),
        ("on: [{event: a, where: '${{ steps.a }}'}]\nsteps: [{set: {a: 1}}]", "1:24: unknown-name there is no name 'steps': steps are not known here"),
        ("on: [manual]\nsteps: [{set: {a: 1}}]", "1:6: bad-trigger a trigger is a mapping with 'cron' or 'event', not a text"),
        ("on: [{every: 5m}]\nsteps: [{set: {a: 1}}]", "1:6: bad-trigger a trigger has either the key 'cron' or the key 'event'"),
        ("inputs: {a: {type: integer, default: x}}\nsteps: [{set: {a: 1}}]", "1:38: bad-default default: 'x' is a text, an integer is needed"),
        ("inputs: {a: {type: int}}\nsteps: [{set: {a: 1}}]", "1:20: bad-value type: 'int' is not one of string, integer"),
        ("inputs: {a: string}\nsteps: [{set: {a: 1}}]", "1:13: bad-value an input is a mapping such as {type: string}, not a text"),
        ("steps: [{set: {a: 1}}]\noutput: ${{ steps.a }}", "2:9: unknown-step there is no step 'a'"),
    ],
)  # fmt: skip
def test_each_problem_of_a_workflow_has_its_place_code_and_advice(text: str, problem: str) -> None:
    [found] = problems(text)
    assert found.startswith(problem)


def test_a_file_with_problems_still_gives_a_draft_for_further_checks() -> None:
    text = "steps:\n  - call: a.b\n    with: {x: '${{ bad( }}', y: 1}\n  - call: c.d\n"
    draft = read_yaml_workflow(text, "w.yaml")
    assert [problem.code for problem in draft.problems] == ["bad-expression"]
    assert draft.workflow is not None
    calls: list[Any] = [step.verb for step in draft.workflow.steps]
    assert [call.connection for call in calls] == ["a", "c"]
    assert calls[0].params.constants() == {"y": 1}
