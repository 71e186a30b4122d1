"""The parts of a condition: what stands between the ``and`` of its highest level."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, reduce

from jinja2 import TemplateSyntaxError, nodes

from backhaul.errors import ExpressionError
from backhaul.workflows.expressions import ENVIRONMENT, Expression, compile_expression, parse

__all__ = ["conjuncts"]

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@lru_cache(maxsize=1024)
def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    """Return the parts of which each has to be true; the expression alone when it is not of the form ``a and b``."""
    texts = list(_texts(expression.source))
    if len(texts) == 1:
        return (expression,)
    try:
        # Whether the text was cut at the right places (not at a field named "and", not inside of an "or") is for the
        # parser to say: together the parts must be what the whole is.
        together = reduce(lambda left, right: nodes.And(left, right, lineno=1), map(parse, texts))
        if together != parse(expression.source):
            return (expression,)
        return tuple(compile_expression(text) for text in texts)
    except (TemplateSyntaxError, ExpressionError):
        return (expression,)


def _texts(source: str) -> Iterator[str]:
    """Give the texts between the words ``and`` that stand outside of all brackets."""
    depth, text = 0, ""
    for _, kind, piece in ENVIRONMENT.lexer.tokeniter(source, None, None, "variable"):
        if kind == "name" and piece == "and" and depth == 0:
            yield text.strip()
            text = ""
            continue
        if kind == "operator":
            depth += (piece in _OPENING) - (piece in _CLOSING)
        text += piece
    yield text.strip()
