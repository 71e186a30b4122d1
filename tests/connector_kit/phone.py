"""What stands for the engine in tests of the phone connector: a store of events, a receiver of callbacks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from backhaul.sdk import Event, WebhookRequest
from backhaul_connectors.axialys import Axialys

__all__ = ["EventStore", "Receiver", "receiver"]

SECRET = "hook-secret-3f9c0d21"


@dataclass
class EventStore:
    """An `EventReader` over a list; the same key is stored once, as in the engine."""

    events: list[Event] = field(default_factory=list)
    reads: int = 0

    async def __call__(self, since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
        self.reads += 1
        found = [event for event in self.events if event.time >= since and (not types or event.type in types)]
        return sorted(found, key=lambda event: event.time)[:limit]

    def add(self, *events: Event) -> None:
        """Store events whose key is new."""
        for event in events:
            if event.key not in {stored.key for stored in self.events}:
                self.events.append(event)

    def give_to(self, phone: Axialys) -> None:
        """Let a connection read these events."""
        phone.context = replace(phone.context, events=self)


@dataclass
class Receiver:
    """What came in at a receiver of callbacks."""

    url: str
    requests: list[WebhookRequest] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int) -> list[WebhookRequest]:
        """Return the callbacks as soon as there are so many."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= count, timeout=15), self.requests
            return list(self.requests)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Give a receiver on loopback that answers as the engine does: an empty 204."""
    inbox = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path, _, query = self.path.partition("?")
            prefix, _, rest = path.partition(SECRET)
            request = WebhookRequest(
                method=self.command,
                path=unquote(rest),
                query=query,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=body,
                client=self.client_address[0],
                received_at=datetime.now(UTC),
            )
            self.send_response(204 if prefix == "/hooks/phone/" else 404)
            self.end_headers()
            with inbox.arrived:
                inbox.requests.append(request)
                inbox.arrived.notify_all()

        do_POST = do_GET  # noqa: N815  (names of the library)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (a name of the library)
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    inbox.url = f"http://127.0.0.1:{server.server_port}/hooks/phone/{SECRET}/"
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
