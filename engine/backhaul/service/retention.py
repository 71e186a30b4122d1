"""Keeps the history within its bounds: removes what is too old, and the oldest when the store grows too large."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog

from backhaul.errors import StoreError
from backhaul.store.retention import PrunableRuns

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.store.ledger_retention import DecisionPlace
    from backhaul.store.store import Store
    from backhaul.workflows.definition import Workflow
    from backhaul.workflows.retention import HistoryBounds

__all__ = ["Pruned", "Retention"]

_log = structlog.get_logger(__name__)

_FIRST_S = 300.0
_EVERY_S = 3600.0
_SHARE = 0.2
"""Largest share of the time in which pruning has the writer at work."""
_LONGEST_REST_S = 1.0
_LOCK = "retention"
_USAGE_KEPT = timedelta(days=400)
_ALWAYS_KEPT = timedelta(days=1)
"""What is younger is kept whatever the size of the store: people look at it, and senders repeat their events."""
_SIZE_STEPS = 100
_SIZE_AIM = 0.95

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How much was removed, or would be.

    Attributes:
        runs: those that are steps of other runs, which go with them, not counted.
        decisions: those that started these runs, which go with them, not counted.
    """

    runs: int = 0
    events: int = 0
    decisions: int = 0
    workflow_versions: int = 0
    usage: int = 0


class Retention:
    """Prunes the history.

    Runs that have not ended or that need attention are never touched, nor is one from which a kept run was forked.

    Args:
        store: the history.
        clock: source of time.
        bounds: gives what the project keeps at present.
        workflows: gives the present workflows by name, which may keep more or less.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        bounds: Callable[[], HistoryBounds],
        workflows: Callable[[], Mapping[str, Workflow]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._bounds = bounds
        self._workflows = workflows

    async def run(self) -> None:
        """Prune some minutes after the start and then every hour, until cancelled."""
        await self._clock.sleep(_FIRST_S)
        while True:
            try:
                await self.prune()
            except StoreError as error:
                _log.error("the history was not pruned: the store failed", error=str(error))
            await self._clock.sleep(_EVERY_S)

    async def prune(self, *, older_than_s: float | None = None) -> Pruned | None:
        """Remove what is beyond the bounds, and return how much it was; None when another process is at it.

        It may be broken off at any moment: the next one goes on.

        Args:
            older_than_s: remove everything that ended so many seconds ago, whatever the settings and workflows say, and
                nothing else.

        Raises:
            StoreError: the store failed.
        """
        if not await self._store.claim(_LOCK):
            return None
        try:
            await self._sweep()
            pruned = await self._prune_by_age(older_than_s)
            if older_than_s is None:
                pruned += await self._prune_by_size()
        finally:
            await self._store.release(_LOCK)
        if pruned.total():
            _log.info("history pruned", **+pruned)
        return Pruned(**pruned)

    async def forecast(self, *, older_than_s: float | None = None) -> Pruned:
        """Return what `prune` would remove now because of its age or number. What goes by size is not foreseen.

        Raises:
            StoreError: the store failed.
        """
        now = self._clock.now()
        before = now - timedelta(seconds=older_than_s or self._bounds().max_age_s)
        found: Counter[str] = Counter()
        runs: set[str] = set()
        for which in await self._prunable(now, older_than_s):
            async for roots in self._runs(which):
                runs.update(set(roots) - await self._store.needed_runs(roots))
        found["runs"] = len(runs)
        async for events in self._events(before):
            found["events"] += len(events)
        async for decisions in self._decisions(before):
            found["decisions"] += len(decisions)
        found["workflow_versions"] = len(await self._unused_versions(before))
        return Pruned(**found)

    async def _prune_by_age(self, older_than_s: float | None) -> Counter[str]:
        now = self._clock.now()
        pruned: Counter[str] = Counter()
        for which in await self._prunable(now, older_than_s):
            pruned += await self._prune_runs(which)
        before = now - timedelta(seconds=older_than_s or self._bounds().max_age_s)
        pruned += await self._prune_ledger(before)
        pruned["usage"] = await self._paced(self._store.prune_usage((now - _USAGE_KEPT).date()))
        return pruned

    async def _prune_by_size(self) -> Counter[str]:
        """Remove the oldest, a hundredth of the time that the history covers after the other, until the store fits."""
        pruned: Counter[str] = Counter()
        most = self._bounds().max_bytes
        used = await self._store.used_bytes()
        oldest = await self._store.oldest_record()
        newest = self._clock.now() - _ALWAYS_KEPT
        if used <= most or oldest is None:
            return pruned
        for step in range(1, _SIZE_STEPS + 1):
            if used <= most * _SIZE_AIM:
                break
            before = oldest + (newest - oldest) * step / _SIZE_STEPS
            pruned += await self._prune_runs(PrunableRuns(ended_before=before))
            pruned += await self._prune_ledger(before)
            used = await self._store.used_bytes()
        if used > most:
            _log.warning(
                "the store is larger than [history] max_size, and nothing that is left in it may be removed",
                bytes=used,
                max_size=most,
            )
        return pruned

    async def _prunable(self, now: datetime, older_than_s: float | None) -> list[PrunableRuns]:
        """Return which runs are beyond the bounds of their workflow or else of the project."""
        found: list[PrunableRuns] = []
        present = self._workflows()
        for name in await self._store.workflows_with_runs():
            policy = present[name].history if name in present else None
            own_s = policy.max_age_s if policy is not None else None
            age_s = older_than_s or own_s or self._bounds().max_age_s
            found.append(PrunableRuns(ended_before=now - timedelta(seconds=age_s), workflow=name))
            if policy is not None and policy.max_runs is not None and older_than_s is None:
                place = await self._store.place_of_newest(name, policy.max_runs)
                if place is not None:
                    found.append(PrunableRuns(ended_before=now, workflow=name, until=place))
        return found

    async def _prune_runs(self, which: PrunableRuns) -> Counter[str]:
        pruned: Counter[str] = Counter()
        async for roots in self._runs(which):
            pruned["runs"] += await self._remove(roots)
            await self._sweep()
        return pruned

    async def _remove(self, roots: Sequence[str]) -> int:
        """Take runs out of the history. Nobody resumes or forks one in the meantime: that takes its claim."""
        claimed: list[str] = []
        try:
            for run_id in roots:
                claimed += [run_id] if await self._store.claim(run_id) else []
            needed = await self._store.needed_runs(claimed)
            gone = [run_id for run_id in claimed if run_id not in needed]
            if gone:
                await self._paced(self._store.begin_pruning(gone))
            return len(gone)
        finally:
            for run_id in claimed:
                await self._store.release(run_id)

    async def _sweep(self) -> None:
        """Remove what is still stored of runs that have been taken out, now or before a crash."""
        while await self._paced(self._store.prune_slice()):
            pass

    async def _prune_ledger(self, before: datetime) -> Counter[str]:
        pruned: Counter[str] = Counter()
        async for decisions in self._decisions(before):
            await self._paced(self._store.prune_decisions(decisions))
            pruned["decisions"] += len(decisions)
        async for events in self._events(before):
            await self._paced(self._store.prune_events(events))
            pruned["events"] += len(events)
        versions = await self._unused_versions(before)
        if versions:
            await self._paced(self._store.prune_versions(versions))
            pruned["workflow_versions"] += len(versions)
        return pruned

    async def _unused_versions(self, before: datetime) -> list[str]:
        # A run of a present version may be beginning just now.
        present = {workflow.digest for workflow in self._workflows().values()}
        return [digest for digest in await self._store.prunable_versions(before) if digest not in present]

    async def _runs(self, which: PrunableRuns) -> AsyncIterator[list[str]]:
        after = None
        while places := await self._store.prunable_runs(which, after):
            yield [run_id for _, run_id in places]
            after = places[-1]

    async def _events(self, before: datetime) -> AsyncIterator[list[str]]:
        for event_type in await self._store.event_types():
            after = None
            while places := await self._store.prunable_events(event_type, before, after):
                yield [event_id for _, event_id in places]
                after = places[-1]

    async def _decisions(self, before: datetime) -> AsyncIterator[list[DecisionPlace]]:
        after = None
        while places := await self._store.prunable_decisions(before, after):
            yield places
            after = places[-1]

    async def _paced(self, write: Awaitable[Result]) -> Result:
        """Await a write and then rest, so that the writer is there for the others most of the time."""
        began = self._clock.monotonic()
        result = await write
        took_s = self._clock.monotonic() - began
        await self._clock.sleep(min(took_s * (1 / _SHARE - 1), _LONGEST_REST_S))
        return result
