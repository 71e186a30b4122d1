"""An HTTP server on loopback that remembers every callback that it received."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl


class Received(NamedTuple):
    method: str
    target: str
    body: str

    @property
    def items(self) -> list[tuple[str, str]]:
        """The parameters of the form, else of the query, where a second ``?`` counts as ``&``."""
        return parse_qsl(self.body or self.target.partition("?")[2].replace("?", "&"), keep_blank_values=True)

    @property
    def fields(self) -> dict[str, str]:
        return dict(self.items)


class CallbackReceiver:
    """Answers 204 by default, whatever comes."""

    def __init__(self, status: int = 204) -> None:
        self.received: list[Received] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length", 0))
                received.append(Received(self.command, self.path, self.rfile.read(length).decode()))
                self.send_response(status)
                self.send_header("location", "/elsewhere")
                self.end_headers()

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/axialys/secret-path/"

    @property
    def events(self) -> list[str]:
        return [one.fields["event"] for one in self.received]


@contextmanager
def receiving(status: int = 204) -> Iterator[CallbackReceiver]:
    made = CallbackReceiver(status)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()
