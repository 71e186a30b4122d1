"""`/metrics`: what is counted, in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from backhaul.store.records import RunStatus
from backhaul.views.connections import BudgetView, budget_view
from backhaul.web.counting import CommitTimes, Durations, RunCounts

if TYPE_CHECKING:
    from backhaul.app import App
    from backhaul.web.health import Lag
    from backhaul.web.hooks import HookCounts

__all__ = ["Counts", "Metrics"]

_GOING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is counted all the time; give `runs` and `commits` to whoever opens the application."""

    runs: RunCounts = field(default_factory=RunCounts)
    commits: CommitTimes = field(default_factory=CommitTimes)
    hooks: Durations = field(default_factory=Durations)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What had to be asked for: numbers of unfinished runs by status, budgets by connection."""

    going: dict[RunStatus, int]
    budgets: dict[str, BudgetView]


class Metrics:
    """Makes the text.

    Args:
        app: the application.
        counts: what is counted all the time.
        hooks: what webhooks brought.
        lag: how late the event loop is.
    """

    def __init__(self, app: App, counts: Counts, hooks: HookCounts, lag: Lag) -> None:
        self._app = app
        self._counts = counts
        self._hooks = hooks
        self._lag = lag

    async def text(self) -> bytes:
        """Return everything as it stands now.

        Raises:
            StoreError: the store cannot be read.
        """
        app, now = self._app, self._app.clock.now()
        asked = _Asked(
            going=await app.store.going_counts(),
            budgets={name: await budget_view(app.connections, name, app.store, now) for name in app.connections.names},
        )
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected([*self._runs(asked), *self._incoming(), *self._outgoing(asked), *self._process()]))
        return generate_latest(registry)

    def _runs(self, asked: _Asked) -> Iterator[Metric]:
        counts = self._counts.runs
        started = CounterMetricFamily("backhaul_runs_started", "Runs that began or went on.", labels=["workflow"])
        for workflow, count in counts.started.items():
            started.add_metric([workflow], count)
        yield started
        ended = CounterMetricFamily("backhaul_runs_ended", "Runs that stopped.", labels=["workflow", "status"])
        for (workflow, status), count in counts.ended.items():
            ended.add_metric([workflow, status.value], count)
        yield ended
        steps = CounterMetricFamily("backhaul_steps_ended", "Steps that ended.", labels=["status"])
        for step_status, count in counts.steps.items():
            steps.add_metric([step_status.value], count)
        yield steps
        yield CounterMetricFamily("backhaul_attempts_repeated", "Attempts followed by another.", value=counts.retries)
        going = GaugeMetricFamily("backhaul_runs", "Runs of all nodes that have not ended.", labels=["status"])
        for run_status in _GOING:
            going.add_metric([run_status.value], asked.going.get(run_status, 0))
        yield going
        queue = self._app.dispatcher.queue
        yield GaugeMetricFamily("backhaul_queue_length", "Runs that wait for a place on this node.", value=len(queue))
        yield GaugeMetricFamily("backhaul_runs_under_way", "Runs carried out by this node.", value=queue.under_way)

    def _incoming(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("backhaul_hooks", "Webhooks by answer.", labels=["connection", "status"])
        for (connection, status), count in self._hooks.answers.items():
            answers.add_metric([connection, str(status)], count)
        yield answers
        events = CounterMetricFamily("backhaul_hook_events", "Events by webhook.", labels=["connection", "new"])
        for new, counted in (("true", self._hooks.events), ("false", self._hooks.repeated)):
            for connection, count in counted.items():
                events.add_metric([connection, new], count)
        yield events
        yield _histogram("backhaul_hook_seconds", "From a webhook's head to its answer.", self._counts.hooks)

    def _outgoing(self, asked: _Asked) -> Iterator[Metric]:
        requests = CounterMetricFamily("backhaul_requests", "Requests to other systems.", labels=["connection"])
        lost = CounterMetricFamily("backhaul_requests_lost", "Requests without an answer.", labels=["connection"])
        refused = CounterMetricFamily("backhaul_requests_refused", "Requests answered 429.", labels=["connection"])
        waiting = GaugeMetricFamily("backhaul_requests_waiting", "Requests held back.", labels=["connection"])
        left = GaugeMetricFamily("backhaul_day_budget_left", "Requests left today.", labels=["connection"])
        for name, budget in asked.budgets.items():
            requests.add_metric([name], budget["requests"])
            lost.add_metric([name], max(budget["requests"] - budget["answers"] - budget["under_way"], 0))
            refused.add_metric([name], budget["refusals"])
            waiting.add_metric([name], budget["waiting"])
            if budget["per_day"] is not None:
                left.add_metric([name], budget["per_day"] - (budget["used_today"] or 0))
        yield from (requests, lost, refused, waiting, left)

    def _process(self) -> Iterator[Metric]:
        commits = self._counts.commits
        yield _histogram("backhaul_store_commit_seconds", "Group commits, from written to durable.", commits.durations)
        yield CounterMetricFamily("backhaul_store_operations", "Durable operations.", value=commits.operations)
        pending = self._app.store.writer.pending
        yield GaugeMetricFamily("backhaul_store_pending", "Operations on their way to the disk.", value=pending)
        yield GaugeMetricFamily("backhaul_event_loop_lag_seconds", "The last measurement.", value=self._lag.last_s)


class _Collected(Collector):
    """Metrics that are there already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _histogram(name: str, documentation: str, durations: Durations) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, documentation, buckets=durations.cumulative(), sum_value=durations.sum_s)
