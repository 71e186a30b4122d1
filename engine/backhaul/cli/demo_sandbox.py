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
from urllib.request import ProxyHandler, Request, build_opener

from backhaul.errors import BackhaulError

if TYPE_CHECKING:
    from backhaul.json_values import Json

__all__ = ["MADE_BY", "DemoSandbox", "sandbox_running"]

MADE_BY = "# Made by 'backhaul demo'."
"""How the settings of a demo begin."""

_HOOK_SECRET = "secret-of-the-demo"  # noqa: S105  (of a sandbox on loopback)
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

    def settings(self, screen: str) -> str:
        """Return the text of a `backhaul.toml` that connects to it.

        Args:
            screen: address of what stands for the agents' screens.
        """
        known = self._get("credentials")
        acs = {name: known["acs"][name] for name in ("client_id", "client_secret")}
        connections = {
            "acs": {"connector": "ixc_acs", "base_url": f"{self.url}/acs", **acs, "hook_secret": _HOOK_SECRET},
            "provider": {"connector": "ixc_provider", "base_url": f"{self.url}/provider", **known["provider"]},
            "crm": {"connector": "ispcrm", "base_url": f"{self.url}/crm", "token": known["crm"]["token"]},
            "akixi": {"connector": "akixi", "base_url": f"{self.url}/akixi", "api_key": known["akixi"]["api_key"]},
            "phone": {
                "connector": "axialys",
                "base_url": f"{self.url}/phone/api",
                "api_key": known["axialys"]["api_key"],
                "hook_secret": _HOOK_SECRET,
            },
            "agent": {"connector": "http", "base_url": screen},
        }
        lines = [f"{MADE_BY} The credentials are the sandbox's own and open nothing else."]
        for name, values in connections.items():
            lines += [f"\n[connections.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        return "\n".join(lines) + "\n"

    def send_events_to(self, service: str) -> None:
        """Have the telephone system and the ACS send their events to a service."""
        key = self._get("credentials")["axialys"]["api_key"]
        callback = f"{service}/hooks/phone/{_HOOK_SECRET}/"
        self._ask(f"phone/api/centrex/v1/set_callback?api_key={key}&url={callback}")
        self._get("settings", {"acs": {"webhook_uri": f"{service}/hooks/acs/{_HOOK_SECRET}"}})

    def caller(self) -> Json:
        """Return a subscriber whose device is online, as every system knows him."""
        return self._get(f"subscribers?serial={self._get('acs/fixtures')['plain']}")

    def device(self, serial: str) -> Json:
        """Return a device as it really is."""
        return self._get(f"acs/devices/{serial}")

    def mass_delete(self, count: int) -> None:
        """Delete devices in the ACS, which tells nobody."""
        self._get("acs/mass_delete", {"count": count})

    def ring(self, index: int) -> str:
        """Let a subscriber call a desk; return the call's id."""
        return str(self._get("axialys/incoming_call", {"index": index})["call_id"])

    def advance(self, seconds: float) -> None:
        """Move the world's clock."""
        self._get("clock", {"advance_s": seconds})

    def speed_tests(self) -> int:
        """Return how many speed tests the ACS was asked for."""
        items = self._get("requests/summary")["items"]
        return sum(one["count"] for one in items if one["operation"] == "start_speedTest")

    def expected(self) -> Json:
        """Return how many effects a correct sync has now, by the sandbox's own computation."""
        return self._get("expected_sync?counts=1")

    def repeated(self) -> int:
        """Return how many effects it has received more than once."""
        return len(self._get("requests/repeated")["items"])

    def _get(self, path: str, body: Json = None) -> Json:
        return json.loads(self._ask(f"_sandbox/{path}", body) or "null")

    def _ask(self, path: str, body: Json = None) -> bytes:
        """Return what a path answers, to POST when there is a body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = Request(f"{self.url}/{path}", data=data, headers=headers)  # noqa: S310  (a sandbox on loopback)
        # No proxy: the environment's does not know this machine's loopback.
        with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
            return bytes(answer.read())


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
