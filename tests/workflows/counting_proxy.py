"""A reverse proxy on loopback that passes every request on, and keeps which ones there were."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urlsplit

__all__ = ["CountingProxy", "Seen", "counting_proxy", "serving_in_thread"]

_HOPS = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Seen(NamedTuple):
    """A request as it went over the wire; ``operation`` is what its header ``ixcsoft`` says, as the ERP wants it."""

    method: str
    path: str
    operation: str


class CountingProxy:
    """Stands in front of one server.

    Attributes:
        seen: the requests, in the order of coming.
    """

    def __init__(self, url: str, target: str) -> None:
        self.url = url
        self.target = target
        self.seen: list[Seen] = []

    def take(self) -> list[Seen]:
        """Return the requests since the last time, and forget them."""
        seen, self.seen = self.seen, []
        return seen


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: CountingProxy

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.proxy.seen.append(Seen(self.command, urlsplit(self.path).path, self.headers.get("ixcsoft", "").lower()))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOPS}
        upstream = http.client.HTTPConnection(urlsplit(self.proxy.target).netloc, timeout=60)
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            text = answer.read()
        finally:
            upstream.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOPS:
                self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


for _verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
    setattr(_Handler, f"do_{_verb}", _Handler.pass_on)


@contextmanager
def counting_proxy(target: str) -> Iterator[CountingProxy]:
    """Serve a proxy in front of a server; end it afterwards."""

    class Handler(_Handler):
        pass

    with serving_in_thread(Handler) as url:
        Handler.proxy = CountingProxy(url, target)
        yield Handler.proxy


@contextmanager
def serving_in_thread(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with a handler on loopback and give the URL; end it afterwards."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
