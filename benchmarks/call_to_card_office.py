"""What surrounds the measured calls: a sandbox, a served project, the agents' screens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
WORKFLOWS = Path(__file__).parents[1] / "workflows"
FILES = ("speedtest_on_call.yaml", "speedtest_on_call_test.yaml", "post_agent_card.yaml")
HOOK_SECRET = "secret-of-the-benchmark"
CONNECTORS = {"acs": "ixc_acs", "provider": "ixc_provider", "crm": "ispcrm"}
SECRETS = {"acs": ("client_id", "client_secret"), "provider": ("token",), "crm": ("token",)}


@dataclass(frozen=True, slots=True)
class Process:
    """A running command."""

    url: str
    pid: int

    def cpu_ms(self) -> float:
        """Return the milliseconds of processor time that all its threads have used, where the kernel tells (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


class Screen(ThreadingHTTPServer):
    """The agents' screens: notes when the first card of each call comes in, and what is missing on it."""

    daemon_threads = True
    request_queue_size = 128  # five by default: of twenty who connect at once some would try again after a second

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Card)
        self.came: dict[str, float] = {}
        self.missing: dict[str, list[str]] = {}
        self.change = threading.Condition()

    def wait_for(self, call_ids: Sequence[str]) -> dict[str, float]:
        """Return when the cards of these calls came in."""
        with self.change:
            if not self.change.wait_for(lambda: all(one in self.came for one in call_ids), PATIENCE_S):
                late = [one for one in call_ids if one not in self.came]
                raise SystemExit(f"no card of {late} came in within {PATIENCE_S:g} s")
            return {one: self.came[one] for one in call_ids}


class _Card(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Screen

    def do_POST(self) -> None:
        card = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.change:
            if card["part"] == "lookup":
                self.server.came.setdefault(card["call_id"], time.monotonic())
                self.server.missing[card["call_id"]] = card["missing"]
            self.server.change.notify_all()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


def ask(url: str, body: Any = None, *, method: str | None = None) -> Any:
    """Return the JSON that a URL answers, to POST when there is a body and no other method is given."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"content-type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text[:1] in (b"{", b"[") else None


@contextmanager
def process(folder: Path, arguments: Sequence[str]) -> Iterator[Process]:
    """Run a command of the program, give where it listens, and end it."""
    said = folder / f"{arguments[0]}.out"
    with said.open("wb") as out:
        running = subprocess.Popen([sys.executable, "-m", "backhaul", *arguments], cwd=folder, stdout=out, stderr=out)
    try:
        until = time.monotonic() + PATIENCE_S
        while (found := re.search(r"at (http://[\d.:]+)", said.read_text())) is None:
            if running.poll() is not None or time.monotonic() > until:
                raise SystemExit(said.read_text())
            time.sleep(0.02)
        yield Process(found[1], running.pid)
    finally:
        running.terminate()
        running.wait(60)


def settings_of(sandbox: str) -> dict[str, dict[str, str]]:
    """Return the settings of the connections to a sandbox's systems."""
    known = ask(f"{sandbox}/_sandbox/credentials")
    return {
        name: {"base_url": f"{sandbox}/{name}", **{key: known[name][key] for key in keys}}
        for name, keys in SECRETS.items()
    }


def write_project(folder: Path, sandbox: str, screen: Screen, base_urls: Mapping[str, str]) -> None:
    """Write a project that is connected to a sandbox and the screens; some systems may be elsewhere."""
    lines = ["[server]", "port = 0", 'node = "benchmark"', "[log]", 'level = "warning"']
    for name, values in settings_of(sandbox).items():
        values["base_url"] = base_urls.get(name, values["base_url"])
        lines += [f"[connections.{name}]", f'connector = "{CONNECTORS[name]}"']
        lines += [f'{key} = "{value}"' for key, value in values.items()]
    lines += ["[connections.phone]", 'connector = "axialys"', f'base_url = "{sandbox}/phone/api"']
    lines += [f'api_key = "{_phone_key(sandbox)}"', f'hook_secret = "{HOOK_SECRET}"']
    lines += ["[connections.agent]", 'connector = "http"', f'base_url = "http://127.0.0.1:{screen.server_port}"']
    (folder / "workflows").mkdir(parents=True)
    (folder / "backhaul.toml").write_text("\n".join(lines) + "\n")
    for name in FILES:
        shutil.copy(WORKFLOWS / name, folder / "workflows")


@contextmanager
def served(folder: Path, sandbox: str, screen: Screen, base_urls: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Serve a project to which the telephone system sends its calls."""
    write_project(folder, sandbox, screen, base_urls or {})
    with process(folder, ["serve"]) as service:
        callback = f"{service.url}/hooks/phone/{HOOK_SECRET}/"
        ask(f"{sandbox}/phone/api/centrex/v1/set_callback?api_key={_phone_key(sandbox)}&url={callback}")
        yield service


def _phone_key(sandbox: str) -> str:
    key: str = ask(f"{sandbox}/_sandbox/credentials")["axialys"]["api_key"]
    return key
