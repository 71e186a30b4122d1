"""Reconciling the world's stock with what is wanted: the workflow, the world's state, the records of the step."""

from __future__ import annotations

from typing import Any

from backhaul.json_values import Json
from backhaul.runs.datasets import restore
from backhaul.service.approvals import Approvals
from backhaul.store.records import RunRecord, RunStatus
from world import Lab, seed, stock_of, want

__all__ = ["approve", "error", "make", "output", "prepare", "records", "stock", "things"]

_YAML = """
name: test
steps:
  - {{id: wanted, call: world.wanted, with: {{break_at: {source_breaks}}}, on_error: continue}}
  - {{id: stock, call: world.stock, with: {{break_at: {target_breaks}}}, on_error: continue}}
  - id: sync
    {modifiers}
    reconcile:
      source: ${{{{ steps.wanted }}}}
      target: ${{{{ steps.stock }}}}
      key: {key}
      compare: {{value: value}}
      create: {{call: world.put, with: {{name: "${{{{ item.name }}}}", value: "${{{{ item.value }}}}"{fails}}}}}
      update: {{call: world.put, with: {{name: "${{{{ target.name }}}}", value: "${{{{ item.value }}}}"{fails}}}}}
      delete: {{call: world.remove, with: {{name: "${{{{ target.name }}}}"}}}}
      concurrency: 3
      {more}
output: ${{{{ steps.sync }}}}
"""


def make(
    *,
    key: str = "name",
    more: str = "guard: {max_delete: '100%'}",
    fails: str = "",
    modifiers: str = "name: Sync",
    source_breaks: int = -1,
    target_breaks: int = -1,
) -> str:
    """Return the workflow; `fails` gives the parameter ``fail`` of the calls that put something."""
    fails = f", fail: {fails}" if fails else ""
    return _YAML.format(
        key=key, more=more, fails=fails, modifiers=modifiers, source_breaks=source_breaks, target_breaks=target_breaks
    )


def things(values: dict[str, int]) -> list[dict[str, Any]]:
    """Return records with these names and values."""
    return [{"name": name, "value": value} for name, value in values.items()]


def prepare(lab: Lab, wanted: dict[str, int], there: dict[str, int]) -> None:
    """Say what is wanted and what is there."""
    want(lab.file, things(wanted))
    seed(lab.file, things(there))


def stock(lab: Lab) -> dict[str, int]:
    """Return what is there now."""
    return {thing["name"]: thing["value"] for thing in stock_of(lab.file)}


def output(run: RunRecord) -> Json:
    """Return the output of a run that has succeeded."""
    assert run.status is RunStatus.SUCCEEDED, run.error
    return run.output


def error(run: RunRecord) -> Json:
    """Return the error of a run that has failed."""
    assert run.status is RunStatus.FAILED
    return run.error


async def records(lab: Lab, run: RunRecord, step: str = "sync") -> list[Json]:
    """Return the records of a reconcile that has ended."""
    record = await lab.store.step(run.run_id, step)
    assert record is not None
    output: Json = record.output
    items = restore(output["items"], lab.store)
    return items if isinstance(items, list) else [item async for _, page in items.pages() for item in page]


async def approve(lab: Lab, run: RunRecord, *, yes: bool = True, note: str = "") -> RunRecord:
    """Say yes or no to the guard, and carry the run on."""
    approvals = Approvals(lab.store, lab.store.clock, board=lab.executor.waits, notice=lambda _: None)
    await approvals.decide(run.run_id, approved=yes, by="ana", note=note)
    return await lab.executor.execute(run.run_id)
