"""The API as one application with its OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from backhaul import __version__
from backhaul.errors import BackhaulError
from backhaul.web.api import connections, events, interventions, runs, schedules, tokens, workflows
from backhaul.web.problems import answer_error

if TYPE_CHECKING:
    from backhaul.app import App
    from backhaul.web.tokens import Tokens

__all__ = ["BODY_LIMIT", "PREFIX", "build_api"]

PREFIX = "/api/v1"
BODY_LIMIT = 1024 * 1024
"""Longest body of a request, in bytes."""

_MODULES = (workflows, runs, interventions, events, schedules, connections, tokens)


def build_api(app: App, known: Tokens) -> FastAPI:
    """Return the API, to be mounted at `PREFIX` behind `TokenRequired`. Its document is at ``/openapi.json``."""
    api = FastAPI(
        title="Backhaul",
        version=__version__,
        description="Workflows, runs, events, schedules, connections and tokens of one project.",
        servers=[{"url": PREFIX}],
        # FastAPI's own pages about the API load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            BackhaulError: answer_error,
            RequestValidationError: answer_error,
            HTTPException: answer_error,
            Exception: answer_error,
        },
    )
    api.state.backhaul = app
    api.state.tokens = known
    for module in _MODULES:
        for router in module.routers:
            api.include_router(router)
    return api
