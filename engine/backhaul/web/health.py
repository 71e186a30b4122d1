"""Whether the process lives, and whether it is ready to work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio
from typing_extensions import TypedDict

from backhaul.errors import StoreError

if TYPE_CHECKING:
    from backhaul.app import App

__all__ = ["Health", "Lag", "Ready"]

_PROBE_EVERY_S = 3.0
_PROBE_S = 2.0
_LOOK_S = 1.0
_REMEMBERED = 60
# Connections' names begin with a letter, so nothing that is polled has this one.
_PROBE = ("-", "readyz")


class Lag:
    """How late the event loop is: something that blocks it delays everything else."""

    def __init__(self) -> None:
        self._seen: list[float] = [0.0]

    async def watch(self) -> None:
        """Measure it about once a second, until cancelled."""
        while True:
            began = anyio.current_time()
            await anyio.sleep(_LOOK_S)
            self._seen.append(max(anyio.current_time() - began - _LOOK_S, 0.0))
            del self._seen[:-_REMEMBERED]

    @property
    def last_s(self) -> float:
        """The last measurement, in seconds."""
        return self._seen[-1]

    @property
    def worst_s(self) -> float:
        """The worst of about the last minute, in seconds."""
        return max(self._seen)


class Ready(TypedDict):
    """Whether the process is ready; `reasons` is empty when it is."""

    ready: bool
    reasons: list[str]


class Health:
    """Tells whether the process can do its work now.

    Args:
        app: the application.
        stopping: set when the service ends.
        troubles: the loops of the service that stand still, by their names.
    """

    def __init__(self, app: App, stopping: anyio.Event, troubles: Mapping[str, str]) -> None:
        self._app = app
        self._stopping = stopping
        self._troubles = troubles
        self._probing = anyio.Lock()
        self._probed_at = float("-inf")
        self._fault = ""

    async def ready(self) -> Ready:
        """Return whether it is ready. A write to the store is tried, at most every 3 seconds."""
        reasons = []
        if self._stopping.is_set():
            reasons.append("the service is stopping")
        if not self._app.dispatcher.recovered.is_set():
            reasons.append("the service is starting: the runs that an earlier process left behind are not yet taken up")
        # Everybody may ask, so why is only in the log.
        reasons += [f"the loop {name} stands still: see the log" for name in sorted(self._troubles)]
        fault = await self._store_fault()
        if fault:
            reasons.append(fault)
        return {"ready": not reasons, "reasons": reasons}

    async def _store_fault(self) -> str:
        """Return why the store cannot be written, or an empty text."""
        async with self._probing:
            if self._app.clock.monotonic() - self._probed_at >= _PROBE_EVERY_S:
                self._fault = await self._probe()
                self._probed_at = self._app.clock.monotonic()
            return self._fault

    async def _probe(self) -> str:
        # A row that is replaced each time: it takes the same way to the disk as every other write.
        ticket = self._app.store.put_poll_page(*_PROBE, None, self._app.clock.now(), ())
        try:
            with anyio.fail_after(_PROBE_S):
                await ticket.wait()
        except TimeoutError:
            return f"the store has not written within {_PROBE_S:g} s"
        except StoreError as error:
            return f"the store cannot be written: {error}"
        return ""
