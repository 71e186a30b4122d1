"""The call of `backhaul demo`: a customer rings, and the agent's cards come to a screen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backhaul.errors import BackhaulError

if TYPE_CHECKING:
    from backhaul.json_values import Json

__all__ = ["Screen", "screen_open", "service_running"]

_PATIENCE_S = 60.0
_LISTENS = re.compile(r"listening at (http://\S+)")


class Screen(ThreadingHTTPServer):
    """An agent's screen: takes the cards that are posted to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self._cards: dict[str, tuple[Json, float]] = {}
        self._change = threading.Condition()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def put(self, card: Json) -> None:
        """Take a card; of each part the first one counts."""
        with self._change:
            self._cards.setdefault(card["part"], (card, time.monotonic()))
            self._change.notify_all()

    def card(self, part: str) -> tuple[Json, float]:
        """Return a card once it is there, and the moment (of the monotonic clock) at which it came.

        Raises:
            BackhaulError: it does not come.
        """
        with self._change:
            if not self._change.wait_for(lambda: part in self._cards, _PATIENCE_S):
                raise BackhaulError(f"the agent's card ({part}) did not come within {_PATIENCE_S:g} s")
            return self._cards[part]


class _Page(BaseHTTPRequestHandler):
    server: Screen

    def do_POST(self) -> None:
        """Take a card."""
        self.server.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@contextmanager
def screen_open() -> Iterator[Screen]:
    """Open a screen on a free port, give it, and close it."""
    with Screen() as screen:
        threading.Thread(target=screen.serve_forever, daemon=True).start()
        try:
            yield screen
        finally:
            screen.shutdown()


@contextmanager
def service_running(project: Path) -> Iterator[str]:
    """Run `backhaul serve` on a free port, give its address, and stop it.

    Raises:
        BackhaulError: it does not start.
    """
    command = [sys.executable, "-m", "backhaul.cli.main", "--project", str(project), "serve", "--port", "0"]
    said = project / ".backhaul" / "serve.log"
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield _address(process, said)
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    until = time.monotonic() + _PATIENCE_S
    while (found := _LISTENS.search(said.read_text(encoding="utf-8", errors="replace"))) is None:
        if process.poll() is not None or time.monotonic() > until:
            raise BackhaulError(f"the service does not start: {said.read_text(encoding='utf-8', errors='replace')}")
        time.sleep(0.02)
    return found[1]
