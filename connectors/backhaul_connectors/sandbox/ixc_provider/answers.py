"""The ERP's answers with their odd headers and bodies (ixc_provider.md sections 2, 3 and 6)."""

from __future__ import annotations

import json
import time

from backhaul_connectors.sandbox.face import Answer, Headers

__all__ = [
    "bad_request",
    "error",
    "gateway_timeout",
    "not_found",
    "odd_headers",
    "plain_json",
    "red_div",
    "unauthorised",
]

_HTML: Headers = ((b"content-type", b"text/html"),)


def odd_headers(now: float) -> Headers:
    """Return the headers of every JSON answer: nameless cookie, ``Last-Modified`` without the blank before GMT."""
    modified = time.strftime("%a, %d %b %Y %H:%M:%SGMT", time.gmtime(now))
    return (
        (b"content-type", b"text/x-json; charset=utf-8"),
        (b"set-cookie", b"Path=/; HttpOnly; Secure"),
        (b"expires", b"Mon, 26 Jul 1997 05:00:00 GMT"),
        (b"last-modified", modified.encode()),
        (b"cache-control", b"no-cache, must-revalidate"),
    )


def plain_json(value: object, now: float) -> Answer:
    """Return 200 with a JSON body."""
    return Answer(200, json.dumps(value).encode(), odd_headers(now))


def error(message: str, now: float) -> Answer:
    """Return an application error: 200 with ``type: error``."""
    answer = plain_json({"type": "error", "message": message}, now)
    answer.outcome, answer.completed = "refused", False
    return answer


def red_div(status: int) -> Answer:
    """Return the red HTML of a bad column, a wrong table prefix or a partial PUT."""
    text = "Ocorreu um erro ao processar. Por favor, entre em contato com o suporte!"
    return Answer(status, f'<div style="color: red;">{text}</div>'.encode(), _HTML, "refused", False)


def _page(status: int, title: str) -> Answer:
    body = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n<center><h1>{status} {title}</h1>"
        "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Answer(status, body.encode(), _HTML, "refused", False)


def unauthorised() -> Answer:
    """Return 401 with the web server's HTML."""
    return _page(401, "Authorization Required")


def bad_request() -> Answer:
    """Return 400: the authorization is not Basic, or the body cannot be read."""
    return _page(400, "Bad Request")


def not_found() -> Answer:
    """Return 404: also a GET listing without its header."""
    return _page(404, "Not Found")


def gateway_timeout() -> Answer:
    """Return 504: the request was too large."""
    return _page(504, "Gateway Time-out")
