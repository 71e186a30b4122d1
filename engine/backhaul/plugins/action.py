"""Actions: the typed operations of a connector, read off their signatures."""

from __future__ import annotations

import collections.abc
import inspect
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from backhaul.errors import InputError
from backhaul.json_values import Json

__all__ = [
    "ActionParameter",
    "ActionSpec",
    "AttemptInfo",
    "Effect",
    "Page",
    "Verdict",
    "action",
    "actions_of",
    "reasons_of",
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
class AttemptInfo:
    """What a `verify` method is told of the attempt whose outcome is not known.

    Attributes:
        started_at: when the intent was written, aware UTC; the call was made at or after this moment.
        number: number of the attempt, from 1.
    """

    started_at: datetime
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a `verify` method found out. Made by `done`, `not_done` or `unknown`."""

    state: str
    result: Json = None
    reason: str = ""

    @classmethod
    def done(cls, result: Json = None) -> Verdict:
        """The effect happened; `result` is what the action would have returned."""
        return cls(state="done", result=result)

    @classmethod
    def not_done(cls) -> Verdict:
        """The effect certainly did not happen, so the call may be made again."""
        return cls(state="not_done")

    @classmethod
    def unknown(cls, reason: str) -> Verdict:
        """It cannot be told; a person has to decide. `reason` says why."""
        return cls(state="unknown", reason=reason)


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
    timeout_s: float | None


@dataclass(frozen=True, kw_only=True)
class ActionSpec:
    """Everything the engine knows of one action.

    Attributes:
        name: the method's name.
        effect: what repeating it does.
        is_stream: it is an async iterator of `Page`s; its result is a dataset.
        verify: name of the connector's method that reads what became of an unknown outcome, or None.
        timeout_s: seconds after which an attempt is given up when the step says nothing else, or None.
        summary: first line of the docstring.
        doc: the whole docstring.
    """

    name: str
    effect: Effect
    is_stream: bool
    verify: str | None
    timeout_s: float | None
    summary: str
    doc: str
    params_model: type[BaseModel] = field(repr=False)
    result_adapter: TypeAdapter[Any] = field(repr=False)

    @cached_property
    def parameters(self) -> tuple[ActionParameter, ...]:
        """The parameters in the order of the signature, without a stream's cursor."""
        described = _described_arguments(self.doc)
        schema = self.params_model.model_json_schema()
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
            raise InputError(f"parameters of {self.name}", reasons_of(error)) from None


def action(
    *, effect: Effect, verify: str | None = None, timeout_s: float | None = None
) -> Callable[[FunctionT], FunctionT]:
    """Make a connector's method an action.

    The method is ``async def`` and takes keyword-only typed parameters; its return annotation is the type of the
    result. A listing is an async generator of `Page`s, annotated ``AsyncIterator[Page[T]]``; it may take
    ``cursor: str | None = None`` and then continues there.

    Args:
        effect: what repeating the action does. There is no default.
        verify: for `Effect.ONCE`: name of a method with the same parameters and ``attempt: AttemptInfo``, which
            reads from the other system what became of a call and returns a `Verdict`.
        timeout_s: seconds after which one attempt is given up, unless the step has its own timeout.
    """
    mark = _Mark(effect=Effect(effect), verify=verify, timeout_s=timeout_s)

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
                specs[name] = _spec(connector, name, function, mark)
    return specs


def reasons_of(error: ValidationError) -> list[str]:
    """Return one sentence per problem of a pydantic error, without the values given."""
    reasons = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])
        reasons.append(f"{place}: {problem['msg']}" if place else problem["msg"])
    return reasons


def _spec(connector: type, name: str, function: Callable[..., Any], mark: _Mark) -> ActionSpec:
    where = f"{connector.__name__}.{name}"
    is_stream = inspect.isasyncgenfunction(function)
    if not is_stream and not inspect.iscoroutinefunction(function):
        raise TypeError(f"{where} must be 'async def' (an async generator of pages for a listing)")
    if mark.verify is not None and not callable(getattr(connector, mark.verify, None)):
        raise TypeError(f"{where}: there is no method {mark.verify!r} to verify it with")
    hints = get_type_hints(function, include_extras=True)
    if "return" not in hints:
        raise TypeError(f"{where} needs a return annotation")
    doc = inspect.cleandoc(function.__doc__ or "")
    return ActionSpec(
        name=name,
        effect=mark.effect,
        is_stream=is_stream,
        verify=mark.verify,
        timeout_s=mark.timeout_s,
        summary=doc.partition("\n")[0],
        doc=doc,
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


def _described_arguments(doc: str) -> dict[str, str]:
    """Return the descriptions in the ``Args:`` section of a Google-style docstring."""
    found = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", doc, re.MULTILINE)
    described: dict[str, str] = {}
    name = ""
    for line in (found.group(1) if found else "").splitlines():
        entry = re.match(r"^ {4}(\w+)(?: \([^)]*\))?: *(.*)$", line)
        if entry:
            name = entry.group(1)
            described[name] = entry.group(2)
        elif name and line.strip():
            described[name] += " " + line.strip()
    return described
