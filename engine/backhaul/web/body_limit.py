"""How long the body of a request may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from backhaul.web.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BodyLimit"]


class BodyLimit:
    """Answers 413 to requests whose body is longer than a number of bytes; no more than that is read.

    A body that does not say its length ends in an `HTTPException` for whoever reads it.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        detail = f"The body is longer than {self._limit} bytes."
        # The rest of the body is not waited for.
        headers = {"Connection": "close"}
        if _stated_length(scope) > self._limit:
            await problem(413, detail, headers=headers)(scope, receive, send)
            return
        left = self._limit

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, detail, headers)
            return message

        await self._app(scope, limited, send)


def _stated_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:18])
    return 0
