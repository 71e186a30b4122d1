"""Runs that wait: for a time, an event, a person; on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backhaul.errors import InputError, RunStateError, UnknownNameError
from backhaul.store.records import RunStatus
from runs.waiting_lab import WaitingLab, open_waiting_lab

pytestmark = pytest.mark.anyio

HOUR = 3600.0


@pytest.fixture
async def lab(store_url: str, tmp_path: Path) -> AsyncIterator[WaitingLab]:
    async with open_waiting_lab(store_url, tmp_path) as opened:
        yield opened


SLEEPER = """
inputs:
  duration: {type: string, default: 2h}
steps:
  - {id: before, call: world.put, with: {name: before}}
  - {id: rest, wait: {for: "${{ inputs.duration }}"}}
  - {id: after, call: world.put, with: {name: after}}
output: ${{ steps.rest.until }}
"""


async def test_a_run_that_waits_leaves_the_memory_and_goes_on_when_its_time_has_come(lab: WaitingLab) -> None:
    run = await lab.run(SLEEPER)
    assert run.status is RunStatus.WAITING
    assert await lab.lab.steps(run) == {"before": "succeeded", "rest": "waiting"}
    await lab.after(2 * HOUR - 1)
    assert lab.noticed == []
    await lab.after(1)
    assert lab.noticed == [run.run_id]
    assert await lab.status(run) == "queued"
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == "2026-01-01T02:00:00Z"
    assert [line["name"] for line in lab.lab.done("put")] == ["before", "after"]


async def test_the_time_of_a_wait_is_kept_through_restarts(lab: WaitingLab) -> None:
    run = await lab.run(SLEEPER)
    for _ in range(3):
        await lab.after(HOUR / 2)
        run = await lab.go_on(run)
        assert run.status is RunStatus.WAITING
    await lab.after(HOUR / 2)
    run = await lab.go_on(run)
    assert run.output == "2026-01-01T02:00:00Z"


async def test_a_short_wait_stays_in_memory(store_url: str, tmp_path: Path) -> None:
    from backhaul.testing.clock import FakeClock

    async with open_waiting_lab(store_url, tmp_path, FakeClock(auto=True)) as lab:
        run = await lab.run(SLEEPER, duration="3s")
        assert run.status is RunStatus.SUCCEEDED, run.error
        assert lab.clock.now() >= datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)
        assert len(await lab.waits(run, open_only=False)) == 1


@pytest.mark.parametrize("moment", ["2026-01-01T05:00:00", "2026-01-01T02:00:00-03:00"])
async def test_a_wait_until_a_moment_takes_it_as_utc_when_it_has_no_zone(lab: WaitingLab, moment: str) -> None:
    run = await lab.run(f"steps: [{{id: rest, wait: {{until: \"${{{{ '{moment}' }}}}\"}}}}]")
    assert run.status is RunStatus.WAITING
    await lab.after(5 * HOUR)
    run = await lab.go_on(run)
    assert run.output == {"until": "2026-01-01T05:00:00Z"}


async def test_a_moment_that_has_passed_is_no_wait(lab: WaitingLab) -> None:
    run = await lab.run("steps: [{id: rest, wait: {until: 2020-01-01T00:00Z}}]")
    assert run.status is RunStatus.SUCCEEDED, run.error


@pytest.mark.parametrize(
    "wait", ["{for: '${{ \"soon\" }}'}", "{until: '${{ \"soon\" }}'}", "{event: '${{ \"no type!\" }}'}"]
)
async def test_what_is_no_time_fails_the_step(lab: WaitingLab, wait: str) -> None:
    run = await lab.run(f"steps: [{{id: rest, wait: {wait}}}]")
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert run.error["type"] == "InputError"


CALL = """
steps:
  - id: call
    set: {id: 7}
  - id: ended
    wait: {event: phone.call_end, where: "${{ event.data.call_id == steps.call.id }}", timeout: 2h}
output: ${{ steps.ended.data.seconds if steps.ended is not none else 'nobody hung up' }}
"""


async def test_the_event_that_fits_ends_the_wait(lab: WaitingLab) -> None:
    run = await lab.run(CALL)
    assert run.status is RunStatus.WAITING
    await lab.event("phone.call_end", {"call_id": 8, "seconds": 1})
    await lab.event("phone.call_start", {"call_id": 7})
    await lab.event("phone.call_end", {"other": "shape"})
    assert lab.noticed == []
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 60})
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 90})
    assert lab.noticed == [run.run_id]
    run = await lab.go_on(run)
    assert run.output == 60


async def test_only_what_the_condition_reads_is_kept_with_the_wait(lab: WaitingLab) -> None:
    run = await lab.run(CALL.replace("{id: 7}", "{id: 7, other: secret}"))
    (wait,) = await lab.waits(run)
    assert wait.details is not None
    assert wait.details["values"] == {"steps": {"call": {"id": 7}}}


async def test_a_condition_that_needs_too_much_is_a_clear_error(lab: WaitingLab) -> None:
    run = await lab.run(
        """
inputs: {items: {type: list}}
steps: [{id: w, wait: {event: a.b, where: "${{ event.data.x in inputs.items }}"}}]
""",
        items=["x" * 1000] * 100,
    )
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "more than 64,000" in run.error["message"]


async def test_no_event_within_the_timeout_gives_null(lab: WaitingLab) -> None:
    run = await lab.run(CALL)
    await lab.after(2 * HOUR)
    run = await lab.go_on(run)
    assert run.output == "nobody hung up"


async def test_an_event_that_came_before_the_wait_but_after_the_run_began_counts(lab: WaitingLab) -> None:
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 1})
    lab.clock.set_time(lab.now + timedelta(seconds=1))
    run = await lab.run(CALL.replace("  - id: ended", "  - wait: {for: 1h}\n  - id: ended"))
    assert run.status is RunStatus.WAITING
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 2})
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 3})
    await lab.after(HOUR)
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error
    assert run.output == 2


async def test_one_event_ends_the_waits_of_several_runs(lab: WaitingLab) -> None:
    first, second = await lab.run(CALL), await lab.run(CALL)
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 5})
    assert sorted(lab.noticed) == sorted([first.run_id, second.run_id])


async def test_an_event_that_another_process_stored_is_found(lab: WaitingLab) -> None:
    run = await lab.run(CALL)
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 5}, offered=False)
    await lab.waker.look()
    assert lab.noticed == [run.run_id]


async def test_an_event_counts_although_the_clock_was_set_back(lab: WaitingLab) -> None:
    run = await lab.run(CALL)
    lab.clock.set_time(lab.now - timedelta(hours=1))
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 5})
    assert (await lab.go_on(run)).output == 5


async def test_an_event_in_time_counts_though_nobody_looked_until_the_time_was_over(lab: WaitingLab) -> None:
    run = await lab.run(CALL)
    lab.clock.set_time(lab.now + timedelta(hours=1))
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 5}, offered=False)
    await lab.after(2 * HOUR)
    assert (await lab.go_on(run)).output == 5


async def test_an_event_after_the_time_does_not_count(lab: WaitingLab) -> None:
    run = await lab.run(CALL)
    lab.clock.set_time(lab.now + timedelta(hours=3))
    await lab.event("phone.call_end", {"call_id": 7, "seconds": 5})
    await lab.waker.look()
    assert (await lab.go_on(run)).output == "nobody hung up"


ASK = """
steps:
  - id: ok
    wait:
      approval:
        to: noc
        message: Remove 12 devices?
        schema: {type: object, properties: {most: {type: integer}}, required: [most]}
        timeout: 24h
  - {id: remove, call: world.remove, with: {name: all}}
output: ${{ steps.ok }}
"""


async def test_a_yes_lets_the_run_go_on_with_its_data(lab: WaitingLab) -> None:
    run = await lab.run(ASK)
    assert [wait.run_id for wait in await lab.approvals.open()] == [run.run_id]
    with pytest.raises(InputError, match="most"):
        await lab.approvals.decide(run.run_id, approved=True, by="ana", data={"most": "many"})
    await lab.approvals.decide(run.run_id, approved=True, by="ana", note="fine", data={"most": 12})
    assert lab.noticed == [run.run_id]
    with pytest.raises(RunStateError, match="approved already, by ana at 2026-01-01"):
        await lab.approvals.decide(run.run_id, approved=False, by="bob")
    run = await lab.go_on(run)
    at = "2026-01-01T00:00:00Z"
    assert run.output == {"approved": True, "by": "ana", "at": at, "note": "fine", "data": {"most": 12}}
    assert len(lab.lab.done("remove")) == 1
    with pytest.raises(RunStateError, match="succeeded"):
        await lab.approvals.decide(run.run_id, approved=True, by="bob", data={"most": 1})


async def test_a_no_fails_the_step(lab: WaitingLab) -> None:
    run = await lab.run(ASK)
    await lab.approvals.decide(run.run_id, approved=False, by="ana", note="too many")
    run = await lab.go_on(run)
    assert run.status is RunStatus.FAILED
    assert run.error == {"type": "RejectedError", "message": "rejected by ana: too many", "step": "ok"}
    assert lab.lab.done("remove") == []


async def test_silence_is_no_yes(lab: WaitingLab) -> None:
    run = await lab.run(ASK)
    await lab.after(24 * HOUR)
    run = await lab.go_on(run)
    assert run.error is not None
    assert run.error["type"] == "TimeoutError"
    assert lab.lab.done("remove") == []


async def test_a_failed_approval_is_asked_for_again_when_the_run_is_resumed(lab: WaitingLab) -> None:
    run = await lab.run(ASK)
    await lab.approvals.decide(run.run_id, approved=False, by="ana")
    run = await lab.go_on(run)
    await lab.lab.interventions.reopen(run.run_id)
    run = await lab.go_on(run)
    assert run.status is RunStatus.WAITING
    await lab.approvals.decide(run.run_id, key="ok", approved=True, by="bob", data={"most": 1})
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error


async def test_which_of_several_approvals_is_meant_must_be_said(lab: WaitingLab) -> None:
    run = await lab.run(
        """
steps:
  - id: both
    parallel:
      - {id: a, wait: {approval: {message: A?}}}
      - {id: b, wait: {approval: {message: B?}}}
"""
    )
    assert run.status is RunStatus.WAITING
    with pytest.raises(InputError, match="both/a, both/b"):
        await lab.approvals.decide(run.run_id, approved=True, by="ana")
    with pytest.raises(UnknownNameError, match="both/b"):
        await lab.approvals.decide(run.run_id, key="both/c", approved=True, by="ana")
    await lab.approvals.decide(run.run_id, key="both/a", approved=True, by="ana")
    run = await lab.go_on(run)
    assert run.status is RunStatus.WAITING
    await lab.approvals.decide(run.run_id, approved=True, by="ana")
    run = await lab.go_on(run)
    assert run.status is RunStatus.SUCCEEDED, run.error


async def test_nothing_to_approve_is_a_clear_error(lab: WaitingLab) -> None:
    run = await lab.run(SLEEPER)
    with pytest.raises(RunStateError, match="nothing in run"):
        await lab.approvals.decide(run.run_id, approved=True, by="ana")
    with pytest.raises(UnknownNameError):
        await lab.approvals.decide("nothing", approved=True, by="ana")
