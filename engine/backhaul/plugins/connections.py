"""The project's connections: known by name at once, opened when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from types import MappingProxyType, TracebackType
from typing import Any, Self

import anyio
import httpx
from pydantic import ValidationError

from backhaul.clock import Clock, SystemClock
from backhaul.errors import ConfigurationError, SettingError, UnknownNameError
from backhaul.plugins.action import ActionSpec
from backhaul.plugins.budget import Budget, UsageStore
from backhaul.plugins.connection import Connection
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connector import Connector, ConnectorSettings
from backhaul.plugins.events import EventReader, PollSpec, no_events
from backhaul.plugins.opening import open_connector
from backhaul.plugins.registry import PluginRegistry
from backhaul.plugins.setting_problems import problems_of, trimmed_fields

__all__ = ["Connections"]


class Connections:
    """All connections of a project. Use it as an async context manager, or `close` it.

    Args:
        settings: the connections.
        registry: the connectors.
        clock: source of time.
        usage: where day counts survive a restart; None counts in memory.
        events: returns what reads the stored events of a connection, by its name; None: none are stored.
        transport: stands in for the network in tests; by default real sockets.
        faults: by connection, what is wrong with values that could not even be read, such as a missing variable.
    """

    def __init__(
        self,
        settings: Sequence[ConnectionSettings],
        registry: PluginRegistry,
        *,
        clock: Clock | None = None,
        usage: UsageStore | None = None,
        events: Callable[[str], EventReader] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        faults: Mapping[str, Sequence[SettingError]] | None = None,
    ) -> None:
        self._settings = {one.name: one for one in settings}
        self._registry = registry
        self._clock = clock or SystemClock()
        self._usage = usage
        self._events = events or (lambda _: no_events)
        self._transport = transport
        self._faults = faults or {}
        self._models: dict[str, ConnectorSettings] = {}
        self._open: dict[str, Connection] = {}
        self._budgets: dict[str, Budget] = {}
        self._opening: dict[str, anyio.Lock] = {}
        self._stack = AsyncExitStack()
        self._is_succeeded = False
        self._users = 0
        self._unused = anyio.Event()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the connections, in the order of the file."""
        return tuple(self._settings)

    def settings(self, connection: str) -> ConnectionSettings:
        """Return the table of a connection.

        Raises:
            UnknownNameError: there is no such connection.
        """
        if connection not in self._settings:
            raise UnknownNameError("connection", connection, self.names)
        return self._settings[connection]

    def connector_class(self, connection: str) -> type[Connector[Any]]:
        """Return the connector class of a connection, without opening it.

        Raises:
            UnknownNameError: there is no such connection, or its connector does not exist.
            ConfigurationError: the connector's plug-in is broken.
        """
        return self._registry.connector(self.settings(connection).connector).cls

    def spec(self, connection: str, action: str) -> ActionSpec:
        """Return an action of a connection, without opening it.

        Raises:
            UnknownNameError: there is no such connection, connector or action.
            ConfigurationError: the connector's plug-in is broken.
        """
        loaded = self._registry.connector(self.settings(connection).connector)
        if action not in loaded.actions:
            raise UnknownNameError(
                "action", f"{connection}.{action}", [f"{connection}.{one}" for one in loaded.actions]
            )
        return loaded.actions[action]

    def polls(self, connection: str) -> tuple[PollSpec, ...]:
        """Return the sources of events of a connection that are polled.

        Raises:
            UnknownNameError: there is no such connection, or its connector does not exist.
            ConfigurationError: the connector's plug-in is broken.
        """
        return self._registry.connector(self.settings(connection).connector).polls

    def actions(self) -> Mapping[str, Mapping[str, ActionSpec]]:
        """Return the actions of every connection whose connector can be used."""
        known = self._registry.connectors
        return MappingProxyType(
            {name: known[one.connector].actions for name, one in self._settings.items() if one.connector in known}
        )

    def event_types(self) -> Mapping[str, Mapping[str, str]]:
        """Return the types of events that each connection brings, without its name; of those where they are known."""
        found = {}
        for name in self.actions():
            try:
                types = self.connector_class(name).event_types(self._model(name))
            except (ValidationError, ConfigurationError):
                continue  # what is wrong with its settings is said by `problems`
            if types:
                found[name] = types
        return found

    def problems(self) -> list[SettingError]:
        """Return everything that is wrong with the connections' settings, in the order of the file."""
        found: list[SettingError] = []
        for name, one in self._settings.items():
            try:
                self._model(name)
            except ValidationError as error:
                fields = self.connector_class(name).Settings.model_fields
                found += [
                    SettingError(one.where(*keys), reason, advice)
                    for keys, reason, advice in problems_of(error, fields)
                ]
            except ConfigurationError as error:
                found.append(SettingError(one.where("connector"), str(error)))
            else:
                found += self._hook_problems(one)
        return found

    def _hook_problems(self, one: ConnectionSettings) -> list[SettingError]:
        if not one.hook_secrets or self._registry.connector(one.connector).webhook is not None:
            return []
        key = "hook_secrets" if "hook_secrets" in one.places else "hook_secret"
        reason = f"the connector {one.connector} takes no webhooks"
        return [SettingError(one.where(key), reason, "Remove it")]

    def warnings(self) -> list[str]:
        """Return what was mended in the settings by itself: blanks around pasted credentials."""
        found = []
        for name, one in self._settings.items():
            try:
                model = self._model(name)
            except (ValidationError, ConfigurationError):
                continue
            found += [
                f"{one.where(key)} had a blank at one of its ends, which was removed"
                for key in trimmed_fields(one.raw, model)
            ]
        return found

    async def open(self, connection: str) -> Connection:
        """Return the connection, opened at the first call; it may be called by many at the same time.

        Raises:
            UnknownNameError: there is no such connection or connector.
            ConfigurationError: the connector's plug-in is broken, or the settings do not fit (`SettingError`).
        """
        if connection in self._open:
            return self._open[connection]
        settings = self.settings(connection)
        async with self._opening.setdefault(connection, anyio.Lock()):
            if connection not in self._open:
                self._open[connection] = await self._opened(settings)
            return self._open[connection]

    def budget(self, connection: str) -> Budget | None:
        """Return the budget of a connection that has been opened, else None."""
        return self._budgets.get(connection)

    def succeed(self, former: Connections) -> None:
        """Take the place of connections by other settings: whoever uses those shares the budgets by these limits."""
        former._is_succeeded = True
        self._budgets = former._budgets
        for name, budget in self._budgets.items():
            if name in self._settings:
                budget.restate(self._settings[name].limits)

    @contextmanager
    def in_use(self) -> Iterator[Self]:
        """Have `unused` wait until the block has ended."""
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def unused(self) -> None:
        """Return when no block of `in_use` is under way."""
        while self._users:
            self._unused = anyio.Event()
            await self._unused.wait()

    async def close(self) -> None:
        """Close all open connections. They can be opened again."""
        self._open.clear()
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _opened(self, settings: ConnectionSettings) -> Connection:
        loaded = self._registry.connector(settings.connector)
        faults = self._faults.get(settings.name)
        if faults:
            raise faults[0] if len(faults) == 1 else ConfigurationError("\n".join(map(str, faults)))
        try:
            model = self._model(settings.name)
        except ValidationError:
            problems = [one for one in self.problems() if f": connections.{settings.name}." in str(one)]
            raise problems[0] if len(problems) == 1 else ConfigurationError("\n".join(map(str, problems))) from None
        budget = self._budgets.get(settings.name)
        if budget is None:
            budget = Budget(settings.name, settings.limits, clock=self._clock, usage=self._usage)
        elif not self._is_succeeded:
            budget.restate(settings.limits)
        connector = await self._stack.enter_async_context(
            open_connector(
                loaded.cls,
                model,
                name=settings.name,
                clock=self._clock,
                budget=budget,
                transport=self._transport,
                events=self._events(settings.name),
            )
        )
        self._budgets[settings.name] = budget
        return Connection(settings.name, connector, loaded.actions)

    def _model(self, connection: str) -> ConnectorSettings:
        if connection not in self._models:
            one = self._settings[connection]
            model = self._registry.connector(one.connector).cls.Settings
            self._models[connection] = model.model_validate(dict(one.raw))
        return self._models[connection]
