"""The effects of a run under a plan: each must be one that the plan lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backhaul.json_values import Json
from backhaul.plugins.action import Effect
from backhaul.runs.calls import Caller, CallRequest
from backhaul.runs.control import Control
from backhaul.runs.planning.approved import NOT_PLANNED, ApprovedPlan, NotPlanned
from backhaul.runs.planning.writer import EMIT
from backhaul.store.records import EventRecord, StepStatus

if TYPE_CHECKING:
    from backhaul.plugins.connections import Connections
    from backhaul.runs.journal import Journal
    from backhaul.store.records import RunRecord
    from backhaul.store.tickets import Ticket

__all__ = ["ApplyingCaller", "planned_events"]

_SETTLED = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED, StepStatus.CANCELLED})


class ApplyingCaller(Caller):
    """Performs the calls of one run under a plan.

    Args:
        prefix: what the plan's names of the run's steps begin with.
    """

    def __init__(
        self, journal: Journal, connections: Connections, plan: ApprovedPlan, prefix: str, *, root: RunRecord
    ) -> None:
        super().__init__(journal, connections, root=root)
        self._plan = plan
        self._prefix = prefix

    async def perform(self, request: CallRequest, control: Control) -> Json:
        """Return the output of a call that changes nothing, or that the plan lists.

        Raises:
            NotPlanned: the plan does not list it; nothing was begun.
        """
        prior = self._journal.recorded(request.key)
        effect = self._connections.spec(request.connection, request.action).effect
        if effect is not Effect.READ and (prior is None or prior.status not in _SETTLED):
            control.check()
            params = request.params if prior is None or prior.params is None else prior.params
            try:
                self._plan.require(self._prefix + request.key, request.key, request.full_action, params)
            except NotPlanned as refused:
                self._refuse(request, effect, refused)
                raise
        return await super().perform(request, control)

    def _refuse(self, request: CallRequest, effect: Effect, refused: NotPlanned) -> None:
        record = self._journal.begin(
            request.key, "call", action=request.full_action, effect=effect.value, params=request.params
        )
        error = {"type": NOT_PLANNED, "message": refused.reason, "step": request.key}
        self._journal.finish(record, StepStatus.FAILED, error=error)


def planned_events(
    plan: ApprovedPlan, prefix: str, sink: Callable[[EventRecord], Ticket]
) -> Callable[[EventRecord], Ticket]:
    """Return what takes the events of a run under a plan: only those that it lists go on to `sink`."""

    def take(event: EventRecord) -> Ticket:
        key = event.step_key or ""
        own_key = None if event.dedupe_key == event.event_id else event.dedupe_key
        params = {"type": event.type, "subject": event.subject, "data": event.data, "key": own_key}
        plan.require(prefix + key, key, EMIT, params)
        return sink(event)

    return take
