"""Records of the service for tests, with everything that does not matter filled in."""

from __future__ import annotations

from typing import Any

from backhaul.store.records import RunRecord, RunStatus
from backhaul.store.service_records import (
    Acceptance,
    DecisionRecord,
    Role,
    ScheduleRecord,
    StartedRun,
    TokenRecord,
    Verdict,
    WaitKind,
    WaitRecord,
)
from backhaul.store.store import Store
from contract.factories import NOON, a_run, a_version, an_event


def a_decision(occurrence: str = "event1", **changes: Any) -> DecisionRecord:
    values: dict[str, Any] = {
        "trigger_id": "link/event/1",
        "workflow": "link",
        "verdict": Verdict.STARTED,
        "decided_at": NOON,
        "node": "here",
    }
    return DecisionRecord(occurrence=occurrence, **(values | changes))


def a_start(run_id: str = "run1", **changes: Any) -> StartedRun:
    return StartedRun(run=a_run(run_id, status=RunStatus.QUEUED, **changes), version=a_version())


def taken(event_id: str, run_id: str, **changes: Any) -> Acceptance:
    """An event that starts one run."""
    decision = a_decision(event_id, event_id=event_id, run_id=run_id)
    return Acceptance(event=an_event(event_id, **changes), decisions=(decision,), runs=(a_start(run_id),))


def a_wait(run_id: str = "run1", key: str = "answer", **changes: Any) -> WaitRecord:
    values: dict[str, Any] = {"kind": WaitKind.EVENT, "created_at": NOON}
    return WaitRecord(run_id=run_id, key=key, **(values | changes))


def a_token(token_id: str = "t1", **changes: Any) -> TokenRecord:
    values: dict[str, Any] = {"name": "ci", "role": Role.OPERATOR, "hash": f"hash of {token_id}", "created_at": NOON}
    return TokenRecord(token_id=token_id, **(values | changes))


def a_schedule(trigger_id: str = "nightly/cron/1", **changes: Any) -> ScheduleRecord:
    values: dict[str, Any] = {"definition": "0 3 * * * UTC", "decided_until": NOON}
    return ScheduleRecord(trigger_id=trigger_id, **(values | changes))


async def run_ids(store: Store) -> list[str]:
    return sorted(run.run_id for run in (await store.runs())[0])


async def stored(store: Store, run_id: str = "run1") -> RunRecord:
    run = await store.run(run_id)
    assert run is not None
    return run
