"""Templates: JSON values with expressions inside, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from backhaul.errors import EvaluationError, ExpressionError
from backhaul.json_values import Json
from backhaul.workflows.expressions import Expression, compile_expression
from backhaul.workflows.operands import joined
from backhaul.workflows.unknown import Unknown, UnknownValueError

__all__ = ["OPENING", "Template", "compile_template", "split_text"]

OPENING = "${{"
_CLOSING = "}}"

Render: TypeAlias = Callable[[Mapping[str, Json]], Json]


class Template:
    """A JSON value whose texts may hold expressions. Immutable.

    A text that is only one expression keeps the type of its value. In a longer text, null becomes nothing, booleans
    ``true`` and ``false``, mappings and lists JSON. A text with a part that is known after apply is so as a whole.

    Attributes:
        value: the value as written.
        constant: there is no expression inside.
        expressions: the expressions inside, in order.
    """

    __slots__ = ("_render", "constant", "expressions", "value")

    def __init__(self, value: Json) -> None:
        expressions: list[Expression] = []
        self._render = _compiled(value, expressions)
        self.value = value
        self.expressions = tuple(expressions)
        self.constant = not expressions

    def __repr__(self) -> str:
        return f"Template({self.value!r})"

    def render(self, context: Mapping[str, Json]) -> Json:
        """Return the value with its expressions evaluated.

        The result of a constant template is the very value it was made of: do not change it.

        Raises:
            EvaluationError: an expression fails on the data.
            NotReady: a dataset has to be prepared; render again afterwards.
        """
        return self.value if self._render is None else self._render(context)

    def constants(self) -> dict[str, Json]:
        """Return the entries of a mapping that have no expression inside; empty for anything else."""
        if not isinstance(self.value, Mapping):
            return {}
        return {key: value for key, value in self.value.items() if not _has_expression(value)}


def compile_template(value: Json) -> Template:
    """Compile a JSON value.

    Raises:
        ExpressionError: an expression inside cannot be compiled, or is not closed.
    """
    return Template(value)


def split_text(text: str) -> Iterator[str | Expression]:
    """Return the parts of a text: what stands between expressions, and the compiled expressions.

    Raises:
        ExpressionError: an expression cannot be compiled, or is not closed.
    """
    position = 0
    while (start := text.find(OPENING, position)) >= 0:
        if start > position:
            yield text[position:start]
        end = _end_of_expression(text, start + len(OPENING))
        yield compile_expression(text[start + len(OPENING) : end].strip())
        position = end + len(_CLOSING)
    if position < len(text):
        yield text[position:]


def _end_of_expression(text: str, position: int) -> int:
    """Return where ``}}`` stands that is neither in a quoted text nor the end of a mapping."""
    depth = 0
    quote = ""
    start = position
    while position < len(text):
        character = text[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            if depth == 0 and text.startswith(_CLOSING, position):
                return position
            depth -= 1
        position += 1
    what = f"a quote {quote} is not closed" if quote else f"{OPENING} is not closed with {_CLOSING}"
    raise ExpressionError(text[start : start + 60].strip(), what)


def _has_expression(value: Json) -> bool:
    if isinstance(value, str):
        return OPENING in value
    if isinstance(value, Mapping):
        return any(_has_expression(entry) for entry in value.values())
    return isinstance(value, list) and any(_has_expression(item) for item in value)


def _compiled(value: Json, expressions: list[Expression]) -> Render | None:
    """Return what renders a value, or None when it is constant; add its expressions to the list."""
    if isinstance(value, str):
        return _compiled_text(value, expressions) if OPENING in value else None
    if isinstance(value, Mapping):
        entries = [(key, entry, _compiled(entry, expressions)) for key, entry in value.items()]
        return _mapping(entries) if any(render for _, _, render in entries) else None
    if isinstance(value, list):
        items = [(item, _compiled(item, expressions)) for item in value]
        return _list(items) if any(render for _, render in items) else None
    return None


def _compiled_text(text: str, expressions: list[Expression]) -> Render:
    parts = list(split_text(text.strip() if text.strip().startswith(OPENING) else text))
    expressions += [part for part in parts if isinstance(part, Expression)]
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return parts[0].evaluate
    return _text(text, list(split_text(text)))


def _text(text: str, parts: Sequence[str | Expression]) -> Render:
    def render(context: Mapping[str, Json]) -> Json:
        try:
            return joined(part if isinstance(part, str) else part.evaluate(context) for part in parts)
        except ValueError as error:
            raise EvaluationError(text[:60], str(error)) from None
        except UnknownValueError as needed:
            return Unknown(needed.step)

    return render


def _mapping(entries: Sequence[tuple[str, Json, Render | None]]) -> Render:
    return lambda context: {key: value if render is None else render(context) for key, value, render in entries}


def _list(items: Sequence[tuple[Json, Render | None]]) -> Render:
    return lambda context: [value if render is None else render(context) for value, render in items]
