"""Some items at a time: workers that take items in order, until there are none or one of them ends the step."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

import anyio

from backhaul.errors import BackhaulError, StoreError
from backhaul.runs.control import Control, StepFailed, raise_first
from backhaul.runs.failures import text_of
from backhaul.runs.turnstile import Turnstile

__all__ = ["work_through"]

ItemT = TypeVar("ItemT")


async def work_through(
    items: AsyncGenerator[ItemT, None],
    handle: Callable[[ItemT], Awaitable[None]],
    *,
    room: Callable[[ItemT], Awaitable[None]],
    key: str,
    concurrency: int,
    control: Control,
) -> None:
    """Handle every item, at most `concurrency` at a time; the generator is closed at the end.

    Args:
        room: returns when there is room for an item; it may be interrupted.
        key: the step's key, for errors that name none.
        control: of these items alone; the first one that fails stops it, and the others come to their end.

    Raises:
        StepFailed: an item failed; its siblings are those that failed beside it.
        Abandoned: the step stops.
    """
    ended: list[Exception] = []
    turn, turnstile = anyio.Lock(), Turnstile()

    def end(error: Exception) -> None:
        ended.append(error)
        control.stop()

    async def worker() -> None:
        try:
            while not control.stopped:
                async with turn:
                    item = await anext(items, None)
                if item is None:
                    return
                with control.interruptible():
                    await room(item)
                    await turnstile.enter()
                await handle(item)
        except (StepFailed, StoreError) as error:
            end(error)
        except BackhaulError as error:
            end(StepFailed(key, type(error).__name__, text_of(error)))
        except Exception as error:  # noqa: BLE001 (whatever it is, the items beside it come to their end first)
            end(error)

    try:
        if concurrency == 1:
            await worker()
        else:
            async with anyio.create_task_group() as group:
                for _ in range(concurrency):
                    group.start_soon(worker)
    finally:
        with anyio.CancelScope(shield=True):
            await items.aclose()
    raise_first(ended)
    control.check()
