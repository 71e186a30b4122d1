"""Cutting a connection for real: the client sees it close without a (complete) answer."""

from __future__ import annotations

from starlette.types import Receive

__all__ = ["ConnectionCutError", "cut"]


class ConnectionCutError(Exception):
    """Raised instead of a cut where there is no connection: under an in-process test transport."""


async def cut(receive: Receive, *, flush: bool = False) -> None:
    """Close the connection of the current call and wait until the server has noticed.

    With ``flush`` what was sent so far still goes out first; without, nothing does.

    Under uvicorn ``receive`` is a method of the request's cycle, which knows its transport (both with httptools and
    with h11). Elsewhere ``ConnectionCutError`` is raised, which an in-process transport hands to the client.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionCutError("the sandbox cut the connection")
    if flush:
        transport.close()
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
