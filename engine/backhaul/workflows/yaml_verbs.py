"""The verbs of steps of a YAML workflow that hold no other steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from backhaul.triggers.event import type_fault
from backhaul.workflows.definition import Call, Emit, Fail, RunWorkflow, Set, Verb
from backhaul.workflows.missing import kind_of
from backhaul.workflows.scopes import Scope
from backhaul.workflows.templates import OPENING, Template
from backhaul.workflows.yaml_fields import NAME, Fields, read_template
from backhaul.workflows.yaml_reader import MapNode
from backhaul.workflows.yaml_reconcile import read_reconcile
from backhaul.workflows.yaml_wait import read_wait

__all__ = ["EMIT_KEYS", "SIMPLE_VERBS"]

EMIT_KEYS = ("type", "subject", "data", "key")

_TARGET = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)

ReadVerb: TypeAlias = Callable[[Fields, Scope], Verb | None]


def _call(fields: Fields, scope: Scope) -> Verb | None:
    target = fields.text("call")
    params = _values(fields, "with", scope)
    form = _TARGET.fullmatch(target)
    if target and form is None:
        fields.wrong("call", f"{target!r} is no action: write <connection>.<action>, as in acs.list_devices")
    return Call(connection=form.group(1), action=form.group(2), params=params) if form else None


def _set(fields: Fields, scope: Scope) -> Verb | None:
    node = fields.mapping("set")
    return Set(values=read_template(node, scope)) if node else None


def _emit(fields: Fields, scope: Scope) -> Verb | None:
    node = fields.mapping("emit")
    if node is None:
        return None
    event = Fields(node, EMIT_KEYS, fields.report, "emit")
    name = event.text("type", required=True)
    if OPENING not in name and name and (reason := type_fault(name)):
        event.wrong("type", reason)
    data = event.template("data", scope)
    return Emit(
        type=event.template("type", scope) or Template(""),
        data=data if data is not None else Template({}),
        subject=event.template("subject", scope),
        key=event.template("key", scope),
    )


def _run(fields: Fields, scope: Scope) -> Verb | None:
    name = fields.text("run")
    inputs = _values(fields, "with", scope)
    if name and not NAME.fullmatch(name):
        fields.wrong("run", f"{name!r} is no name of a workflow: write it like nightly-sync")
        return None
    return RunWorkflow(workflow=name, inputs=inputs) if name else None


def _fail(fields: Fields, scope: Scope) -> Verb | None:
    message = fields.text("fail")
    template = fields.template("fail", scope)
    return Fail(message=template) if message and template else None


def _values(fields: Fields, key: str, scope: Scope) -> Template:
    """Return the mapping of parameters under a key, each of which may be an expression."""
    node = fields.get(key)
    if node is None or node.plain() is None:
        return Template({})
    if not isinstance(node, MapNode):
        fields.wrong(key, f"a mapping of names to values is needed, not {kind_of(node.plain())}")
        return Template({})
    return read_template(node, scope)


SIMPLE_VERBS: Mapping[str, ReadVerb] = {
    "call": _call,
    "set": _set,
    "emit": _emit,
    "run": _run,
    "fail": _fail,
    "wait": read_wait,
    "reconcile": read_reconcile,
}
