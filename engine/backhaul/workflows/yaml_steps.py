"""The steps of a YAML workflow: verbs, modifiers, and the steps inside of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from backhaul import errors
from backhaul.problems import Place, nearest
from backhaul.workflows.definition import Each, Group, OnError, Parallel, RetryPolicy, Step, Verb
from backhaul.workflows.expressions import Expression, compile_expression
from backhaul.workflows.missing import kind_of
from backhaul.workflows.reconcile import RESULT_FIELDS
from backhaul.workflows.scopes import EACH_FIELDS, Container, Location, Scope
from backhaul.workflows.step_ids import own_id
from backhaul.workflows.yaml_fields import STEP_ID, Fields
from backhaul.workflows.yaml_reader import ListNode, MapNode, Node
from backhaul.workflows.yaml_verbs import SIMPLE_VERBS

__all__ = ["ERROR_NAMES", "MODIFIERS", "RETRY_KEYS", "VERB_KEYS", "read_steps"]

MODIFIERS = ("id", "name", "if", "timeout", "retry", "on_error")
RETRY_KEYS = ("attempts", "delay", "backoff", "max_delay", "on")
VERB_KEYS: Mapping[str, tuple[str, ...]] = {
    "call": ("call", "with"),
    "each": ("each", "do", "concurrency", "key", "output"),
    "parallel": ("parallel",),
    "do": ("do",),
    "set": ("set",),
    "emit": ("emit",),
    "run": ("run", "with"),
    "fail": ("fail",),
    "wait": ("wait",),
    "reconcile": ("reconcile",),
}
_OUTPUT_FIELDS: Mapping[str, frozenset[str]] = {"each": EACH_FIELDS, "reconcile": RESULT_FIELDS}
ERROR_NAMES = tuple(name for name in errors.__all__ if issubclass(getattr(errors, name), errors.ActionError))
"""Errors that ``retry: on`` can name; a name stands for its subclasses too."""
MAX_CONCURRENCY = 10_000


def read_steps(node: Node | None, scope: Scope, number: str = "") -> tuple[Step, ...]:
    """Return the steps of a list; each becomes visible to the ones after it.

    Args:
        number: position of the list in the workflow, such as ``2_``; part of the ids of steps without one.
    """
    if not isinstance(node, ListNode):
        if node is not None:
            scope.report.add(node.place, "bad-steps", f"a list of steps is needed, not {kind_of(node.plain())}")
        return ()
    if not node.items:
        scope.report.add(node.place, "bad-steps", "at least one step is needed")
    steps = [_step(item, scope, f"{number}{position}") for position, item in enumerate(node.items, start=1)]
    return tuple(step for step in steps if step is not None)


def _step(node: Node, scope: Scope, number: str) -> Step | None:
    if not isinstance(node, MapNode):
        scope.report.add(node.place, "bad-step", f"a step is a mapping, not {kind_of(node.plain())}")
        return None
    step_id = own_id(node)
    verb_name = _verb_name(node, scope)
    keys = (*VERB_KEYS.get(verb_name, (verb_name, "with")), *MODIFIERS)
    known = keys if verb_name else (*keys, *(entry.key for entry in node.entries))
    fields = Fields(node, known, scope.report, f"a step with {verb_name!r}")
    _check_id(fields)
    condition = _condition(fields, scope)
    verb = _verb(verb_name, fields, scope, number, step_id)
    if step_id:
        scope.show([step_id], _OUTPUT_FIELDS.get(verb_name))
    on_error = _on_error(fields, scope, number, step_id)
    step = Step(
        id=step_id or _made_id(verb_name, number, scope.locations),
        verb=verb if verb is not None else Group(body=()),
        place=node.place,
        name=fields.text("name"),
        condition=condition,
        timeout_s=fields.duration("timeout", zero=False),
        retry=_retry(fields),
        on_error=on_error,
        places=_places(node),
    )
    return step if verb is not None else None


def _verb_name(node: MapNode, scope: Scope) -> str:
    """Return the only verb of a step, or an empty text after a report."""
    words = [entry.key for entry in node.entries if entry.key in VERB_KEYS]
    if "each" in words and "do" in words:
        words.remove("do")
    if len(words) == 1:
        return words[0]
    if words:
        message = f"a step has one verb, not {' and '.join(words)}: make several steps of it"
        scope.report.add(node.place, "several-verbs", message)
        return ""
    others = [entry for entry in node.entries if entry.key not in MODIFIERS]
    misspelt = next((entry for entry in others if nearest(entry.key, VERB_KEYS)), None)
    if misspelt is not None:
        message = f"there is no verb {misspelt.key!r}"
        scope.report.add(misspelt.place, "unknown-verb", message, near=misspelt.key, known=VERB_KEYS)
    else:
        scope.report.add(node.place, "no-verb", f"a step needs one of {', '.join(VERB_KEYS)}")
    return ""


def _check_id(fields: Fields) -> None:
    step_id = fields.text("id")
    if step_id and not STEP_ID.fullmatch(step_id):
        advice = "write small letters, digits and _, as in new_devices"
        fields.wrong("id", f"{step_id!r} is no id: {advice}", code="bad-name")


def _made_id(verb: str, number: str, taken: Mapping[str, Location]) -> str:
    made = f"{verb or 'step'}_{number}"
    while made in taken:
        made += "_"
    return made


def _verb(name: str, fields: Fields, scope: Scope, number: str, step_id: str) -> Verb | None:
    if name in SIMPLE_VERBS:
        return SIMPLE_VERBS[name](fields, scope)
    if name == "each":
        return _each(fields, scope, number, step_id)
    if name == "parallel":
        return _parallel(fields, scope, number, step_id)
    if name == "do":
        inner = scope.inside(Container("do", fields.node.place, step_id))
        body = read_steps(fields.get("do"), inner, f"{number}_")
        scope.visible.update(inner.visible)
        return Group(body=body)
    return None


def _each(fields: Fields, scope: Scope, number: str, step_id: str) -> Verb | None:
    written = isinstance(fields.get("each"), ListNode)
    items = fields.template("each", scope) if written else fields.expression("each", scope)
    inner = scope.inside(Container("each", fields.node.place, step_id))
    key = fields.template("key", inner)
    if not fields.has("do"):
        fields.report.add(fields.node.place, "missing-key", "each needs the key 'do' with the steps for every item")
    body = read_steps(fields.get("do"), inner, f"{number}_")
    concurrency = fields.integer("concurrency", 1, least=1, most=MAX_CONCURRENCY)
    output = fields.template("output", inner)
    if items is None:
        return None
    return Each(items=items, body=body, concurrency=concurrency, key=key, output=output)


def _parallel(fields: Fields, scope: Scope, number: str, step_id: str) -> Verb | None:
    node = fields.list("parallel")
    if node is None:
        return None
    if not node.items:
        fields.wrong("parallel", "at least one step is needed")
    branches: list[Step] = []
    shown: dict[str, frozenset[str] | None] = {}
    for position, branch in enumerate(node.items):
        inner = scope.inside(Container("parallel", fields.node.place, step_id, position))
        step = _step(branch, inner, f"{number}_{position + 1}")
        branches += [step] if step else []
        shown.update(inner.visible)
    scope.visible.update(shown)
    return Parallel(branches=tuple(branches))


def _condition(fields: Fields, scope: Scope) -> Expression | None:
    node = fields.get("if")
    if node is None or node.plain() is True:
        return None
    if node.plain() is False:
        return compile_expression("false")
    return fields.expression("if", scope)


def _retry(fields: Fields) -> RetryPolicy | None:
    node = fields.mapping("retry")
    if node is None:
        return None
    retry = Fields(node, RETRY_KEYS, fields.report, "retry")
    usual = RetryPolicy()
    delay_s, max_delay_s = retry.duration("delay"), retry.duration("max_delay")
    return RetryPolicy(
        attempts=retry.integer("attempts", usual.attempts, least=1, most=1000),
        delay_s=usual.delay_s if delay_s is None else delay_s,
        backoff=retry.number("backoff", usual.backoff, least=1, most=100),
        max_delay_s=max(usual.max_delay_s, delay_s or 0) if max_delay_s is None else max_delay_s,
        on=_error_names(retry),
    )


def _error_names(retry: Fields) -> tuple[str, ...]:
    node = retry.get("on")
    value = node.plain() if node is not None else []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        retry.wrong("on", "a list of names of errors is needed, as in [RetryableError]")
        return ()
    for place, name in _located_names(node):
        if name not in ERROR_NAMES:
            message = f"there is no error {name!r} of actions"
            retry.report.add(place, "unknown-error", message, near=name, known=ERROR_NAMES)
    return tuple(names)


def _located_names(node: Node | None) -> list[tuple[Place, str]]:
    items = node.items if isinstance(node, ListNode) else (node,)
    return [(item.place, str(item.plain())) for item in items if item is not None]


def _on_error(fields: Fields, scope: Scope, number: str, step_id: str) -> OnError:
    node = fields.get("on_error")
    if not isinstance(node, MapNode):
        action = fields.choice("on_error", ("fail", "continue"), "fail")
        return OnError(action="continue" if action == "continue" else "fail")
    body_fields = Fields(node, ("do",), fields.report, "on_error")
    if not body_fields.has("do"):
        fields.wrong("on_error", "write fail, continue, or {do: [...]}")
    inner = scope.inside(Container("on_error", node.place, step_id))
    body = read_steps(body_fields.get("do"), inner, f"{number}_e")
    scope.visible.update(inner.visible)
    kind: Literal["do", "fail"] = "do" if body else "fail"
    return OnError(action=kind, body=body)


def _places(node: MapNode) -> dict[str, Place]:
    """Return where the values of a step's keys stand, and the keys of its parameters."""
    places = {entry.key: entry.value.place for entry in node.entries}
    for entry in node.entries:
        if entry.key in {"with", "retry", "emit", "wait"} and isinstance(entry.value, MapNode):
            for inner in entry.value.entries:
                places[f"{entry.key}.{inner.key}"] = inner.place
                places[f"{entry.key}.{inner.key}="] = inner.value.place
    return places
