"""The verb ``reconcile`` of a YAML workflow."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal, cast

from backhaul.problems import Place
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.missing import kind_of
from backhaul.workflows.reconcile import CHANGES, Change, ChangeName, Compared, Guard, KeyFields, Reason, Reconcile
from backhaul.workflows.scopes import Scope
from backhaul.workflows.shares import share_of
from backhaul.workflows.templates import Template
from backhaul.workflows.yaml_fields import Fields, read_template
from backhaul.workflows.yaml_normalizers import read_normalizers
from backhaul.workflows.yaml_reader import ListNode, MapNode, TextNode

__all__ = [
    "CHANGE_KEYS",
    "COMPARE_KEYS",
    "GUARD_KEYS",
    "KEY_KEYS",
    "MAX_CONFIRM_RUNS",
    "MAX_FAILURES",
    "REASON_KEYS",
    "RECONCILE_KEYS",
    "read_reconcile",
]

RECONCILE_KEYS = (
    *("source", "target", "key", "compare", *CHANGES, "order", "guard", "confirm_runs", "concurrency"),
    *("on_item_error", "max_failures", "explain"),
)
KEY_KEYS = ("source", "target", "normalize")
COMPARE_KEYS = ("target", "normalize")
CHANGE_KEYS = ("call", "with", "if")
GUARD_KEYS = ("max_delete", "max_delete_count", "min_source", "recheck", "to", "timeout")
REASON_KEYS = ("reason", "side", "when")
MAX_CONFIRM_RUNS = 100
MAX_FAILURES = 10_000_000
MAX_CONCURRENCY = 10_000

_USUAL_GUARD = Guard(max_delete=Template("5%"), min_source=Template(1))
_CHANGE_NAMES = frozenset({"item", "target", "key", "last"})
_EXPLAIN_NAMES = _CHANGE_NAMES | {"side", "outcome", "error"}
_TARGET = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)


def read_reconcile(step: Fields, scope: Scope) -> Reconcile | None:
    """Return what a step reconciles, or None after a report."""
    node = step.mapping("reconcile")
    if node is None:
        return None
    fields = Fields(node, RECONCILE_KEYS, step.report, "reconcile")
    for name in ("source", "target", "key"):
        if not fields.has(name):
            fields.report.add(node.place, "missing-key", f"reconcile needs the key {name!r}")
    source, target = fields.expression("source", scope), fields.expression("target", scope)
    inner = replace(scope, names=scope.names | _CHANGE_NAMES)
    changes = {name: _change(fields, name, inner) for name in CHANGES}
    key = _key(fields)
    compare = _compare(fields)
    if fields.has("update") and not compare and not fields.has("compare"):
        fields.wrong("update", "without 'compare' no record ever differs: say which fields it compares")
    if fields.has("guard") and not fields.has("delete"):
        fields.wrong("guard", "it guards deletes, and there is no 'delete'")
    guard, explain = _guard(fields, scope, inner), _explain(fields, scope)
    order, limit = _order(fields), _limit(fields)
    confirm_runs = fields.integer("confirm_runs", 1, least=1, most=MAX_CONFIRM_RUNS)
    concurrency = fields.integer("concurrency", 1, least=1, most=MAX_CONCURRENCY)
    on_item_error = fields.choice("on_item_error", ("continue", "stop"), "continue")
    if source is None or target is None or key is None:
        return None
    return Reconcile(
        source=source,
        target=target,
        key=key,
        compare=compare,
        create=changes["create"],
        update=changes["update"],
        delete=changes["delete"],
        order=order,
        guard=guard,
        confirm_runs=confirm_runs,
        concurrency=concurrency,
        on_item_error="stop" if on_item_error == "stop" else "continue",
        max_failures=limit,
        explain=explain,
    )


def _limit(fields: Fields) -> int | None:
    return fields.integer("max_failures", 0, least=0, most=MAX_FAILURES) if fields.has("max_failures") else None


def _key(fields: Fields) -> KeyFields | None:
    node = fields.get("key")
    if not isinstance(node, MapNode):
        name = fields.text("key")
        return KeyFields(source=name, target=name) if name else None
    key = Fields(node, KEY_KEYS, fields.report, "key")
    source, target = key.text("source", required=True), key.text("target", required=True)
    names = read_normalizers(key)
    return KeyFields(source=source, target=target, normalize=names) if source and target else None


def _compare(fields: Fields) -> tuple[Compared, ...]:
    node = fields.mapping("compare")
    if node is None:
        return ()
    found = []
    each = Fields(node, [entry.key for entry in node.entries], fields.report, "compare")
    for entry in node.entries:
        if not isinstance(entry.value, MapNode):
            target = each.text(entry.key)
            found += [Compared(source=entry.key, target=target)] if target else []
            continue
        one = Fields(entry.value, COMPARE_KEYS, fields.report, f"compare of {entry.key!r}")
        target = one.text("target", required=True)
        names = read_normalizers(one)
        found += [Compared(source=entry.key, target=target, normalize=names)] if target else []
    return tuple(found)


def _change(fields: Fields, name: str, scope: Scope) -> Change | None:
    node = fields.mapping(name)
    if node is None:
        return None
    change = Fields(node, CHANGE_KEYS if name != "recheck" else CHANGE_KEYS[:2], fields.report, name)
    target = change.text("call", required=True)
    params = change.mapping("with")
    template = read_template(params, scope) if params is not None else Template({})
    condition = change.expression("if", scope) if name != "recheck" else None
    form = _TARGET.fullmatch(target)
    if not form:
        if target:
            change.wrong("call", f"{target!r} is no action: write <connection>.<action>, as in acs.list_devices")
        return None
    return Change(connection=form[1], action=form[2], params=template, condition=condition, places=_places(node))


def _places(node: MapNode) -> dict[str, Place]:
    places = {entry.key: entry.value.place for entry in node.entries}
    params = node.get("with")
    for inner in params.entries if isinstance(params, MapNode) else ():
        places[f"with.{inner.key}"] = inner.place
        places[f"with.{inner.key}="] = inner.value.place
    return {"": node.place, **places}


def _order(fields: Fields) -> tuple[ChangeName, ...]:
    node = fields.list("order")
    if node is None:
        return CHANGES
    names = [item.value if isinstance(item, TextNode) else None for item in node.items]
    if sorted(map(str, names)) != sorted(CHANGES):
        fields.wrong("order", f"write each of {', '.join(CHANGES)} once")
        return CHANGES
    return tuple(cast(ChangeName, name) for name in names)


def _guard(fields: Fields, scope: Scope, inner: Scope) -> Guard:
    node = fields.mapping("guard")
    if node is None:
        return _USUAL_GUARD
    guard = Fields(node, GUARD_KEYS, fields.report, "guard")
    share = guard.template("max_delete", scope)
    if share is not None and share.constant:
        try:
            share_of(share.value)
        except ValueError as error:
            guard.wrong("max_delete", str(error))
    for key in ("max_delete_count", "min_source"):
        number = guard.template(key, scope)
        if number is not None and number.constant:
            guard.integer(key, 0, least=0, most=MAX_FAILURES)
    timeout = guard.template("timeout", scope)
    if timeout is not None and timeout.constant:
        try:
            parse_duration(timeout.value)
        except ValueError as error:
            guard.wrong("timeout", str(error), code="bad-duration")
    guard.text("to")
    return Guard(
        max_delete=share or _USUAL_GUARD.max_delete,
        min_source=guard.template("min_source", scope) or _USUAL_GUARD.min_source,
        max_delete_count=guard.template("max_delete_count", scope),
        recheck=_change(guard, "recheck", inner),
        to=guard.template("to", scope),
        timeout=timeout,
    )


def _explain(fields: Fields, scope: Scope) -> tuple[Reason, ...]:
    node = fields.get("explain")
    if node is None:
        return ()
    if not isinstance(node, ListNode):
        fields.wrong("explain", f"a list of rules is needed, not {kind_of(node.plain())}")
        return ()
    inner = replace(scope, names=scope.names | _EXPLAIN_NAMES)
    rules = []
    for item in node.items:
        if not isinstance(item, MapNode):
            fields.report.add(item.place, "bad-value", f"a rule is a mapping, not {kind_of(item.plain())}")
            continue
        rule = Fields(item, REASON_KEYS, fields.report, "a rule of explain")
        reason = rule.text("reason", required=True)
        side = rule.choice("side", ("source", "target"), "")
        when = rule.expression("when", inner)
        if reason:
            rules.append(Reason(reason=reason, side=cast(Literal["source", "target"], side) or None, when=when))
    return tuple(rules)
