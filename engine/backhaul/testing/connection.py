"""A connector ready for use in its author's tests."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from backhaul.clock import Clock
from backhaul.plugins.action import Page, actions_of
from backhaul.plugins.budget import Budget
from backhaul.plugins.calls import CallContext, current_call, paged
from backhaul.plugins.connector import Connector, ConnectorSettings
from backhaul.plugins.limits import Limits
from backhaul.plugins.opening import open_connector
from backhaul.testing.clock import FakeClock

__all__ = ["connection_for"]

ConnectorT = TypeVar("ConnectorT", bound=Connector[Any])


@asynccontextmanager
async def connection_for(
    connector: type[ConnectorT],
    settings: Mapping[str, Any] | ConnectorSettings,
    *,
    clock: Clock | None = None,
    limits: Limits | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    name: str = "test",
) -> AsyncIterator[ConnectorT]:
    """Give a connector with a real HTTP client; its actions run as the engine runs them, each with its effect.

    Example::

        async with connection_for(Weather, {"base_url": sandbox.url, "token": "t"}) as weather:
            assert await weather.temperature(town="Lyon") > -50

    Args:
        connector: the class.
        settings: its settings, checked as those in ``backhaul.toml``, or the model itself.
        clock: source of time. By default it starts now and moves by itself when something sleeps, so that retries
            take no time.
        limits: the connection's budget; the default one when not given.
        transport: stands in for the network, such as `httpx.MockTransport`; by default real sockets.
        name: name of the connection.

    Raises:
        pydantic.ValidationError: the settings do not fit.
    """
    model = settings if isinstance(settings, ConnectorSettings) else connector.Settings.model_validate(settings)
    time = clock or FakeClock(datetime.now(UTC), auto=True)
    budget = Budget(name, limits or Limits(), clock=time)
    async with open_connector(connector, model, name=name, clock=time, budget=budget, transport=transport) as opened:
        for action, spec in actions_of(connector).items():
            context = CallContext(effect=spec.effect, connection=name, action=action)
            wrap = _paged_in_context if spec.is_stream else _in_context
            setattr(opened, action, wrap(getattr(opened, action), context))
        yield opened


def _in_context(method: Callable[..., Any], context: CallContext) -> Callable[..., Any]:
    @functools.wraps(method)
    async def run(*args: Any, **kwargs: Any) -> Any:
        token = current_call.set(current_call.get() or context)
        try:
            return await method(*args, **kwargs)
        finally:
            current_call.reset(token)

    return run


def _paged_in_context(method: Callable[..., Any], context: CallContext) -> Callable[..., Any]:
    @functools.wraps(method)
    def run(*args: Any, **kwargs: Any) -> AsyncIterator[Page[Any]]:
        return paged(method(*args, **kwargs), current_call.get() or context)

    return run
