"""Errors as problem details (RFC 9457): which status each has and what its sender is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.responses import Response
from typing_extensions import TypedDict

from backhaul.errors import (
    ActionError,
    BackhaulError,
    ConfigurationError,
    DefinitionError,
    EvaluationError,
    InputError,
    ReplayMismatchError,
    RunStateError,
    StoreBusyError,
    StoreError,
    UnknownNameError,
)
from backhaul.json_values import Json, dump
from backhaul.problems import nearest
from backhaul.secrets import redact

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["MEDIA_TYPE", "PROBLEM_RESPONSE", "ProblemDetails", "answer_error", "problem", "problem_of"]

MEDIA_TYPE = "application/problem+json"

# The first that fits.
_STATUSES: tuple[tuple[type[BackhaulError], int], ...] = (
    (UnknownNameError, 404),
    (InputError, 422),
    (DefinitionError, 422),
    (ConfigurationError, 422),
    (EvaluationError, 422),
    (RunStateError, 409),
    (ReplayMismatchError, 409),
    (StoreError, 503),
    (ActionError, 502),
    (BackhaulError, 500),
)
_BUSY_S = 1
_NO_OBJECT = "a JSON object is needed, sent with Content-Type: application/json"
_STORE_S = 10


class FieldProblem(TypedDict):
    """What is wrong with one part of a request; `field` is its path: ``body.inputs.name``."""

    field: str
    message: str


class ProblemDetails(TypedDict):
    """Why a request was not carried out.

    `type` is ``about:blank`` when the status says it all, else a stable name of the kind of problem.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem]


PROBLEM_RESPONSE: Mapping[str, Json] = {
    "description": "Why the request was not carried out.",
    "content": {MEDIA_TYPE: {"schema": TypeAdapter(ProblemDetails).json_schema(mode="serialization")}},
}


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "",
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer that tells of a problem.

    Args:
        status: HTTP status, 400 to 599.
        detail: what happened and what to do, for a person; known secrets are removed.
        kind: class name of the error, when there is one.
        errors: what is wrong with single parts of the request.
        headers: added to the answer.
    """
    details: ProblemDetails = {
        "type": f"urn:backhaul:problem:{_kebab(kind)}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": redact(detail),
        "errors": [{"field": one["field"], "message": redact(one["message"])} for one in errors],
    }
    return Response(dump(details), status, headers, MEDIA_TYPE)


def problem_of(error: BackhaulError) -> Response:
    """Return the answer that tells of an error of ours."""
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    headers: dict[str, str] = {}
    if isinstance(error, StoreError):
        headers["Retry-After"] = str(_BUSY_S if isinstance(error, StoreBusyError) else _STORE_S)
    return problem(status, str(error), kind=type(error).__name__, errors=_parts(error), headers=headers)


async def answer_error(request: Request, error: Exception) -> Response:
    """Return the answer to a request that ended with an error; one that nobody expected tells nothing of itself."""
    match error:
        case BackhaulError():
            return problem_of(error)
        case RequestValidationError():
            return problem(
                422, "The request does not fit what is described in the API.", errors=_findings(request, error)
            )
        case HTTPException():
            return problem(error.status_code, error.detail, headers=error.headers)
        case _:
            return problem(500, "This is a mistake in Backhaul or in a plug-in; its log says more.")


def _parts(error: BackhaulError) -> list[FieldProblem]:
    match error:
        case InputError():
            return [{"field": error.what, "message": reason} for reason in error.reasons]
        case DefinitionError():
            return [{"field": str(one.place), "message": f"{one.code} {one.message}"} for one in error.problems]
        case _:
            return []


def _findings(request: Request, error: RequestValidationError) -> list[FieldProblem]:
    known = _fields(request)
    return [
        {"field": ".".join(str(part) for part in found["loc"]), "message": _message(found, known)}
        for found in error.errors()
    ]


def _message(found: Mapping[str, Json], known: Sequence[str]) -> str:
    if found["loc"] == ("body",):
        return _NO_OBJECT
    if found["type"] == "extra_forbidden":
        near = nearest(str(found["loc"][-1]), known)
        hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(known)}"
        return f"there is no such field ({hint})"
    return str(found["msg"]).removeprefix("Value error, ")


def _fields(request: Request) -> list[str]:
    """Return the names of the fields that the body of a request can have."""
    body = getattr(request.scope.get("route"), "body_field", None)
    model = body.field_info.annotation if body is not None else None
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name.removesuffix("Error")).lower()
