"""The sandbox of `backhaul demo`: a process of its own, spoken to over HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from backhaul.errors import BackhaulError

if TYPE_CHECKING:
    from backhaul.json_values import Json

__all__ = ["MADE_BY", "DemoSandbox", "sandbox_running"]

MADE_BY = "# Made by 'backhaul demo'."
"""How the settings of a demo begin."""

_READY_S = 120.0
_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class DemoSandbox:
    """A running sandbox."""

    url: str

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.url).port or 0

    def settings(self) -> str:
        """Return the text of a `backhaul.toml` that connects to it."""
        known = self._get("credentials")
        acs, provider = known["acs"], known["provider"]
        return f"""{MADE_BY} The credentials are the sandbox's own and open nothing else.
[connections.acs]
connector = "ixc_acs"
base_url = "{self.url}/acs"
client_id = {json.dumps(acs["client_id"])}
client_secret = {json.dumps(acs["client_secret"])}

[connections.provider]
connector = "ixc_provider"
base_url = "{self.url}/provider"
token = {json.dumps(provider["token"])}
"""

    def expected(self) -> Json:
        """Return how many effects a correct sync has now, by the sandbox's own computation."""
        return self._get("expected_sync?counts=1")

    def repeated(self) -> int:
        """Return how many effects it has received more than once."""
        return len(self._get("requests/repeated")["items"])

    def _get(self, path: str) -> Json:
        # No proxy: the environment's does not know this machine's loopback.
        with build_opener(ProxyHandler({})).open(f"{self.url}/_sandbox/{path}", timeout=60) as answer:
            return json.load(answer)


@contextmanager
def sandbox_running(devices: int, seed: int) -> Iterator[DemoSandbox]:
    """Start a sandbox on a free port, give it, and stop it.

    Raises:
        BackhaulError: it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="backhaul-sandbox-") as folder:
        ready, said = Path(folder, "ready"), Path(folder, "said")
        command = [sys.executable, "-m", "backhaul.cli.main", "sandbox", "--devices", str(devices), "--seed", str(seed)]
        with said.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--port", "0", "--ready-file", str(ready)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for the run; the sandbox is stopped by us.
                start_new_session=True,
            )
        # Without this the signal would end us, and leave the sandbox running.
        before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
        try:
            yield DemoSandbox(_address(process, ready, said))
        finally:
            signal.signal(signal.SIGTERM, before)
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], ready: Path, said: Path) -> str:
    """Return the sandbox's URL as soon as it accepts calls."""
    until = time.monotonic() + _READY_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > until:
            last = said.read_text(encoding="utf-8", errors="replace").strip()
            raise BackhaulError(f"the sandbox does not start: {last or 'it said nothing'}")
        time.sleep(0.05)
    return ready.read_text(encoding="utf-8").strip()
