"""Spreads work over the turns of the event loop, so that whatever else is ready gets its share of each."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["Turnstile"]


class Turnstile:
    """Lets one task through in each turn of the event loop, in the order in which they came.

    Without it, answers to many items that come in at the same moment are all worked on in one turn, and a telephone
    call that needs a handful of turns waits for all of them each time.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_open = True

    async def enter(self) -> None:
        """Return in a turn in which nobody else is let through; at once when that is this one."""
        loop = asyncio.get_running_loop()
        if self._is_open:
            self._is_open = False
            loop.call_soon(self._next)
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # not cancelled
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._is_open = True
