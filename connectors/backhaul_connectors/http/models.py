"""What the connector takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict

from backhaul.sdk import Effect, Json

__all__ = ["Expect", "HttpAnswer", "MethodName", "QueryValue", "Request"]

QueryValue: TypeAlias = str | int | float | bool | list[str | int | float | bool] | None


def _method(value: str) -> str:
    name = value.strip().upper()
    if name not in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}:
        raise ValueError("is not GET, HEAD, POST, PUT, PATCH or DELETE")
    return name


MethodName = Annotated[str, AfterValidator(_method)]


class Expect(StrEnum):
    """What the body of an answer has to be."""

    JSON = "json"
    """JSON, or empty."""
    TEXT = "text"
    """Any text."""
    ANY = "any"
    """JSON if it is, else text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as a step describes it, with the effect that its author states."""

    effect: Effect
    method: str
    path: str
    path_values: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, QueryValue] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    form: Mapping[str, str] | None = None
    expect: Expect = Expect.JSON


class HttpAnswer(BaseModel):
    """A successful answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    status: int
    """HTTP status."""
    body: Json = None
    """The body, or the part of it at `extract`; null for an empty one."""
    headers: dict[str, str] = {}
    """The headers named in the setting `answer_headers`, by lower-case name."""
