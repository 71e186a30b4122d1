"""The verb ``wait`` of a YAML workflow."""

from __future__ import annotations

from backhaul.triggers.event import type_fault
from backhaul.workflows.data_schema import schema_fault
from backhaul.workflows.definition import Wait, WaitApproval, WaitEvent, WaitTime
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.moments import parse_moment
from backhaul.workflows.scopes import Scope
from backhaul.workflows.templates import OPENING, Template
from backhaul.workflows.yaml_fields import Fields

__all__ = ["APPROVAL_KEYS", "WAIT_KEYS", "read_wait"]

WAIT_KEYS = ("for", "until", "event", "where", "timeout", "approval")
APPROVAL_KEYS = ("to", "message", "schema", "timeout")

_KINDS = {"for": ("for",), "until": ("until",), "event": ("event", "where", "timeout"), "approval": ("approval",)}


def read_wait(fields: Fields, scope: Scope) -> Wait | None:
    """Return what a step waits for, or None after a report."""
    node = fields.mapping("wait")
    if node is None:
        return None
    words = [word for word in _KINDS if node.get(word) is not None]
    if len(words) != 1:
        said = f"one of them, not {' and '.join(words)}" if words else "it has none of them"
        fields.wrong("wait", f"write {{for}}, {{until}}, {{event}} or {{approval}}: {said}")
        Fields(node, WAIT_KEYS, fields.report, "wait")
        return None
    known = _KINDS[words[0]]
    wait = Fields(node, known, fields.report, f"a wait with {words[0]!r}")
    match words[0]:
        case "for":
            duration = _duration(wait, "for", scope, zero=True)
            return Wait(what=WaitTime(duration=duration)) if duration is not None else None
        case "until":
            moment = _moment(wait, scope)
            return Wait(what=WaitTime(moment=moment)) if moment is not None else None
        case "event":
            return _event(wait, scope)
        case _:
            return _approval(wait, scope)


def _event(wait: Fields, scope: Scope) -> Wait | None:
    name = wait.text("event")
    if name and OPENING not in name and (reason := type_fault(name)):
        wait.wrong("event", reason)
    where = wait.expression("where", scope)
    timeout = _duration(wait, "timeout", scope)
    kind = wait.template("event", scope)
    return Wait(what=WaitEvent(type=kind, where=where, timeout=timeout)) if name and kind is not None else None


def _approval(wait: Fields, scope: Scope) -> Wait | None:
    node = wait.mapping("approval")
    if node is None:
        return None
    approval = Fields(node, APPROVAL_KEYS, wait.report, "approval")
    approval.text("message", required=True)
    message = approval.template("message", scope)
    approval.text("to")
    if message is None:
        return None
    return Wait(
        what=WaitApproval(
            message=message,
            to=approval.template("to", scope),
            schema=_schema(approval, scope),
            timeout=_duration(approval, "timeout", scope),
        )
    )


def _schema(approval: Fields, scope: Scope) -> Template | None:
    schema = approval.template("schema", scope)
    if schema is not None and schema.constant and (fault := schema_fault(schema.value)):
        approval.wrong("schema", fault)
    return schema


def _duration(fields: Fields, key: str, scope: Scope, *, zero: bool = False) -> Template | None:
    """Return a duration that may be an expression."""
    template = fields.template(key, scope)
    if template is None or not template.constant:
        return template
    try:
        seconds = parse_duration(template.value)
    except ValueError as error:
        fields.wrong(key, str(error), code="bad-duration")
        return None
    if seconds == 0 and not zero:
        fields.wrong(key, "longer than nothing is needed", code="bad-duration")
    return template


def _moment(fields: Fields, scope: Scope) -> Template | None:
    """Return a moment that may be an expression."""
    template = fields.template("until", scope)
    if template is not None and template.constant:
        try:
            parse_moment(template.value)
        except ValueError as error:
            fields.wrong("until", str(error))
            return None
    return template
