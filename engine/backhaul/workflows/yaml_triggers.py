"""The ``on:`` part of a YAML workflow."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from backhaul.errors import InputError
from backhaul.problems import Problem
from backhaul.triggers.cron import (
    CATCH_UP,
    OVERLAP,
    CatchUp,
    CronFault,
    CronTrigger,
    Overlap,
    expression_fault,
    zone_fault,
)
from backhaul.triggers.event import EventTrigger, type_fault
from backhaul.workflows.conditions import expression_condition
from backhaul.workflows.missing import kind_of
from backhaul.workflows.report import Report
from backhaul.workflows.scopes import Scope
from backhaul.workflows.yaml_fields import Fields
from backhaul.workflows.yaml_reader import ListNode, MapNode, Node

__all__ = ["CRON_KEYS", "EVENT_KEYS", "read_triggers"]

CRON_KEYS = ("cron", "timezone", "catch_up", "max_lateness", "overlap", "jitter", "start", "end")
EVENT_KEYS = ("event", "where")


def read_triggers(node: Node | None, report: Report) -> tuple[tuple[CronTrigger, ...], tuple[EventTrigger, ...]]:
    """Return the cron and the event triggers of ``on:``, which is a list of triggers or one trigger."""
    crons: list[CronTrigger] = []
    events: list[EventTrigger] = []
    for item in _items(node):
        if not isinstance(item, MapNode):
            message = f"a trigger is a mapping with 'cron' or 'event', not {kind_of(item.plain())}"
            report.add(item.place, "bad-trigger", message)
        elif item.get("cron") is not None and item.get("event") is None:
            cron = _cron(Fields(item, CRON_KEYS, report, "a cron trigger"))
            crons += [cron] if cron else []
        elif item.get("event") is not None and item.get("cron") is None:
            event = _event(Fields(item, EVENT_KEYS, report, "an event trigger"))
            events += [event] if event else []
        else:
            report.add(item.place, "bad-trigger", "a trigger has either the key 'cron' or the key 'event'")
    return tuple(crons), tuple(events)


def _items(node: Node | None) -> tuple[Node, ...]:
    if node is None or node.plain() is None:
        return ()
    return node.items if isinstance(node, ListNode) else (node,)


def _cron(fields: Fields) -> CronTrigger | None:
    before = len(fields.report.problems)
    expression = fields.text("cron")
    if expression and (fault := expression_fault(expression)):
        _fault(fields, "cron", "bad-cron", fault)
    zone = fields.text("timezone") or "UTC"
    if fault := zone_fault(zone):
        _fault(fields, "timezone", "bad-timezone", fault)
        zone = "UTC"
    catch_up = cast("CatchUp", fields.choice("catch_up", CATCH_UP, "latest"))
    overlap = cast("Overlap", fields.choice("overlap", OVERLAP, "skip"))
    max_lateness_s = fields.duration("max_lateness")
    jitter_s = fields.duration("jitter") or 0.0
    start, end = _moment(fields, "start", zone), _moment(fields, "end", zone)
    if len(fields.report.problems) > before:
        return None
    try:
        return CronTrigger(
            expression=expression,
            timezone=zone,
            catch_up=catch_up,
            max_lateness_s=max_lateness_s,
            overlap=overlap,
            jitter_s=jitter_s,
            start=start,
            end=end,
        )
    except InputError as error:
        fields.report.add(fields.place("end"), "bad-cron", "; ".join(error.reasons))
        return None


def _fault(fields: Fields, key: str, code: str, fault: CronFault) -> None:
    fields.report.problems.append(Problem(fields.place(key), code, fault.reason, fault.suggestion))


def _moment(fields: Fields, key: str, zone: str) -> datetime | None:
    text = fields.text(key)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fields.wrong(key, f"{text!r} is no time: write it as 2026-03-01 or 2026-03-01T06:00")
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _event(fields: Fields) -> EventTrigger | None:
    before = len(fields.report.problems)
    name = fields.text("event")
    if name and (reason := type_fault(name)):
        fields.wrong("event", reason, code="bad-trigger")
    scope = Scope(report=fields.report, names=frozenset({"event"}), locations={}, visible={})
    where = fields.expression("where", scope)
    if len(fields.report.problems) > before:
        return None
    if where is None:
        return EventTrigger(type=name)
    return EventTrigger(type=name, where=where.source, condition=expression_condition(where))
