"""Actions: the typed operations of a connector, read off their signatures."""

from __future__ import annotations

import collections.abc
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from backhaul.errors import InputError
from backhaul.json_values import Json
from backhaul.plugins.docstrings import entries_of, source_of
from backhaul.plugins.personal import is_marked
from backhaul.plugins.reasons import reasons_of
from backhaul.plugins.verdict import AttemptInfo, Verdict

__all__ = [
    "ActionParameter",
    "ActionSpec",
    "AttemptInfo",
    "Effect",
    "Page",
    "Verdict",
    "action",
    "actions_of",
]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
ItemT = TypeVar("ItemT", covariant=True)

_MARK = "__backhaul_action__"
CURSOR = "cursor"


class Effect(StrEnum):
    """What repeating an action does.

    `READ` changes nothing. `WRITE` may be repeated with the same result. `DELETE` removes and may be repeated.
    `ONCE` has an effect every time (rings a phone, reboots a device, inserts a row).
    """

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    ONCE = "once"

    @property
    def repeatable(self) -> bool:
        """Whether a call whose outcome is not known may simply be made again."""
        return self is not Effect.ONCE


@dataclass(frozen=True, kw_only=True)  # without slots: with them Page[T](...) raises a TypeError on Python 3.11
class Page(Generic[ItemT]):
    """One page of a listing.

    Attributes:
        items: the records, in the listing's order.
        next: cursor with which the listing continues after this page; None on the last page. It must stay
            valid across restarts of the process.
        total: number of records in the whole listing, if the other system tells.
    """

    items: Sequence[ItemT]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionParameter:
    """One parameter of an action; `schema` is its JSON Schema."""

    name: str
    required: bool
    default: Json
    description: str
    schema: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    effect: Effect
    verify: str | None
    describe: str | None
    timeout_s: float | None


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    """Everything the engine knows of one action.

    Attributes:
        name: the method's name.
        effect: what repeating it does.
        is_stream: it is an async iterator of `Page`s; its result is a dataset.
        verify: name of the connector's method that reads what became of an unknown outcome, or None.
        describe: name of the connector's method that says what a call would change, or None.
        timeout_s: seconds after which an attempt is given up when the step says nothing else, or None.
        summary: first line of the docstring.
        doc: the whole docstring.
        source: where its facts come from, by its own docstring, its class's or its connector's; empty when none says.
    """

    name: str
    effect: Effect
    is_stream: bool
    verify: str | None
    describe: str | None
    timeout_s: float | None
    summary: str
    doc: str
    source: str
    params_model: type[BaseModel] = field(repr=False)
    result_adapter: TypeAdapter[Any] = field(repr=False)

    @cached_property
    def params_schema(self) -> Mapping[str, Json]:
        """JSON Schema of the parameters as one object; ``x-personal`` marks personal data."""
        return self.params_model.model_json_schema()

    @cached_property
    def result_schema(self) -> Mapping[str, Json]:
        """JSON Schema of the result (for a listing: of the list of its items); ``x-personal`` marks personal data."""
        return self.result_adapter.json_schema(mode="serialization")

    @cached_property
    def takes_personal(self) -> bool:
        """Whether a parameter, or a part of one, is marked as personal data."""
        schema = self.params_schema
        models = (schema, *schema.get("$defs", {}).values())
        return any(is_marked(one) for model in models for one in model.get("properties", {}).values())

    @property
    def raises(self) -> Mapping[str, str]:
        """When which error is raised, by the error's name, as the docstring says."""
        return entries_of(self.doc, "Raises")

    @cached_property
    def parameters(self) -> tuple[ActionParameter, ...]:
        """The parameters in the order of the signature, without a stream's cursor."""
        described = entries_of(self.doc, "Args")
        schema = self.params_schema
        properties = schema.get("properties", {})
        definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
        return tuple(
            ActionParameter(
                name=name,
                required=info.is_required(),
                default=None if info.is_required() else info.get_default(call_default_factory=True),
                description=described.get(name, ""),
                schema={**properties[name], **definitions},
            )
            for name, info in self.params_model.model_fields.items()
        )

    def arguments(self, params: Mapping[str, Json]) -> dict[str, Any]:
        """Return validated keyword arguments for the method.

        Raises:
            InputError: parameters are missing, unknown or of the wrong type; all reasons in one error.
        """
        return dict(self._checked(params).__dict__)

    def dump_params(self, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """Return the JSON form of the typed arguments given, without the defaults of those that are not.

        Raises:
            InputError: as `arguments` does.
        """
        return self._checked(arguments).model_dump(mode="json", exclude_unset=True)

    def dump_result(self, result: object) -> Json:
        """Return the JSON form of a result (for a stream: of the list of a page's items)."""
        return self.result_adapter.dump_python(result, mode="json", by_alias=False, warnings=False)

    def load_result(self, value: Json) -> Any:
        """Return the typed result for the JSON form that `dump_result` made."""
        return self.result_adapter.validate_python(value)

    def _checked(self, params: Mapping[str, Any]) -> BaseModel:
        try:
            return self.params_model.model_validate(params)
        except ValidationError as error:
            raise InputError(
                f"parameters of {self.name}", reasons_of(error, known=self.params_model.model_fields)
            ) from None


def action(
    *, effect: Effect, verify: str | None = None, describe: str | None = None, timeout_s: float | None = None
) -> Callable[[FunctionT], FunctionT]:
    """Make a connector's method an action.

    The method is ``async def`` and takes keyword-only typed parameters; its return annotation is the type of the
    result. A listing is an async generator of `Page`s, annotated ``AsyncIterator[Page[T]]``; it may take
    ``cursor: str | None = None`` and then continues there.

    Args:
        effect: what repeating the action does. There is no default.
        verify: for `Effect.ONCE`: name of a method with the same parameters and ``attempt: AttemptInfo``, which
            reads from the other system what became of a call and returns a `Verdict`.
        describe: for effects: name of a method with the same parameters, which may read, and returns a `Change`: what
            a call would change. Plans show it.
        timeout_s: seconds after which one attempt is given up, unless the step has its own timeout.
    """
    mark = _Mark(effect=Effect(effect), verify=verify, describe=describe, timeout_s=timeout_s)

    def decorate(function: FunctionT) -> FunctionT:
        setattr(function, _MARK, mark)
        return function

    return decorate


def actions_of(connector: type) -> dict[str, ActionSpec]:
    """Return the actions of a connector class by name, in the order of their definition.

    Raises:
        TypeError: an action's signature cannot be used; the text says which and why.
    """
    specs: dict[str, ActionSpec] = {}
    for owner in reversed(connector.__mro__):
        for name, function in vars(owner).items():
            mark = getattr(function, _MARK, None)
            if isinstance(mark, _Mark):
                docs = (function.__doc__, owner.__doc__, inspect.getdoc(inspect.getmodule(owner)), connector.__doc__)
                specs[name] = _spec(connector, name, function, mark, source_of(docs))
    return specs


def _spec(connector: type, name: str, function: Callable[..., Any], mark: _Mark, source: str) -> ActionSpec:
    where = f"{connector.__name__}.{name}"
    is_stream = inspect.isasyncgenfunction(function)
    if not is_stream and not inspect.iscoroutinefunction(function):
        raise TypeError(f"{where} must be 'async def' (an async generator of pages for a listing)")
    if mark.verify is not None and not callable(getattr(connector, mark.verify, None)):
        raise TypeError(f"{where}: there is no method {mark.verify!r} to verify it with")
    if mark.describe is not None and not callable(getattr(connector, mark.describe, None)):
        raise TypeError(f"{where}: there is no method {mark.describe!r} to describe it with")
    hints = get_type_hints(function, include_extras=True)
    if "return" not in hints:
        raise TypeError(f"{where} needs a return annotation")
    doc = inspect.cleandoc(function.__doc__ or "")
    return ActionSpec(
        name=name,
        effect=mark.effect,
        is_stream=is_stream,
        verify=mark.verify,
        describe=mark.describe,
        timeout_s=mark.timeout_s,
        summary=doc.partition("\n")[0],
        doc=doc,
        source=source,
        params_model=_params_model(where, function, hints),
        result_adapter=TypeAdapter(_result_type(where, hints["return"], is_stream=is_stream)),
    )


def _params_model(where: str, function: Callable[..., Any], hints: Mapping[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise TypeError(f"{where}: parameter {parameter.name!r} must be keyword-only (after '*')")
        if parameter.name == CURSOR:
            continue
        if parameter.name not in hints:
            raise TypeError(f"{where}: parameter {parameter.name!r} needs a type annotation")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True, protected_namespaces=())
    return cast("type[BaseModel]", create_model(where.replace(".", "_"), __config__=config, **fields))


def _result_type(where: str, annotation: Any, *, is_stream: bool) -> Any:
    if not is_stream:
        return annotation
    arguments = get_args(annotation)
    iterators = (AsyncIterator, collections.abc.AsyncIterator, collections.abc.AsyncGenerator)
    if get_origin(annotation) in iterators and arguments and get_origin(arguments[0]) is Page:
        return list[get_args(arguments[0])[0]]  # type: ignore[misc]  # the item type is only known here
    raise TypeError(f"{where} must be annotated AsyncIterator[Page[...]]")
