"""What a reconcile of a served workflow came to: its question, its answer, its records with their reasons."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from backhaul.json_values import Json
from backhaul.runs.datasets import StoredDataset, restore
from backhaul.store.records import RunRecord, RunStatus
from workflows.office import Office

__all__ = ["answer", "begin", "items_of", "question", "reasons_of"]

_STOPPED = (RunStatus.WAITING, RunStatus.SUCCEEDED, RunStatus.FAILED)


async def begin(here: Office, workflow: str, **inputs: Json) -> RunRecord:
    """Start a workflow as a person does, and return its run once it has ended or waits for a person."""
    started, _ = await here.app.dispatcher.start(workflow, inputs, cause="test")
    run = await here.run(workflow, *_STOPPED)
    assert run.run_id == started.run_id
    return run


async def question(here: Office, run: RunRecord) -> str:
    """Return what a waiting run asks."""
    assert run.status is RunStatus.WAITING, (run.status, run.error)
    (wait,) = await here.app.store.waits(run_id=run.run_id)
    details: Any = wait.details
    return str(details["message"])


async def answer(here: Office, run: RunRecord, *, yes: bool) -> RunRecord:
    """Say yes or no, and return the run once it has ended."""
    await here.app.approvals.decide(run.run_id, approved=yes, by="ana", note="looked at it")
    return await here.run(run.workflow)


async def items_of(here: Office, run: RunRecord, step: str) -> list[dict[str, Any]]:
    """Return the records of a reconcile that has ended."""
    record = await here.app.store.step(run.run_id, step)
    assert record is not None, run.error
    output: Any = record.output
    items = restore(output["items"], here.app.store)
    assert isinstance(items, StoredDataset)
    return [item async for _, page in items.pages() for item in page]


async def reasons_of(here: Office, run: RunRecord, step: str) -> dict[str, set[str]]:
    """Return the keys of a reconcile by reason."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in await items_of(here, run, step):
        if item["reason"] is not None:
            found[item["reason"]].add(item["key"])
    return dict(found)
