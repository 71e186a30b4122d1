"""The keys of a YAML workflow that are about its runs as a whole: ``priority``, ``cancel_on`` and the like."""

from __future__ import annotations

from backhaul.problems import Problem
from backhaul.triggers.event import type_fault
from backhaul.workflows.cancelling import CANCEL_NAMES, CancelRule
from backhaul.workflows.concurrency import KEY_NAMES, MOST, Concurrency
from backhaul.workflows.plan_policy import PlanPolicy, policy_of
from backhaul.workflows.retention import HistoryPolicy
from backhaul.workflows.scopes import Scope
from backhaul.workflows.templates import OPENING, Template
from backhaul.workflows.yaml_fields import Fields, read_template
from backhaul.workflows.yaml_reader import ListNode, MapNode

__all__ = [
    "CANCEL_KEYS",
    "CONCURRENCY_KEYS",
    "HIGHEST_PRIORITY",
    "HISTORY_KEYS",
    "MOST_RUNS",
    "read_cancel_on",
    "read_concurrency",
    "read_history",
    "read_plan",
    "read_priority",
]

CANCEL_KEYS = ("event", "where")
CONCURRENCY_KEYS = ("limit", "key")
HISTORY_KEYS = ("max_age", "max_runs")
HIGHEST_PRIORITY = 100
MOST_RUNS = 1_000_000_000
"""Largest `HistoryPolicy.max_runs`."""


def read_priority(fields: Fields) -> int | None:
    """Return the priority of a workflow's runs, or None."""
    return fields.integer("priority", 0, least=0, most=HIGHEST_PRIORITY) if fields.has("priority") else None


def read_concurrency(fields: Fields, scope: Scope) -> Concurrency | None:
    """Return how many runs go at the same time, or None.

    Args:
        fields: of the workflow.
        scope: of the workflow's beginning: it knows the inputs.
    """
    node = _mapping(fields, "concurrency", "limit")
    if node is None:
        return None
    own = Fields(node, CONCURRENCY_KEYS, fields.report, "concurrency")
    before = len(fields.report.problems)
    if not own.has("limit"):
        own.report.add(node.place, "missing-key", "concurrency needs the key 'limit'")
    limit = own.integer("limit", 1, least=1, most=MOST)
    key = _key(own, Scope(report=scope.report, names=KEY_NAMES, inputs=scope.inputs, locations={}, visible={}))
    return Concurrency(limit=limit, key=key) if len(fields.report.problems) == before else None


def read_cancel_on(fields: Fields, scope: Scope) -> tuple[CancelRule, ...]:
    """Return the events that cancel a workflow's runs.

    Args:
        fields: of the workflow.
        scope: of the workflow's beginning: it knows the inputs.
    """
    node = fields.get("cancel_on")
    if node is None:
        return ()
    known = Scope(report=scope.report, names=CANCEL_NAMES, inputs=scope.inputs, locations={}, visible={})
    rules = []
    for item in node.items if isinstance(node, ListNode) else (node,):
        if not isinstance(item, MapNode):
            fields.report.add(item.place, "bad-value", "cancel_on: a mapping with 'event' is needed, or a list of them")
            continue
        own = Fields(item, CANCEL_KEYS, fields.report, "cancel_on")
        name = own.text("event", required=True)
        if name and (fault := type_fault(name)):
            own.wrong("event", fault)
        where = own.expression("where", known)
        rules.append(CancelRule(type=name, where=where))
    return tuple(rules)


def read_history(fields: Fields) -> HistoryPolicy | None:
    """Return how long a workflow's runs are kept, or None."""
    node = _mapping(fields, "history", "max_runs")
    if node is None:
        return None
    own = Fields(node, HISTORY_KEYS, fields.report, "history")
    if not node.entries:
        fields.wrong("history", "write max_age, max_runs or both")
    max_age_s = own.duration("max_age", zero=False)
    max_runs = own.integer("max_runs", 1, least=1, most=MOST_RUNS) if own.has("max_runs") else None
    if max_age_s is None and max_runs is None:
        return None
    return HistoryPolicy(max_age_s=max_age_s, max_runs=max_runs)


def read_plan(fields: Fields) -> PlanPolicy | None:
    """Return what a workflow says of plans, or None."""
    node = fields.get("plan")
    if node is None:
        return None
    try:
        return policy_of(node.plain())
    except ValueError as error:
        fields.wrong("plan", str(error))
        return None


def _mapping(fields: Fields, key: str, usual: str) -> MapNode | None:
    """Return the mapping under a key; for a number, the mapping that it stands for is suggested."""
    node = fields.get(key)
    value = node.plain() if node is not None else None
    if node is not None and isinstance(value, int) and not isinstance(value, bool):
        message = f"{key}: a mapping is needed, not {value}"
        fields.report.problems.append(Problem(node.place, "bad-value", message, f"{key}: {{{usual}: {value}}}"))
        return None
    return fields.mapping(key)


def _key(fields: Fields, scope: Scope) -> Template | None:
    node = fields.get("key")
    if node is None:
        return None
    value = node.plain()
    if not isinstance(value, str) or OPENING not in value:
        fields.wrong("key", "a text with an expression is needed, as in ${{ event.data.serial }}")
        return None
    return read_template(node, scope)
