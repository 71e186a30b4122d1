"""Reading a response's body up to a size, so that neither a long nor a small but packed one fills the memory."""

from __future__ import annotations

import httpx

__all__ = ["BodyTooLongError", "read_body"]

_TRANSFER_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class BodyTooLongError(Exception):
    """The body has more bytes than allowed."""


async def read_body(response: httpx.Response, *, max_bytes: int) -> httpx.Response:
    """Return the response with its body read and decompressed; the caller closes the given one.

    Raises:
        BodyTooLongError: the body has more than `max_bytes`, counted after decompression.
    """
    stated = response.headers.get("content-length", "")
    is_plain = "content-encoding" not in response.headers
    if stated.isdecimal() and int(stated) > max_bytes:
        raise BodyTooLongError
    if stated.isdecimal() and is_plain:
        await response.aread()
        return response
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > max_bytes:
            raise BodyTooLongError
    return httpx.Response(
        response.status_code,
        headers=[pair for pair in response.headers.raw if pair[0].lower() not in _TRANSFER_HEADERS],
        content=bytes(body),
        request=response.request,
        extensions=response.extensions,
        history=response.history,
    )
