"""Writes into a run's journal what a plan lists instead of doing it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from backhaul.json_values import Json
from backhaul.runs.planning.effects import changed_by
from backhaul.runs.planning.line import PlanLine
from backhaul.store.records import StepRecord, StepStatus
from backhaul.workflows.unknown import Unknown

if TYPE_CHECKING:
    from backhaul.runs.journal import Journal

__all__ = ["EMIT", "PlanWriter"]

EMIT = "emit"
"""Action and effect of an event that would be emitted."""


class PlanWriter:
    """Lists steps of one planned run as `StepStatus.PLANNED`.

    Args:
        journal: of the run.
        kind: what stands for the outcomes of the steps.
        line: the run's own line of doing.
        prefix: what the plan's names of the run's steps begin with.
    """

    def __init__(self, journal: Journal, kind: type[Unknown], line: PlanLine, prefix: str = "") -> None:
        self._journal = journal
        self.prefix = prefix
        self.kind = kind
        self.line = line
        self.lines: dict[str, PlanLine] = {}
        """Of steps that are runs of their own, while they are under way: the line to which the step belongs."""

    def unknown(self, key: str) -> Unknown:
        """Return what stands for the outcome of a step."""
        return self.kind(key)

    def effect(
        self, key: str, verb: str, action: str, effect: str, params: Json, line: PlanLine, notes: Json = None
    ) -> Unknown:
        """List an effect; `notes` is what else is known of it: ``describe``, ``before``, ``after``."""
        record = self._journal.begin(key, verb, action=action, effect=effect, params=params)
        changed = () if verb == EMIT else (action.partition(".")[0],)
        return self._listed(record, line, changed, notes)

    def wait(self, key: str, shown: Json) -> Unknown:
        """List a wait, which is passed."""
        record = self._journal.begin(key, "wait", params=shown)
        return self._listed(record, PlanLine(), (), None)

    def undetermined(
        self,
        key: str,
        verb: str,
        reason: str,
        line: PlanLine,
        *,
        changed: Iterable[str] = (),
        action: str | None = None,
        params: Json = None,
    ) -> Unknown:
        """List a step of which it is not known what it would do.

        Args:
            reason: why, in words.
            changed: the connections that it might change.
        """
        record = self._journal.recorded(key) or self._journal.begin(key, verb, action=action, params=params)
        changed = sorted(changed)
        return self._listed(record, line, changed, {"undetermined": reason, "changed": changed})

    def again(self, record: StepRecord, line: PlanLine) -> Unknown:
        """Return what stands for the outcome of a step that an earlier process has listed."""
        notes = record.progress or {}
        if "changed" in notes:
            line.add(notes["changed"])
        else:
            line.add((record.action.partition(".")[0],) if record.verb == "call" and record.action else ())
        return self.unknown(record.key)

    @asynccontextmanager
    async def child(self, key: str, line: PlanLine) -> AsyncIterator[None]:
        """Let the block carry out step `key`, which is a run of its own, and note what that one would change."""
        self.lines[key] = line
        try:
            yield
        finally:
            del self.lines[key]
        record = self._journal.recorded(key)
        params: Json = record.params if record is not None else None
        changed = None if params is None else await changed_by(self._journal.store, params["run_id"])
        if changed is not None:
            line.add(changed)

    def _listed(self, record: StepRecord, line: PlanLine, changed: Iterable[str], notes: Json) -> Unknown:
        outcome = self.unknown(record.key)
        line.add(changed)
        if line.only_if is not None:
            notes = {**(notes or {}), "only_if": line.only_if}
        self._journal.finish(record, StepStatus.PLANNED, output=outcome, progress=notes)
        return outcome
