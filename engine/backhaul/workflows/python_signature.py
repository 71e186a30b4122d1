"""The parameters of a Python workflow's function: the run, connections, and inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from backhaul.json_values import Json
from backhaul.plugins.connector import Connector
from backhaul.plugins.reasons import reasons_of
from backhaul.workflows.cancelling import CancelRule
from backhaul.workflows.concurrency import Concurrency
from backhaul.workflows.definition import Input, InputType
from backhaul.workflows.expressions import Expression

__all__ = ["Signature", "SignatureProblem", "check_expressions", "read_signature"]

_RUN = "Run"
_TYPES: Mapping[str, InputType] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}


class SignatureProblem(Exception):  # noqa: N818  # becomes a Problem, never reaches a caller
    """A function cannot be a workflow."""

    def __init__(self, function: Callable[..., Any], message: str) -> None:
        self.line = function.__code__.co_firstlineno
        super().__init__(f"{function.__name__}: {message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a workflow's function wants.

    Attributes:
        run_parameter: name of the parameter that takes the run, or None.
        connections: connector class by connection.
        inputs: the other parameters.
        lines: the function's first line, by parameter.
    """

    run_parameter: str | None
    connections: Mapping[str, type]
    inputs: tuple[Input, ...]
    lines: Mapping[str, int]


def check_expressions(
    signature: Signature,
    function: Callable[..., Any],
    concurrency: Concurrency | None,
    cancel_on: Iterable[CancelRule],
) -> None:
    """Check that the expressions of a decorator read no inputs but the function's own.

    Raises:
        SignatureProblem: one does.
    """

    def read() -> Iterator[tuple[str, Expression]]:
        for expression in concurrency.key.expressions if concurrency and concurrency.key else ():
            yield "the key of concurrency", expression
        for rule in cancel_on:
            if rule.where is not None:
                yield "where of cancel_on", rule.where

    names = {declared.name for declared in signature.inputs}
    for what, expression in read():
        for path in expression.references:
            if path[0] == "inputs" and len(path) > 1 and path[1] not in names:
                raise SignatureProblem(function, f"{what} reads {path[1]!r}, which is no input")


def read_signature(function: Callable[..., Any]) -> Signature:
    """Return what the parameters of an ``async def`` function mean.

    Raises:
        SignatureProblem: it is not ``async def``, or a parameter cannot be used.
    """
    if not inspect.iscoroutinefunction(function):
        raise SignatureProblem(function, "a workflow is an 'async def' function that returns its output")
    run_parameter: str | None = None
    connections: dict[str, type] = {}
    inputs: list[Input] = []
    parameters = inspect.signature(function).parameters
    for position, parameter in enumerate(parameters.values()):
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise SignatureProblem(function, f"the parameter {parameter.name!r} cannot be given by name")
        annotation = _annotation(function, parameter)
        if run_parameter is None and (_is_run(annotation) or (position == 0 and annotation is parameter.empty)):
            run_parameter = parameter.name
        elif isinstance(annotation, type) and issubclass(annotation, Connector):
            connections[parameter.name] = annotation
        else:
            inputs.append(_input(function, parameter, annotation))
    line = function.__code__.co_firstlineno
    return Signature(
        run_parameter=run_parameter,
        connections=connections,
        inputs=tuple(inputs),
        lines=dict.fromkeys(parameters, line),
    )


def _annotation(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Return a parameter's annotation; text (``from __future__ import annotations``) is resolved."""
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    holder = type("Holder", (), {"__annotations__": {parameter.name: parameter.annotation}})
    try:
        return get_type_hints(holder, function.__globals__, include_extras=True)[parameter.name]
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        if parameter.annotation.rpartition(".")[2] == _RUN:
            return _RUN  # imported for type checkers only
        reason = f"the annotation {parameter.annotation!r} of {parameter.name!r} cannot be resolved: {error}"
        raise SignatureProblem(function, reason) from None


def _is_run(annotation: Any) -> bool:
    return annotation == _RUN or getattr(annotation, "__name__", "") == _RUN


def _input(function: Callable[..., Any], parameter: inspect.Parameter, annotation: Any) -> Input:
    if annotation is parameter.empty:
        raise SignatureProblem(function, f"the parameter {parameter.name!r} needs a type annotation")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        schema = adapter.json_schema()
    except PydanticUserError as error:
        reason = f"{parameter.name!r} cannot be an input: {str(error).partition(chr(10))[0]}"
        raise SignatureProblem(function, reason) from None
    required = parameter.default is parameter.empty
    return Input(
        name=parameter.name,
        type=_input_type(schema, schema),
        required=required,
        default=None if required else _default(function, parameter, adapter),
        enum=tuple(schema.get("enum", ())),
        adapter=adapter,
    )


def _default(function: Callable[..., Any], parameter: inspect.Parameter, adapter: TypeAdapter[Any]) -> Json:
    try:
        return adapter.dump_python(adapter.validate_python(parameter.default), mode="json")
    except ValidationError as error:
        reason = f"the default of {parameter.name!r} does not fit: {'; '.join(reasons_of(error, with_values=True))}"
        raise SignatureProblem(function, reason) from None


def _input_type(schema: Mapping[str, Any], root: Mapping[str, Any]) -> InputType:
    """Return the input type for a JSON Schema; of alternatives the first that is not null."""
    if "$ref" in schema:
        return _input_type(root.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2], {}), root)
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return _input_type(option, root)
    return _TYPES.get(str(schema.get("type")), "object")
