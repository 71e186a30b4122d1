"""How the control interface reads bodies and reports what is wrong with them."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

__all__ = ["ControlError", "describe", "on_control_error", "read_body"]

ModelT = TypeVar("ModelT", bound=BaseModel)


class ControlError(Exception):
    """A control call that makes no sense; answered with ``{"error": text}``."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: Request, model: type[ModelT]) -> ModelT:
    """Return the JSON body as a model; an empty body is ``{}``. Raises ControlError with all problems."""
    try:
        return model.model_validate(json.loads(await request.body() or b"{}"))
    except ValidationError as error:
        raise ControlError(describe(error)) from error
    except (ValueError, RecursionError) as error:
        raise ControlError("the body is not JSON") from error


def describe(error: ValidationError) -> str:
    """Return the problems of a model in one line: ``place: problem; ...``."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())


def on_control_error(_: Request, error: Exception) -> JSONResponse:
    """Answer a ControlError."""
    status = error.status if isinstance(error, ControlError) else 500
    return JSONResponse({"error": str(error)}, status)
