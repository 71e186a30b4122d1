"""Asks the connections whose systems send no events what has changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import anyio
import structlog

from backhaul.errors import BackhaulError, ConfigurationError
from backhaul.plugins.action import Effect
from backhaul.plugins.calls import CallContext
from backhaul.secrets import redact

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.plugins.connections import Connections
    from backhaul.plugins.events import PollSpec
    from backhaul.service.intake import Intake
    from backhaul.store.store import Store

__all__ = ["Poller"]

_log = structlog.get_logger(__name__)

_LOOK_S = 60.0
_LONGEST_PAUSE_S = 900.0


class Poller:
    """Polls the sources of events of all connections for which a workflow has a trigger.

    Args:
        store: keeps where each source goes on.
        clock: source of time.
        connections: gives the present connections.
        intake: takes the events.
        wanted: tells whether anything waits for events whose type begins with a text, such as ``provider.``.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        connections: Callable[[], Connections],
        intake: Intake,
        wanted: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._connections = connections
        self._intake = intake
        self._wanted = wanted

    async def run(self) -> None:
        """Poll until cancelled."""
        followed: set[tuple[str, PollSpec]] = set()

        async def follow(connection: str, spec: PollSpec) -> None:
            await self._follow(connection, spec)
            followed.discard((connection, spec))

        async with anyio.create_task_group() as group:
            while True:
                for connection in self._connections().names:
                    for spec in self._sources(connection):
                        if (connection, spec) not in followed:
                            followed.add((connection, spec))
                            group.start_soon(follow, connection, spec)
                await self._clock.sleep(_LOOK_S)

    def _sources(self, connection: str) -> tuple[PollSpec, ...]:
        try:
            return self._connections().polls(connection)
        except ConfigurationError:
            return ()

    async def _follow(self, connection: str, spec: PollSpec) -> None:
        """Look at one source again and again, after a failure later and later, until the project has it no more."""
        failures = 0
        while spec in self._sources(connection):
            try:
                pause_s = await self._look_if_due(connection, spec)
                failures = 0
            except Exception as error:  # noqa: BLE001 (a loop's boundary: a connector's mistake ends one look, not all)
                failures += 1
                pause_s = min(spec.every_s * 2 ** min(failures - 1, 10), max(spec.every_s, _LONGEST_PAUSE_S))
                unexpected = None if isinstance(error, BackhaulError) else error
                _log.warning(
                    "poll failed",
                    connection=connection,
                    poll=spec.name,
                    error=redact(str(error)),
                    again_in_s=pause_s,
                    exc_info=unexpected,
                )
            await self._clock.sleep(pause_s)

    async def _look_if_due(self, connection: str, spec: PollSpec) -> float:
        """Look, unless it is too early or nobody waits for it, and return for how many seconds to leave it alone."""
        if not await self._wanted(f"{connection}."):
            return _LOOK_S
        if (left_s := self._left_s(await self._store.poll_cursor(connection, spec.name), spec)) > 0:
            return left_s
        name = f"poll/{connection}/{spec.name}"
        if not await self._store.claim(name):
            # Another process of the same store looks.
            return spec.every_s
        try:
            # Again: another process may have looked just before this one could claim.
            place = await self._store.poll_cursor(connection, spec.name)
            if (left_s := self._left_s(place, spec)) > 0:
                return left_s
            await self.look(connection, spec, place[0])
        finally:
            await self._store.release(name)
        return spec.every_s

    def _left_s(self, place: tuple[str | None, datetime | None], spec: PollSpec) -> float:
        """Return in how many seconds the next look is due."""
        if place[1] is None:
            return 0.0
        elapsed_s = (self._clock.now() - place[1]) / timedelta(seconds=1)
        # Further in the future than two clocks differ: the clock was set back.
        return spec.every_s - elapsed_s if elapsed_s > -spec.every_s else 0.0

    async def look(self, connection: str, spec: PollSpec, cursor: str | None) -> None:
        """Look once, and store each page of events together with the place where the next look goes on."""
        opened = await self._connections().open(connection)
        context = CallContext(effect=Effect.READ, connection=connection, action=spec.name)
        looked = False
        async for page in opened.poll(spec.name, cursor, context):
            looked = True
            cursor = page.next if page.next is not None else cursor
            await self._intake.take_poll_page(connection, spec.name, cursor, page.events, self._clock.now())
        if not looked:
            await self._intake.take_poll_page(connection, spec.name, cursor, (), self._clock.now())
