"""Keeps the loops of a service going, and ends them in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import structlog

from backhaul.errors import StoreError

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.service.dispatcher import Dispatcher

__all__ = ["Face", "Loop", "Service"]

Loop: TypeAlias = Callable[[], Awaitable[None]]
"""Goes on until it is cancelled."""
Face: TypeAlias = Callable[[anyio.Event], Coroutine[Any, Any, None]]
"""Serves others until the event is set, and then lets those end whom it serves."""

_log = structlog.get_logger(__name__)

_AGAIN_S = 5.0


class Service:
    """Everything of `backhaul serve` that goes on by itself.

    A loop that fails is begun again: the schedules do not end because the disk was full for a minute.

    Args:
        clock: source of time.
        dispatcher: carries the runs out.
        loops: the others, by name.
        grace_s: seconds that steps under way have to end.
    """

    def __init__(self, clock: Clock, dispatcher: Dispatcher, loops: Mapping[str, Loop], *, grace_s: float) -> None:
        self._clock = clock
        self._dispatcher = dispatcher
        self._loops = loops
        self._grace_s = grace_s
        self.stopping = anyio.Event()
        """Set when the service ends: nothing new begins."""
        self.troubles: dict[str, str] = {}
        """Why loops stand still, by their name; empty when all go on."""

    async def run(self, face: Face | None = None) -> None:
        """Run until `stop`; then end in order.

        Args:
            face: serves the network; it begins first and ends first.
        """
        async with anyio.create_task_group() as group:
            if face is not None:
                group.start_soon(face, self.stopping)
            async with anyio.create_task_group() as loops:
                for name, loop in self._loops.items():
                    loops.start_soon(self._keep_going, name, loop)
                async with anyio.create_task_group() as runs:
                    runs.start_soon(self._keep_going, "runs", self._dispatcher.run)
                    await self.stopping.wait()
                    _log.info("stopping", grace_s=self._grace_s)
                    self._dispatcher.close(self._grace_s)
                loops.cancel_scope.cancel()

    def stop(self) -> None:
        """Let everything come to its end."""
        self.stopping.set()

    async def _keep_going(self, name: str, loop: Loop) -> None:
        while True:
            try:
                await loop()
            except StoreError as error:
                self.troubles[name] = str(error)
                _log.error("a loop stands still: the store failed", loop=name, error=str(error))
            except Exception as error:  # noqa: BLE001 (the service's boundary: one loop's trouble is not the others')
                self.troubles[name] = f"{type(error).__name__}: {error}"
                _log.error("a loop failed", loop=name, exc_info=error)
            else:
                return
            if self.stopping.is_set():
                return
            await self._pause()
            del self.troubles[name]

    async def _pause(self) -> None:
        """Return after a while, or when the service ends."""

        async def wake(scope: anyio.CancelScope) -> None:
            await self.stopping.wait()
            scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(wake, group.cancel_scope)
            await self._clock.sleep(_AGAIN_S)
            group.cancel_scope.cancel()
