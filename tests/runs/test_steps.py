"""Whole runs of YAML workflows: every verb and every modifier."""

from __future__ import annotations

import pytest

from backhaul.store.records import RunStatus, StepStatus
from world import Lab

pytestmark = pytest.mark.anyio


async def test_steps_run_in_order_and_the_output_is_the_workflows(lab: Lab) -> None:
    run = await lab.run("""
        inputs: {by: {type: integer, default: 3}}
        steps:
          - id: first
            call: world.look
            with: {value: "${{ inputs.by * 2 }}"}
          - id: second
            set: {sum: "${{ steps.first + 1 }}", text: "got ${{ steps.first }}"}
        output: ${{ steps.second }}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == {"sum": 7, "text": "got 6"}
    assert run.step_counts == {"succeeded": 2}
    assert await lab.steps(run) == {"first": "succeeded", "second": "succeeded"}


async def test_a_step_whose_condition_is_false_is_skipped_and_reads_as_null(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: no
            if: ${{ 1 > 2 }}
            call: world.put
            with: {name: a}
          - id: seen
            set: {value: "${{ steps.no }}", status: "${{ status.no }}"}
    """)
    assert run.output == {"value": None, "status": "skipped"}
    assert run.step_counts == {"skipped": 1, "succeeded": 1}
    assert lab.done() == []


async def test_a_failed_step_fails_the_run_with_the_step_and_the_reason(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: no
            call: world.put
            with: {name: a, fail: refused}
          - id: never
            call: world.put
            with: {name: b}
    """)
    assert run.status is RunStatus.FAILED
    assert run.error == {"type": "RefusedError", "message": "the world says no", "step": "no"}
    assert await lab.steps(run) == {"no": "failed"}
    assert lab.done() == []


async def test_on_error_continue_goes_on_and_tells_what_failed(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: no
            call: world.put
            with: {name: a, fail: refused}
            on_error: continue
          - id: after
            set: {status: "${{ status.no }}", why: "${{ errors.no.message }}"}
    """)
    assert run.status is RunStatus.SUCCEEDED
    assert run.output == {"status": "failed", "why": "the world says no"}


async def test_on_error_do_carries_out_other_steps(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: no
            call: world.put
            with: {name: a, fail: refused}
            on_error:
              do:
                - id: instead
                  call: world.put
                  with: {name: instead}
    """)
    assert run.status is RunStatus.SUCCEEDED
    assert [line["name"] for line in lab.done("put")] == ["instead"]
    assert await lab.steps(run) == {"no": "failed", "no/instead": "succeeded"}


async def test_a_group_fails_as_one_and_its_steps_are_seen_outside(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: both
            do:
              - id: one
                call: world.look
                with: {value: 1}
              - id: two
                call: world.put
                with: {name: a, fail: refused}
            on_error: continue
          - id: after
            set: {one: "${{ steps.one }}", both: "${{ status.both }}"}
    """)
    assert run.output == {"one": 1, "both": "failed"}
    assert await lab.steps(run) == {
        "both": "failed",
        "both/one": "succeeded",
        "both/two": "failed",
        "after": "succeeded",
    }


async def test_parallel_branches_all_run_and_their_outputs_are_named(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            parallel:
              - id: a
                call: world.look
                with: {value: 1}
              - id: b
                call: world.look
                with: {value: 2}
    """)
    assert run.output == {"a": 1, "b": 2}


async def test_a_failing_branch_lets_the_call_beside_it_end_and_begins_nothing_new(lab: Lab) -> None:
    gate = lab.file.with_name("gate")
    run = (
        await lab.run(f"""
        steps:
          - id: all
            parallel:
              - id: slow
                do:
                  - {{id: long, call: world.put_slowly, with: {{name: long, gate: "{gate}"}}}}
                  - {{id: next, call: world.put, with: {{name: next}}}}
              - id: bad
                do:
                  - {{id: no, call: world.put, with: {{name: a, fail: refused}}, on_error: continue}}
                  - {{id: open, call: world.put, with: {{name: open}}}}
                  - {{id: touch, call: world.look, with: {{fail: refused}}}}
    """)
        if gate.write_text("") == 0
        else None
    )
    assert run is not None
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["step"] == "all/bad/touch"
    assert {line["name"] for line in lab.done("put")} >= {"open", "long"}
    assert (await lab.steps(run))["all/slow/long"] == "succeeded"


async def test_each_goes_over_a_list_and_collects_results_in_order(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            each: ${{ [3, 1, 2] }}
            concurrency: 3
            do:
              - id: seen
                call: world.look
                with: {value: "${{ item * 10 + index }}"}
          - id: after
            set: {results: "${{ steps.all.results | list }}", steps: "${{ steps.all.steps.seen }}"}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == {"results": [30, 11, 22], "steps": {"succeeded": 3, "failed": 0, "skipped": 0}}
    assert "all[0]/seen" in await lab.steps(run)


async def test_each_takes_a_list_as_it_is_written(lab: Lab) -> None:
    run = await lab.run("""
        inputs: {last: {default: c}}
        steps:
          - id: all
            each: [a, b, "${{ inputs.last }}"]
            do: [{id: s, set: {it: "${{ item }}"}}]
            output: ${{ item }}
        output: ${{ steps.all.results | list }}
    """)
    assert run.output == ["a", "b", "c"]


async def test_each_of_something_else_fails_and_says_what_it_got(lab: Lab) -> None:
    run = await lab.run("steps: [{id: all, each: '${{ 5 }}', do: [{id: s, set: {}}]}]")
    assert run.error is not None
    assert run.error["message"] == "each of step all: needs a list or a dataset, not int"


async def test_each_names_items_by_key_and_keeps_doubles_apart(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            each: ${{ ["a", "b", "a"] }}
            key: ${{ item }}
            do:
              - {id: put, call: world.put, with: {name: "${{ item }}"}}
    """)
    assert set(await lab.steps(run)) == {"all", "all[a]/put", "all[b]/put", "all[a~2]/put"}


async def test_inside_each_only_what_touched_the_outside_leaves_rows_but_all_is_counted(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            each: ${{ range(10) }}
            do:
              - {id: half, set: {even: "${{ item % 2 == 0 }}"}}
              - {id: put, if: "${{ steps.half.even }}", call: world.put, with: {name: "n${{ item }}"}}
            output: ${{ steps.half.even }}
          - {id: report, set: {put: "${{ steps.all.steps.put }}", total: "${{ steps.all.total }}"}}
    """)
    assert run.output == {"put": {"succeeded": 5, "failed": 0, "skipped": 5}, "total": 10}
    assert run.step_counts == {"succeeded": 17, "skipped": 5}
    assert len(await lab.steps(run)) == 7


async def test_a_listing_is_a_dataset_and_each_goes_over_it(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - {id: things, call: world.things, with: {count: 35}}
          - id: all
            each: ${{ steps.things }}
            concurrency: 4
            do:
              - {id: found, set: {twin: '${{ lookup(steps.things, "name", item.name) }}'}}
            output: {id: "${{ item.id }}", same: "${{ steps.found.twin.id == item.id }}", odd: "${{ item.id % 2 }}"}
          - id: report
            set:
              count: ${{ steps.things.count }}
              odd: ${{ count_by(steps.all.results, "odd") }}
              same: ${{ count_by(steps.all.results, "same") }}
              none: ${{ lookup(steps.things, "name", "nobody") }}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == {"count": 35, "odd": {"0": 18, "1": 17}, "same": {"true": 35}, "none": None}


async def test_an_empty_listing_is_a_dataset_without_items(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - {id: things, call: world.things, with: {count: 0}}
          - {id: all, each: "${{ steps.things }}", do: [{id: put, call: world.put, with: {name: x}}]}
          - {id: report, set: {count: "${{ steps.things.count }}", total: "${{ steps.all.total }}"}}
    """)
    assert run.output == {"count": 0, "total": 0}


async def test_a_page_that_fails_is_asked_for_again_and_the_ones_before_are_not(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: things
            call: world.things
            with: {count: 30, break_at: 20}
            retry: {attempts: 2, delay: 0}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert [line["start"] for line in lab.done("page")] == [0, 10, 20, 20]
    (attempt,) = await lab.store.attempts(run.run_id)
    assert attempt.error == {"type": "RetryableError", "message": "the page did not come"}


async def test_emit_stores_an_event(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - emit: {type: device.linked, subject: SN1, data: {serial: SN1}, key: "link SN1"}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    (event,), _ = await lab.store.events()
    assert (event.type, event.subject, event.data, event.dedupe_key) == (
        "device.linked",
        "SN1",
        {"serial": "SN1"},
        "link SN1",
    )


async def test_fail_ends_the_run_with_its_message(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - {id: stop, if: "${{ 1 < 2 }}", fail: "too many: ${{ 5 }}"}
    """)
    assert run.error == {"type": "Fail", "message": "too many: 5", "step": "stop"}


async def test_another_workflow_runs_as_a_step_with_a_run_of_its_own(lab: Lab) -> None:
    lab.define("""
        name: child
        inputs: {n: {type: integer, required: true}}
        steps: [{id: put, call: world.put, with: {name: "child ${{ inputs.n }}", value: "${{ inputs.n }}"}}]
    """)
    run = await lab.run("""
        steps:
          - {id: sub, run: child, with: {n: 4}}
        output: ${{ steps.sub }}
    """)
    assert run.output == 4
    (child,) = await lab.store.children(run.run_id)
    assert (child.workflow, child.status, child.parent_step) == ("child", RunStatus.SUCCEEDED, "sub")


async def test_a_failed_child_fails_its_step_with_the_childs_reason(lab: Lab) -> None:
    lab.define("name: child\nsteps: [{id: no, call: world.look, with: {fail: refused}}]")
    run = await lab.run("steps: [{id: sub, run: child}]")
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "the world says no" in run.error["message"]


async def test_a_missing_value_fails_the_step_and_names_what_is_missing(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - {id: a, set: {x: 1}}
          - {id: b, call: world.look, with: {value: "${{ steps.a.y }}"}}
    """)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["step"] == "b"
    assert "steps.a.y" in run.error["message"]


async def test_a_step_that_takes_too_long_is_given_up(lab: Lab) -> None:
    run = await lab.run("steps: [{id: long, call: world.wait_forever, timeout: 0.02}]")
    assert run.error == {"type": "TimeoutError", "message": "not finished within 0.02 s", "step": "long"}
    assert await lab.steps(run) == {"long": "failed"}


async def test_a_run_that_takes_too_long_is_given_up(lab: Lab) -> None:
    run = await lab.run("timeout: 0.05\nsteps: [{id: long, call: world.wait_forever}]")
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "TimeoutError"


async def test_a_connectors_own_mistake_fails_the_step_and_not_the_engine(lab: Lab) -> None:
    run = await lab.run("steps: [{id: bug, call: world.put, with: {name: a, fail: bug}}]")
    assert run.error == {"type": "KeyError", "message": '"a connector\'s own mistake"', "step": "bug"}


async def test_retry_tries_again_and_keeps_every_attempt(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - {id: f, call: world.flaky, with: {name: f, failures: 2}, retry: {attempts: 3, delay: 0}}
    """)
    assert run.output == "f"
    step = await lab.store.step(run.run_id, "f")
    assert step is not None
    assert (step.status, step.attempt) == (StepStatus.SUCCEEDED, 3)
    assert [(one.number, one.status) for one in await lab.store.attempts(run.run_id)] == [
        (1, StepStatus.FAILED),
        (2, StepStatus.FAILED),
    ]


async def test_retry_only_on_the_errors_named(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: f
            call: world.flaky
            with: {name: f, failures: 1}
            retry: {attempts: 3, delay: 0, on: [InvalidAnswerError]}
    """)
    assert run.status is RunStatus.FAILED
    assert len(lab.done("flaky")) == 1


async def test_steps_that_were_not_reached_read_as_null_and_skipped(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: group
            if: ${{ 1 > 2 }}
            do: [{id: inner, call: world.look}]
          - id: broken
            do:
              - {id: no, call: world.look, with: {fail: refused}}
              - {id: never, call: world.look}
            on_error: continue
          - id: fine
            call: world.look
            on_error: {do: [{id: instead, call: world.look}]}
          - id: seen
            set:
              inner: ${{ steps.inner }}
              states: "${{ [status.inner, status.no, status.never, status.instead] }}"
              errors: "${{ [errors.fine, errors.no.type] }}"
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == {
        "inner": None,
        "states": ["skipped", "failed", "skipped", "skipped"],
        "errors": [None, "RefusedError"],
    }


async def test_each_counts_items_by_how_they_ended(lab: Lab) -> None:
    run = await lab.run("""
        steps:
          - id: all
            each: ${{ range(6) }}
            do:
              - id: try
                if: ${{ item > 1 }}
                call: world.look
                with: {fail: "${{ 'refused' if item == 5 else '' }}"}
                on_error: continue
        output:
          total: ${{ steps.all.total }}
          ok: ${{ steps.all.succeeded }}
          no: ${{ steps.all.failed }}
          left: ${{ steps.all.skipped }}
    """)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == {"total": 6, "ok": 3, "no": 1, "left": 2}
