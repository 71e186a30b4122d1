"""The calls of a planned run: reads are made, everything else is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from backhaul.errors import InputError
from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec, Effect
from backhaul.runs.calls import Caller, CallRequest
from backhaul.runs.control import Control, StepFailed
from backhaul.runs.failures import text_of
from backhaul.runs.planning.line import PlanLine
from backhaul.store.records import StepStatus
from backhaul.workflows.unknown import first_unknown

if TYPE_CHECKING:
    from backhaul.plugins.connections import Connections
    from backhaul.runs.journal import Journal
    from backhaul.runs.planning.writer import PlanWriter
    from backhaul.store.records import RunRecord

__all__ = ["MOST_DESCRIBED", "PlanningCaller"]

MOST_DESCRIBED = 200
"""Effects of one run that connectors are asked to describe: each may cost reads of its own."""
_DESCRIBE_TIMEOUT_S = 15.0


class PlanningCaller(Caller):
    """Makes the reads of one run, and lists its other calls."""

    def __init__(self, journal: Journal, connections: Connections, plan: PlanWriter, *, root: RunRecord) -> None:
        super().__init__(journal, connections, root=root)
        self._plan = plan
        self._described = 0

    async def perform(self, request: CallRequest, control: Control) -> Json:
        """Return the output of a read, or what stands for that of a call which is listed.

        Raises:
            StepFailed: the read gave up, or parameters do not fit.
            Abandoned: the run stops.
        """
        line = request.line or PlanLine()
        prior = self._journal.recorded(request.key)
        if prior is not None and prior.status is StepStatus.PLANNED:
            return self._plan.again(prior, line)
        spec = self._connections.spec(request.connection, request.action)
        if spec.effect is not Effect.READ:
            control.check()
            return await self._list(request, spec, line, control)
        reason = _not_readable(request, line)
        if reason is None:
            return await super().perform(request, control)
        return self._plan.undetermined(
            request.key, "call", reason, line, action=request.full_action, params=request.params
        )

    async def _list(self, request: CallRequest, spec: ActionSpec, line: PlanLine, control: Control) -> Json:
        is_known = first_unknown(request.params) is None
        if is_known:
            self._check_params(request, spec)
        notes = dict(request.change or {})
        if is_known and spec.describe is not None and request.change is None:
            notes = await self._describe(request, control)
        return self._plan.effect(
            request.key, "call", request.full_action, spec.effect.value, request.params, line, notes or None
        )

    def _check_params(self, request: CallRequest, spec: ActionSpec) -> None:
        """Let what would not even be sent fail as it would in a run."""
        try:
            spec.arguments(request.params)
        except InputError as error:
            record = self._journal.begin(
                request.key, "call", action=request.full_action, effect=spec.effect.value, params=request.params
            )
            failed = StepFailed(request.key, type(error).__name__, text_of(error))
            self._journal.finish(record, StepStatus.FAILED, error=failed.to_json(), handled=request.handled)
            failed.recorded = True
            raise failed from None

    async def _describe(self, request: CallRequest, control: Control) -> dict[str, Json]:
        """Return what the connector says of an effect. That it cannot say anything spoils no plan."""
        if self._described >= MOST_DESCRIBED:
            return {"note": f"not described: only the first {MOST_DESCRIBED} effects are"}
        self._described += 1
        try:
            connection = await self._connections.open(request.connection)
            context = self._context(request, Effect.READ)
            with control.interruptible(), anyio.fail_after(_DESCRIBE_TIMEOUT_S):
                change = await connection.describe(request.action, request.params, context)
        except Exception as error:  # noqa: BLE001 (the attempt's boundary: any connector's error ends here)
            control.check()
            return {"note": f"not described: {text_of(error)}"}
        return change.to_json()


def _not_readable(request: CallRequest, line: PlanLine) -> str | None:
    """Return why a read cannot be made now, or None."""
    step = first_unknown(request.params)
    if step is not None:
        return f"its parameters depend on {step}, known after apply"
    if line.has_changed(request.connection):
        return f"it reads {request.connection}, which the steps before it would have changed"
    return None
