"""Everything that the server answers, as one ASGI application."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import structlog
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from backhaul.errors import BackhaulError
from backhaul.web.access import TokenRequired
from backhaul.web.api.document import BODY_LIMIT, PREFIX, build_api
from backhaul.web.body_limit import BodyLimit
from backhaul.web.health import Health, Lag
from backhaul.web.hooks import HookReceiver
from backhaul.web.metrics import Counts, Metrics
from backhaul.web.problems import answer_error, problem
from backhaul.web.tokens import Tokens

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from backhaul.app import App

__all__ = ["Site"]

_log = structlog.get_logger(__name__)

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

_HOOKS = "/hooks/"
_FRESH = {"Cache-Control": "no-store"}


class Site:
    """The API, the receiver of webhooks, health and metrics.

    Args:
        app: the application.
        health: tells whether it is ready.
        lag: how late the event loop is.
        counts: what is counted all the time.
    """

    def __init__(self, app: App, health: Health, lag: Lag, counts: Counts) -> None:
        settings = app.project.settings.server
        self._app = app
        self._durations = counts.hooks
        self._connections = app.connections
        self.hooks = HookReceiver(
            app.connections,
            app.intake,
            app.clock,
            body_limit=settings.hook_body_limit,
            per_minute=settings.hook_rate_per_minute,
        )
        tokens = Tokens(app.store, app.clock)
        guard = [] if settings.public_metrics else [Middleware(TokenRequired, tokens=tokens)]
        metrics = Metrics(app, counts, self.hooks.counts, lag)
        self.api = build_api(app, tokens)
        self._pages = Starlette(
            routes=[
                Route("/healthz", _healthz(lag)),
                Route("/readyz", _readyz(health)),
                Route("/metrics", _metrics(metrics), middleware=guard),
                Mount(PREFIX, TokenRequired(BodyLimit(self.api, BODY_LIMIT), tokens)),
            ],
            exception_handlers={HTTPException: answer_error, BackhaulError: answer_error, Exception: answer_error},
        )
        self._pages.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["path"].startswith(_HOOKS):
            await self._hook(scope, receive, send)
        elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
            await problem(400, "The URL holds the character 0.")(scope, receive, send)
        else:
            await self._page(scope, receive, send)

    async def _hook(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a webhook, which may come in great numbers: nothing stands before its receiver."""
        began = time.perf_counter()
        if self._app.connections is not self._connections:
            self._connections = self._app.connections
            self.hooks.use(self._connections)
        await self.hooks(scope, receive, send)
        self._durations.add(time.perf_counter() - began)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._pages(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - the web's boundary: one request's trouble is not the others'
            # It has been answered by `answer_error`.
            _log.error("request failed", method=scope["method"], path=scope["path"], exc_info=error)
        took_ms = round((time.perf_counter() - began) * 1000, 1)
        _log.debug("request", method=scope["method"], path=scope["path"], status=status, took_ms=took_ms)


def _healthz(lag: Lag) -> Endpoint:
    async def healthz(request: Request) -> Response:
        """Tell that the process lives."""
        document = {
            "alive": True,
            "event_loop_lag_s": round(lag.last_s, 4),
            "event_loop_worst_lag_s": round(lag.worst_s, 4),
        }
        return JSONResponse(document, headers=_FRESH)

    return healthz


def _readyz(health: Health) -> Endpoint:
    async def readyz(request: Request) -> Response:
        """Tell whether the process is ready, and why it is not."""
        found = await health.ready()
        return JSONResponse(found, 200 if found["ready"] else 503, headers=_FRESH)

    return readyz


def _metrics(metrics: Metrics) -> Endpoint:
    async def show(request: Request) -> Response:
        """Tell what is counted."""
        return Response(await metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4, headers=_FRESH)

    return show
