"""Expressions ``${{ ... }}``: compiled once, evaluated on JSON data, without a way to Python objects.

Jinja2 parses and compiles. In between, `expression_tree` checks the tree against an allow-list. At run time a
field is only ever a mapping's key: attributes of Python objects are not read at all.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from backhaul.errors import EvaluationError, ExpressionError
from backhaul.json_values import Json
from backhaul.workflows.datasets import Dataset
from backhaul.workflows.expression_tree import FILTERS, ForbiddenError, Path, references, rewrite, verify
from backhaul.workflows.list_filters import FUNCTIONS
from backhaul.workflows.missing import Missing, MissingValueError, kind_of
from backhaul.workflows.operands import MAX_ITEMS, bounded_text, checked_number, joined, number_of, present
from backhaul.workflows.unknown import Unknown, UnknownValueError, known
from backhaul.workflows.value_tests import TESTS

__all__ = ["ENVIRONMENT", "MAX_SOURCE", "Expression", "compile_expression", "dotted", "field_of", "parse"]

MAX_SOURCE = 4_000
"""Characters of an expression."""

_RESULT = "_result"
_ON_DATA = (ArithmeticError, AttributeError, LookupError, RecursionError, TemplateError, TypeError, ValueError)
_WORDS = {"NoneType": "null", "bool": "boolean", "dict": "mapping", "float": "number", "int": "number", "str": "text"}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


class Expression:
    """A compiled expression. Objects are immutable and safe to share between threads.

    Attributes:
        source: the text between ``${{`` and ``}}``.
        references: static paths that it reads, such as ``("steps", "devices", "count")``.
        names: the first names of these paths.
        step_references: for every path ``steps.<id>...``: the id, and the further path.
    """

    __slots__ = ("_render", "_template", "names", "references", "source", "step_references")

    def __init__(self, source: str, tree: nodes.Expr) -> None:
        self.source = source
        self.references: tuple[Path, ...] = references(tree)
        self.names = frozenset(str(path[0]) for path in self.references)
        self.step_references: tuple[tuple[str, Path], ...] = tuple(
            (str(path[1]), path[2:]) for path in self.references if path[0] == "steps" and len(path) > 1
        )
        body: list[nodes.Node] = [nodes.Assign(nodes.Name(_RESULT, "store"), rewrite(tree), lineno=1)]
        self._template = ENVIRONMENT.from_string(nodes.Template(body, lineno=1))
        self._render: Callable[[Context], Iterator[str]] = self._template.root_render_func

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def evaluate(self, context: Mapping[str, Json]) -> Json:
        """Return the expression's value: plain JSON with its type kept; datasets are passed on as they are.

        When anything needs a value that is known after apply, the whole is an `Unknown`.

        Args:
            context: JSON values and datasets by name. Neither copied nor changed; the value may share parts of it.

        Raises:
            EvaluationError: something is missing, of the wrong kind, or too large.
            NotReady: a dataset has to be prepared; evaluate again afterwards.
        """
        try:
            frame = self._template.new_context(context, shared=True)  # type: ignore[arg-type]  # it is only read
            for _ in self._render(frame):
                pass
            return _checked_result(frame.vars[_RESULT])
        except UnknownValueError as needed:
            return Unknown(needed.step)
        except MissingValueError as error:
            raise EvaluationError(self.source, error.value.reason(self._path_of(error.value, context))) from None
        except RecursionError:
            raise EvaluationError(self.source, "the data is nested too deeply") from None
        except _ON_DATA as error:
            raise EvaluationError(self.source, _in_words(error)) from None

    def _path_of(self, value: Missing, context: Mapping[str, Json]) -> str:
        """Return the dotted path of a missing value if one of the static references leads to it."""
        for path in self.references:
            found: Json = context
            for depth, key in enumerate(path):
                owner, found = found, field_of(found, key)
                if isinstance(found, Missing):
                    if key == value.key and (owner is value.owner or (depth == 0 and value.is_root)):
                        return dotted(path[: depth + 1])
                    break
        return ""


@lru_cache(maxsize=4096)
def compile_expression(source: str) -> Expression:
    """Compile the text of an expression, without ``${{`` and ``}}``.

    Raises:
        ExpressionError: it cannot be parsed (``bad-expression``) or it uses what expressions may not use
            (``forbidden-expression``).
    """
    text = source.strip()
    if not text:
        raise ExpressionError(source, "there is nothing")
    if len(text) > MAX_SOURCE:
        raise ExpressionError(text[:40] + "...", f"more than {MAX_SOURCE} characters", code="forbidden-expression")
    try:
        tree = parse(text)
        verify(tree)
        return Expression(text, tree)
    except TemplateSyntaxError as error:
        raise ExpressionError(text, _plain(error.message or "syntax error")) from None
    except ForbiddenError as error:
        raise ExpressionError(text, str(error), code=error.code) from None
    except (RecursionError, MemoryError, SyntaxError):
        raise ExpressionError(text, "too many levels inside of each other", code="forbidden-expression") from None
    except (ValueError, UnicodeError) as error:
        raise ExpressionError(text, f"not readable: {error}") from None


def parse(text: str) -> nodes.Expr:
    """Return the tree of an expression's text, not yet verified.

    Raises:
        TemplateSyntaxError: it is no expression.
    """
    parser = Parser(ENVIRONMENT, text, state="variable")
    tree = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateSyntaxError(f"unexpected {str(parser.stream.current)!r} after the end", 1)
    tree.set_environment(ENVIRONMENT)
    return tree


def _plain(message: str) -> str:
    """Return a parser's message in the words of expressions."""
    words = re.sub(r"\bend of (print statement|template)\b", "end", message.rstrip("."))
    return words[:1].lower() + words[1:]


def _in_words(error: Exception) -> str:
    """Return the text of Python's error with the names of JSON's types."""
    text = str(error) or type(error).__name__
    return re.sub(r"'(\w+)'", lambda name: _WORDS.get(name.group(1), name.group()), text)


def field_of(owner: Json, key: Any) -> Json:
    """Return what is under a key of a mapping, an index of a list or text, or a dataset's count, or `Missing`."""
    if isinstance(owner, dict):
        if key in owner:
            return owner[key]
    elif isinstance(owner, Missing):
        return owner
    elif isinstance(owner, Unknown):
        return owner[key]
    elif isinstance(owner, Mapping):
        if key in owner:
            return owner[key]
    elif key == "count" and isinstance(owner, list | Dataset):
        return len(owner)
    elif isinstance(owner, list | tuple | str | Dataset) and isinstance(key, int) and not isinstance(key, bool):
        sequence = owner.items() if isinstance(owner, Dataset) else owner
        if -len(sequence) <= key < len(sequence):
            return sequence[key]
    return Missing(obj=owner, name=key)


def dotted(path: Path) -> str:
    """Return a static path as it is written: ``steps.devices[0].serial``."""
    text = str(path[0])
    for key in path[1:]:
        text += f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"
    return text


def _checked_result(value: Json) -> Json:
    if isinstance(value, float):
        return checked_number(value)
    if isinstance(value, tuple):
        return list(value)
    return present(value)


def _make_list(values: list[Json]) -> list[Json]:
    for value in values:
        if isinstance(value, Missing):
            value.fail()
    return values


def _make_mapping(value: dict[Any, Json]) -> dict[str, Json]:
    for key, entry in value.items():
        if not isinstance(key, str):
            raise ValueError(f"a mapping's key is a text, not {kind_of(key)}")
        if isinstance(entry, Missing):
            entry.fail()
    return value


def _inside(value: Json, container: Json) -> bool:
    return known(value) in container


def _add(left: Json, right: Json) -> Json:
    if isinstance(left, str) and isinstance(right, str):
        return bounded_text(left + right)
    if isinstance(left, list) and isinstance(right, list):
        if len(left) + len(right) > MAX_ITEMS:
            raise ValueError(f"the list becomes longer than {MAX_ITEMS} items")
        return left + right
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right))
    if not numbers:
        kinds = f"{kind_of(present(left))} and {kind_of(present(right))}"
        raise ValueError(f"'+' adds two numbers, two texts or two lists, not {kinds}; '~' makes one text")
    return checked_number(left + right)


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"+", "-"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a mapping's key; never a Python attribute."""
        return field_of(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return a mapping's key or a list's item; never a Python attribute."""
        if isinstance(argument, Missing):
            argument.fail()
        return field_of(obj, known(argument))

    def call(self, *_: Any, **__: Any) -> Any:
        """Refuse every call: calls of functions are compiled as filters."""
        raise ValueError("nothing can be called")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an arithmetic operator to numbers, and '+' to texts and lists."""
        if operator == "+":
            return _add(left, right)
        try:
            return checked_number(_ARITHMETIC[operator](number_of(left), number_of(right)))
        except ZeroDivisionError:
            raise ValueError("division by zero") from None

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """Apply a sign to a number."""
        return -number_of(arg) if operator == "-" else number_of(arg)


def _environment() -> _Environment:
    # No optimizer: it would evaluate constant parts while compiling, before any bound applies.
    environment = _Environment(undefined=Missing, optimized=False, autoescape=False, cache_size=0)
    environment.globals.clear()
    environment.filters.clear()
    environment.filters.update(FILTERS)
    environment.filters.update({f"call {name}": function for name, function in FUNCTIONS.items()})
    environment.filters.update({"make list": _make_list, "make mapping": _make_mapping, "make text": joined})
    environment.filters["is inside"] = _inside
    environment.tests.clear()
    environment.tests.update(TESTS)
    return environment


ENVIRONMENT = _environment()
"""Parses and compiles expressions; what it makes of a text that was not verified must not be evaluated."""
