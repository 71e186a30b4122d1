"""Records for tests, with everything that does not matter filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from backhaul.store.records import (
    AttemptRecord,
    EventRecord,
    PageRecord,
    RunRecord,
    RunStatus,
    StepRecord,
    StepStatus,
    WorkflowVersionRecord,
)

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_run(run_id: str = "run1", **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "workflow": "nightly-sync",
        "digest": "d1",
        "status": RunStatus.RUNNING,
        "cause": "manual",
        "inputs": {"max_delete": "2%"},
        "node": "here",
        "created_at": NOON,
    }
    return RunRecord(run_id=run_id, **(values | changes))


def a_step(key: str = "link", seq: int = 1, run_id: str = "run1", **changes: Any) -> StepRecord:
    values: dict[str, Any] = {"verb": "call", "status": StepStatus.SUCCEEDED, "started_at": NOON}
    return StepRecord(run_id=run_id, key=key, seq=seq, **(values | changes))


def an_attempt(key: str = "link", number: int = 1, run_id: str = "run1", **changes: Any) -> AttemptRecord:
    values: dict[str, Any] = {"status": StepStatus.FAILED, "started_at": NOON}
    return AttemptRecord(run_id=run_id, key=key, number=number, **(values | changes))


def a_page(key: str = "devices", number: int = 0, items: tuple[Any, ...] = (1, 2), **changes: Any) -> PageRecord:
    values: dict[str, Any] = {"run_id": "run1", "first_index": number * 2, "count": len(items)}
    return PageRecord(key=key, number=number, items=list(items), **(values | changes))


def an_event(event_id: str = "event1", **changes: Any) -> EventRecord:
    values: dict[str, Any] = {"type": "acs.device.added", "source": "acs", "time": NOON, "received_at": NOON}
    return EventRecord(event_id=event_id, **(values | changes))


def a_version(digest: str = "d1", **changes: Any) -> WorkflowVersionRecord:
    values: dict[str, Any] = {
        "name": "nightly-sync",
        "kind": "yaml",
        "path": "workflows/nightly_sync.yaml",
        "source": "name: nightly-sync\n",
        "created_at": NOON,
    }
    return WorkflowVersionRecord(digest=digest, **(values | changes))
