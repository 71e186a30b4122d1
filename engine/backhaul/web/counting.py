"""Counts what happens in runs and in the store, as cheaply as can be: these are the busiest places."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from backhaul.runs.progress import RunObserver
from backhaul.store.records import RunStatus, StepStatus
from backhaul.store.statements import Operation

__all__ = ["CommitTimes", "Durations", "RunCounts"]


class Durations:
    """A histogram of durations. One thread adds to it; any may read it."""

    BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
    """Upper bounds of the buckets; one more holds what is longer."""

    def __init__(self) -> None:
        self._counts = [0] * (len(self.BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        self._counts[bisect_left(self.BOUNDS_S, seconds)] += 1
        self._sum_s += seconds

    @property
    def sum_s(self) -> float:
        """All durations together, in seconds."""
        return self._sum_s

    def cumulative(self) -> list[tuple[str, float]]:
        """Return for each bound, and for ``+Inf``, how many durations were not longer."""
        found: list[tuple[str, float]] = []
        total = 0
        for bound, count in zip((*self.BOUNDS_S, float("inf")), self._counts, strict=True):
            total += count
            found.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
        return found


class RunCounts(RunObserver):
    """Counts runs and steps.

    Attributes:
        started: number of runs that began or went on, by workflow.
        ended: number of runs that stopped, by workflow and by how they stand.
        steps: number of steps that ended, by status.
        retries: number of attempts that failed and are followed by another one.
    """

    def __init__(self) -> None:
        self.started: Counter[str] = Counter()
        self.ended: Counter[tuple[str, RunStatus]] = Counter()
        self.steps: Counter[StepStatus] = Counter()
        self.retries = 0

    def run_started(self, run_id: str, workflow: str) -> None:
        """A run begins or goes on."""
        self.started[workflow] += 1

    def run_ended(self, run_id: str, workflow: str, status: RunStatus) -> None:
        """A run has stopped."""
        self.ended[workflow, status] += 1

    def step_retrying(self, key: str, attempt: int, delay_s: float, message: str) -> None:
        """An attempt failed."""
        self.retries += 1

    def step_finished(self, key: str, status: StepStatus) -> None:
        """A step has ended."""
        self.steps[status] += 1


class CommitTimes:
    """Measures the store's commits; called in its writer's thread.

    Attributes:
        durations: how long each group took from being written to being durable.
        operations: number of operations that were made durable.
    """

    def __init__(self) -> None:
        self.durations = Durations()
        self.operations = 0
        self._began = 0.0

    def before_commit(self, operations: Sequence[Operation]) -> None:
        """The operations are written but not committed."""
        self._began = time.perf_counter()

    def after_commit(self, operations: Sequence[Operation]) -> None:
        """The operations are durable."""
        self.durations.add(time.perf_counter() - self._began)
        self.operations += len(operations)
