"""The parsed tree of an expression: what it may hold, what it refers to, what is compiled of it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias, cast

from jinja2 import nodes
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS

from backhaul.problems import nearest
from backhaul.workflows.list_filters import FUNCTIONS, LIST_FILTERS
from backhaul.workflows.operands import MAX_BITS
from backhaul.workflows.scalar_filters import SCALAR_FILTERS
from backhaul.workflows.value_tests import TESTS

__all__ = ["FILTERS", "MAX_DEPTH", "ForbiddenError", "Path", "references", "rewrite", "verify"]

Path: TypeAlias = tuple[str | int, ...]

MAX_DEPTH = 40
"""Levels of operators, brackets and fields inside of each other."""

FILTERS: Mapping[str, Callable[..., Any]] = {**SCALAR_FILTERS, **LIST_FILTERS}

_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Slice),
    *(nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Call, nodes.CondExpr),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos),
)
# Names to which Jinja2's compiler gives a meaning of its own.
_RESERVED = frozenset({"self", "super", "caller", "varargs", "kwargs", "loop", "context", "environment"})


class ForbiddenError(Exception):
    """The tree holds something that expressions may not use, or cannot use so.

    Attributes:
        code: ``forbidden-expression`` or ``bad-expression``.
    """

    def __init__(self, reason: str, code: str = "forbidden-expression") -> None:
        self.code = code
        super().__init__(reason)


def verify(node: nodes.Node, depth: int = 0) -> None:
    """Check a parsed tree against the allow-list.

    Raises:
        ForbiddenError: with the first thing that is not allowed.
    """
    if depth > MAX_DEPTH:
        raise ForbiddenError(f"more than {MAX_DEPTH} levels inside of each other")
    if isinstance(node, nodes.Pow):
        raise ForbiddenError("the operator '**' is not available")
    if not isinstance(node, _ALLOWED):
        raise ForbiddenError(f"{type(node).__name__.lower()!r} is not available")
    match node:
        case nodes.Name():
            _verify_name(node.name)
        case nodes.Const():
            _verify_constant(node.value)
        case nodes.Getattr():
            _verify_attribute(node.attr, "_")
        case nodes.Getitem(arg=nodes.Const(value=str(key))):
            _verify_attribute(key, "__")
        case nodes.Call() | nodes.Filter() | nodes.Test():
            _verify_call(node)
    for child in node.iter_child_nodes(exclude=("node",) if isinstance(node, nodes.Call) else None):
        verify(child, depth + 1)


def references(node: nodes.Node) -> tuple[Path, ...]:
    """Return the static paths that a verified tree reads, such as ``("steps", "devices", "count")``, in order."""
    found: dict[Path, None] = {}

    def visit(part: nodes.Node) -> None:
        path = _static_path(part)
        if path:
            found.setdefault(path)
            return
        for child in part.iter_child_nodes(exclude=("node",) if isinstance(part, nodes.Call) else None):
            visit(child)

    visit(node)
    return tuple(found)


def rewrite(node: nodes.Node) -> nodes.Node:
    """Return a verified tree in the form that is compiled.

    Calls become filters, so that nothing callable is ever looked up in the context. Lists, mappings, joined texts and
    ``in`` go through functions of ours, which check what is inside. An ``if`` without ``else`` gives null.
    """
    for name, value in list(node.iter_fields()):
        if isinstance(value, nodes.Node):
            setattr(node, name, rewrite(value))
        elif isinstance(value, list):
            setattr(node, name, [rewrite(item) if isinstance(item, nodes.Node) else item for item in value])
    match node:
        case nodes.Call():
            function = cast("nodes.Name", node.node).name
            return _filter(f"call {function}", node.args[0], node.args[1:], node.kwargs)
        case nodes.List() | nodes.Tuple():
            return _filter("make list", nodes.List(node.items, lineno=node.lineno))
        case nodes.Dict():
            return _filter("make mapping", node)
        case nodes.Concat():
            return _filter("make text", nodes.List(node.nodes, lineno=node.lineno))
        case nodes.CondExpr(expr2=None):
            node.expr2 = nodes.Const(None, lineno=node.lineno)
        case nodes.Compare(ops=[nodes.Operand(op="in" | "notin" as op, expr=container)]):
            inside = _filter("is inside", node.expr, [container])
            return inside if op == "in" else nodes.Not(inside, lineno=node.lineno)
    return node


def _filter(
    name: str, value: nodes.Expr, arguments: list[nodes.Expr] | None = None, named: list[nodes.Keyword] | None = None
) -> nodes.Filter:
    # Jinja2 declares the named arguments of filters as pairs; its parser and its compiler use keywords.
    keywords = cast("list[nodes.Pair]", named or [])
    return nodes.Filter(value, name, arguments or [], keywords, None, None, lineno=value.lineno)


def _static_path(node: nodes.Node) -> Path | None:
    match node:
        case nodes.Name():
            return (node.name,)
        case nodes.Getattr():
            owner = _static_path(node.node)
            return (*owner, node.attr) if owner else None
        case nodes.Getitem(arg=nodes.Const(value=str() | int() as key)):
            owner = _static_path(node.node)
            return (*owner, key) if owner else None
    return None


def _verify_name(name: str) -> None:
    if name.startswith("_"):
        raise ForbiddenError(f"the name {name!r} begins with an underscore")
    if name in _RESERVED:
        raise ForbiddenError(f"the name {name!r} is not available")


def _verify_attribute(name: str, prefix: str) -> None:
    if name.startswith(prefix):
        advice = f"; a key of data is read as [{name!r}]" if prefix == "_" and not name.startswith("__") else ""
        raise ForbiddenError(f"the field {name!r} begins with {'an underscore' if prefix == '_' else prefix}{advice}")


def _verify_constant(value: object) -> None:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ForbiddenError("a number is too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise ForbiddenError("a number is too large")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ForbiddenError("a text is not valid Unicode", "bad-expression") from None


def _verify_call(node: nodes.Call | nodes.Filter | nodes.Test) -> None:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise ForbiddenError("arguments with '*' or '**' are not available")
    match node:
        case nodes.Call(node=nodes.Name(name=name)):
            if name not in FUNCTIONS:
                raise _unknown("function", name, FUNCTIONS, forbidden=True)
            if not node.args:
                raise ForbiddenError(f"the function {name!r} needs arguments, the first one unnamed", "bad-expression")
            _verify_arguments("function", name, FUNCTIONS[name], len(node.args), node)
        case nodes.Call():
            raise ForbiddenError("only functions can be called, not fields of values: use a filter, as in 'x | upper'")
        case nodes.Filter():
            if node.name not in FILTERS:
                raise _unknown("filter", node.name, FILTERS, forbidden=node.name in JINJA_FILTERS)
            _verify_arguments("filter", node.name, FILTERS[node.name], len(node.args) + 1, node)
        case nodes.Test():
            if node.name not in TESTS:
                raise _unknown("test", node.name, TESTS, forbidden=node.name in JINJA_TESTS)
            _verify_arguments("test", node.name, TESTS[node.name], len(node.args) + 1, node)


def _unknown(kind: str, name: str, known: Mapping[str, object], *, forbidden: bool) -> ForbiddenError:
    near = nearest(name, known)
    hint = f" (did you mean {near!r}?)" if near else f" (there are: {', '.join(sorted(known))})"
    code = "forbidden-expression" if forbidden else "bad-expression"
    return ForbiddenError(f"there is no {kind} {name!r}{hint}", code)


def _verify_arguments(
    kind: str, name: str, function: Callable[..., Any], count: int, node: nodes.Call | nodes.Filter | nodes.Test
) -> None:
    try:
        _signature(function).bind(*[None] * count, **{str(argument.key): None for argument in node.kwargs})
    except TypeError as error:
        raise ForbiddenError(f"the {kind} {name!r} cannot be used so: {error}", "bad-expression") from None


@lru_cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)
