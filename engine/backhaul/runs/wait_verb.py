"""What the verb ``wait`` of a workflow wants, computed at the moment at which the wait begins."""

from __future__ import annotations

from datetime import datetime, timedelta

from backhaul.clock import utc_text
from backhaul.errors import InputError
from backhaul.json_values import Json
from backhaul.runs.scope import Scope
from backhaul.runs.wait_matching import values_for
from backhaul.runs.waiting import Wanted
from backhaul.store.service_records import WaitKind
from backhaul.triggers.event import type_fault
from backhaul.workflows.data_schema import schema_fault
from backhaul.workflows.definition import Wait, WaitApproval, WaitEvent, WaitTime
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.moments import parse_moment
from backhaul.workflows.templates import Template

__all__ = ["wanted", "wanted_approval", "wanted_time"]


async def wanted(verb: Wait, scope: Scope, now: datetime) -> Wanted:
    """Return what a step waits for that begins to wait now.

    Raises:
        InputError: a duration, a moment or a schema is none, or a condition needs too many values.
    """
    match verb.what:
        case WaitTime(duration=None, moment=Template() as moment):
            return wanted_time(_parsed("until", await scope.render(moment)))
        case WaitTime(duration=duration):
            later = await _later("for", duration, scope, now)
            assert later is not None  # noqa: S101 (one of the two is there)
            return wanted_time(later)
        case WaitEvent() as event:
            return await _event(event, scope, now)
        case WaitApproval() as approval:
            return wanted_approval(
                str(await scope.render(approval.message)),
                to="" if approval.to is None else str(await scope.render(approval.to)),
                schema=None if approval.schema is None else await scope.render(approval.schema),
                until=await _later("timeout", approval.timeout, scope, now),
            )


def wanted_time(until: datetime) -> Wanted:
    """Return the wait for a moment."""
    return Wanted(kind=WaitKind.TIME, until=until, shown={"until": utc_text(until)})


def wanted_approval(message: str, *, to: str, schema: Json, until: datetime | None) -> Wanted:
    """Return the wait for a person's decision.

    Raises:
        InputError: the schema is none.
    """
    if schema is not None and (fault := schema_fault(schema)):
        raise InputError("schema of the approval", [fault])
    details = {"to": to, "message": message, "schema": schema}
    return Wanted(kind=WaitKind.APPROVAL, until=until, details=details, shown={"approval": details})


async def _event(event: WaitEvent, scope: Scope, now: datetime) -> Wanted:
    event_type = str(await scope.render(event.type))
    if fault := type_fault(event_type):
        raise InputError("event of the wait", [fault])
    details: dict[str, Json] = {}
    if event.where is not None:
        details = {"where": event.where.source, "values": values_for(event.where, scope.context)}
    return Wanted(
        kind=WaitKind.EVENT,
        until=await _later("timeout", event.timeout, scope, now),
        event_type=event_type,
        details=details,
        shown={"event": event_type, "where": details.get("where")},
    )


async def _later(key: str, duration: Template | None, scope: Scope, now: datetime) -> datetime | None:
    if duration is None:
        return None
    try:
        return now + timedelta(seconds=parse_duration(await scope.render(duration)))
    except ValueError as error:
        raise InputError(f"{key} of the wait", [str(error)]) from None


def _parsed(key: str, value: Json) -> datetime:
    try:
        return parse_moment(value)
    except ValueError as error:
        raise InputError(f"{key} of the wait", [str(error)]) from None
