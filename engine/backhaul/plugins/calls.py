"""What is being carried out right now: the context that the engine sets around each execution of an action."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from backhaul.plugins.action import Effect
from backhaul.secrets import PrivateTexts, private_texts

__all__ = ["CallContext", "calling", "current_call", "paged"]

PageT = TypeVar("PageT")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """One execution of an action, as the HTTP client and the budget see it.

    Attributes:
        effect: what repeating the action does; decides what may be sent again.
        connection: name of the connection.
        action: name of the action, without the connection.
        priority: the larger, the sooner it gets a slot of the connection; 0 is bulk work.
        run_id: the run that asks, or None outside runs (``backhaul call``, a connection's check).
        root_run_id: the run of whose steps `run_id` is one, or `run_id` itself; what a connection shares its budget by.
        step: key of the step that asks, or None.
        until: the moment (UTC) from which nobody waits for it any more, or None: what can only be tried again after it
            fails at once, with its own reason.
        private: personal data among the parameters, which no log or error of the call shows; set by the connection.
    """

    effect: Effect
    connection: str
    action: str
    priority: int = 0
    run_id: str | None = None
    root_run_id: str | None = None
    step: str | None = None
    until: datetime | None = None
    private: PrivateTexts | None = field(default=None, repr=False, compare=False)


current_call: ContextVar[CallContext | None] = ContextVar("current_call", default=None)


@contextmanager
def calling(context: CallContext) -> Iterator[None]:
    """Make `context` the current call inside the block.

    Use it only around a whole ``await``, never around a ``yield`` of an async generator: a generator may be resumed
    and closed in another context.
    """
    token = current_call.set(context)
    # This is not reset: what went wrong in a call is told after it.
    private_texts.set(context.private)
    try:
        yield
    finally:
        current_call.reset(token)


async def paged(pages: AsyncIterator[PageT], context: CallContext) -> AsyncGenerator[PageT, None]:
    """Give the pages of a listing or a poll, with `context` as the current call while each is made.

    The context is set per page: an async generator has none of its own, but runs in that of whoever asks for more.
    """
    try:
        while True:
            with calling(context):
                page = await anext(pages, None)
            if page is None:
                return
            yield page
    finally:
        close = getattr(pages, "aclose", None)
        if close is not None:
            await close()
