"""The records of a step's dataset as people may see them, and as tables."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from backhaul.errors import InputError, UnknownNameError
from backhaul.json_values import Json, dump
from backhaul.store.records import RunRecord, StepRecord
from backhaul.views.run_screen import remember_given

if TYPE_CHECKING:
    from backhaul.store.store import Store
    from backhaul.views.screen import Screen

__all__ = ["ExportFormat", "Shown", "dataset_size", "export", "step_of"]

_MOST = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Shown: TypeAlias = Callable[[list[Json]], list[Json]]


class ExportFormat(StrEnum):
    """How records are written: ``csv`` for tables, ``jsonl`` with one JSON value in each line."""

    CSV = "csv"
    JSONL = "jsonl"


async def step_of(store: Store, run: RunRecord, key: str, screen: Screen) -> StepRecord:
    """Return a step, after the screen has learnt from the steps around it.

    Raises:
        UnknownNameError: the run has no such step.
    """
    step = await store.step(run.run_id, key)
    if step is None:
        known = [one.key for one in await store.steps(run.run_id, limit=_MOST)]
        raise UnknownNameError(f"step of run {run.run_id}", key, known)
    remember_given(run, screen)
    screen.learn([*await store.steps(run.run_id, outside_each=True, limit=_MOST), step])
    return step


def dataset_size(step: StepRecord) -> int | None:
    """Return how many records a step's dataset has, or None while it is not finished, or when it has none."""
    values = step.output.values() if isinstance(step.output, Mapping) else ()
    for value in (step.output, *values):
        reference = value.get("$dataset") if isinstance(value, Mapping) else None
        if isinstance(reference, Mapping) and reference.get("step") == step.key:
            return int(reference["count"])
    return None


async def export(store: Store, run: RunRecord, key: str, screen: Screen, form: ExportFormat) -> AsyncIterator[str]:
    """Give the text of all records of a step's dataset, page by page.

    In a table, fields inside of fields have columns of their own (``before.login``), and lists are JSON.

    Raises:
        UnknownNameError: the run has no such step.
        InputError: the step has no dataset.
    """
    step = await step_of(store, run, key, screen)
    if await store.dataset_count(run.run_id, key) == 0 and dataset_size(step) is None:
        raise InputError(f"step {key} of run {run.run_id}", ["it has no dataset: there is nothing to export"])
    if form is ExportFormat.JSONL:
        async for records in _pages(store, step):
            yield "".join(f"{dump(record)}\n" for record in screen.records(step, records))
        return
    columns: dict[str, None] = {}
    async for records in _pages(store, step):
        for record in records:
            columns.update(dict.fromkeys(_flat(record)))
    yield _lines([list(columns)])
    async for records in _pages(store, step):
        rows = [_flat(record) for record in screen.records(step, records)]
        yield _lines([[_cell(row.get(column)) for column in columns] for row in rows])


async def _pages(store: Store, step: StepRecord) -> AsyncIterator[list[Json]]:
    left = dataset_size(step)
    async for page in store.pages(step.run_id, step.key):
        items = page.items if left is None else page.items[:left]
        left = None if left is None else left - len(items)
        if items:
            yield items


def _flat(record: Json, prefix: str = "") -> dict[str, Json]:
    """Return the fields of a record, those inside of others by dotted names."""
    if not isinstance(record, Mapping):
        return {prefix.removesuffix(".") or "value": record}
    found: dict[str, Json] = {}
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found


def _cell(value: Json) -> str:
    """Return a value as text; one that a table's program would take for a formula gets an apostrophe."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return dump(value)
    is_formula = value.startswith(_FORMULA) and not value.lstrip("+-").replace(".", "").isdigit()
    return f"'{value}" if is_formula else value


def _lines(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
