"""A system on loopback that fails in every way, and repeats in its answers all that it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlencode

__all__ = ["WAYS", "EchoServer", "serving_echo"]

WAYS = ("401", "403", "404", "422", "500", "html", "cut", "redirect", "nonsense")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EchoServer

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
        # What is secret comes first: excerpts are short.
        credentials = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "accept"}}
        said = f"{json.dumps(credentials)} {body} {self.path}"
        self.server.heard.append(said)
        way = self.server.way
        if self.path.endswith("/session"):
            # The first of three steps to log in to Akixi; with it failing, no credential would ever be sent.
            self.write(200, "application/json", json.dumps({"SessionID": "a-session-id-of-the-echo-5d2f"}))
            return
        if way in {"cut", "nonsense"}:
            self.close_connection = True
            if way == "nonsense":
                self.wfile.write(f"{said}\r\n\r\n".encode())
            return
        if way == "redirect":
            self.send_response(302)
            self.send_header("Location", f"/elsewhere?{urlencode({'said': said})}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        is_html = way == "html"
        text = f"<html><body>{said}</body></html>" if is_html else json.dumps({"message": said, "error": said})
        self.write(200 if is_html else int(way), "text/html" if is_html else "application/json", text)

    def write(self, status: int, kind: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  (names of http.server)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (name of http.server)
        pass


class EchoServer(ThreadingHTTPServer):
    """Fails in one way at a time; `heard` is all that was sent to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.way = "401"
        self.heard: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving_echo() -> Iterator[EchoServer]:
    """Serve it inside the block."""
    server = EchoServer()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
