"""The page at ``/``: the sandbox's state, and buttons that make things happen, for people."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["page_routes"]

_FOLDER = Path(__file__).parent
_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


def page_routes() -> list[Route]:
    """Return the routes of the page. It has no state of its own: all it does goes through ``/_sandbox``."""
    return [Route(path, _serve, methods=["GET"]) for path in _FILES]


async def _serve(request: Request) -> Response:
    """Answer one of the page's three files."""
    name, media_type = _FILES[request.url.path]
    return Response((_FOLDER / name).read_bytes(), media_type=media_type, headers=_HEADERS)
