"""From the ring to the agent's card on a screen: a served project beside systems that answer after 50 ms.

The time is that of the program on the agent's desk: from just before the telephone rings to the moment at which the
card has come in. The limit are the answers that have to be waited for one after the other: four searches for the
telephone number (the ERP has four columns of them), the logins, and the three requests for the contracted speed, beside
which everything else is asked. One such answer is measured in the same run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LATENCY_MS = 50
ONE_AFTER_THE_OTHER = 8
CALLS = 60
AT_ONCE = 20
ROUNDS = 4
PATIENCE_S = 60.0
WORKFLOWS = Path(__file__).parents[1] / "workflows"
FILES = ("speedtest_on_call.yaml", "speedtest_on_call_test.yaml", "post_agent_card.yaml")
HOOK_SECRET = "secret-of-the-benchmark"


class Screen(ThreadingHTTPServer):
    """The agents' screens: notes when the first card of each call comes in."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Card)
        self.came: dict[str, float] = {}
        self.change = threading.Condition()

    def wait_for(self, call_ids: Sequence[str]) -> dict[str, float]:
        """Return when the cards of these calls came in."""
        with self.change:
            if not self.change.wait_for(lambda: all(one in self.came for one in call_ids), PATIENCE_S):
                late = [one for one in call_ids if one not in self.came]
                raise SystemExit(f"no card of {late} came in within {PATIENCE_S:g} s")
            return {one: self.came[one] for one in call_ids}


class _Card(BaseHTTPRequestHandler):
    server: Screen

    def do_POST(self) -> None:
        card = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.change:
            if card["part"] == "lookup":
                assert card["missing"] == [], card["missing"]
                self.server.came.setdefault(card["call_id"], time.monotonic())
            self.server.change.notify_all()
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


def ask(url: str, body: Any = None, **headers: str) -> Any:
    """Return the JSON that a URL answers, to POST when there is a body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json", **headers})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text[:1] in (b"{", b"[") else None


@contextmanager
def process(folder: Path, arguments: Sequence[str], sign: str) -> Iterator[str]:
    """Run a command of the program, give what its output says behind `sign`, and end it."""
    said = folder / f"{arguments[0]}.out"
    with said.open("wb") as out:
        running = subprocess.Popen([sys.executable, "-m", "backhaul", *arguments], cwd=folder, stdout=out, stderr=out)
    try:
        until = time.monotonic() + PATIENCE_S
        while (found := re.search(rf"{sign} (http://[\d.:]+)", said.read_text())) is None:
            if running.poll() is not None or time.monotonic() > until:
                raise SystemExit(said.read_text())
            time.sleep(0.02)
        yield found[1]
    finally:
        running.terminate()
        running.wait(60)


def write_project(folder: Path, sandbox: str, screen: int) -> str:
    """Write a project that is connected to a sandbox and a screen; return the telephone system's API key."""
    known = ask(f"{sandbox}/_sandbox/credentials")
    own = {"acs": ("client_id", "client_secret"), "provider": ("token",), "crm": ("token",)}
    connectors = {"acs": "ixc_acs", "provider": "ixc_provider", "crm": "ispcrm"}
    lines = ["[server]", "port = 0", 'node = "benchmark"', "[log]", 'level = "warning"']
    for name, keys in own.items():
        lines += [f"[connections.{name}]", f'connector = "{connectors[name]}"', f'base_url = "{sandbox}/{name}"']
        lines += [f'{key} = "{known[name][key]}"' for key in keys]
    key: str = known["axialys"]["api_key"]
    lines += ["[connections.phone]", 'connector = "axialys"', f'base_url = "{sandbox}/phone/api"']
    lines += [f'api_key = "{key}"', f'hook_secret = "{HOOK_SECRET}"']
    lines += ["[connections.agent]", 'connector = "http"', f'base_url = "http://127.0.0.1:{screen}"']
    (folder / "backhaul.toml").write_text("\n".join(lines) + "\n")
    (folder / "workflows").mkdir()
    for name in FILES:
        shutil.copy(WORKFLOWS / name, folder / "workflows")
    return key


def calls(sandbox: str, screen: Screen, indexes: Sequence[int]) -> list[float]:
    """Let subscribers call, all at once; return the milliseconds until each one's card."""
    began: dict[str, float] = {}
    lock = threading.Lock()

    def ring(index: int) -> None:
        start = time.monotonic()
        call = ask(f"{sandbox}/_sandbox/axialys/incoming_call", {"index": index})
        with lock:
            began[call["call_id"]] = start

    threads = [threading.Thread(target=ring, args=(index,)) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    came = screen.wait_for(list(began))
    return [(came[call_id] - start) * 1000 for call_id, start in began.items()]


def one_answer(sandbox: str) -> float:
    """Return the median milliseconds of one answer of a system."""
    token = ask(f"{sandbox}/_sandbox/credentials")["crm"]["token"]
    took = []
    for _ in range(20):
        began = time.monotonic()
        ask(f"{sandbox}/crm/api/v1", authorization=f"Bearer {token}")
        took.append((time.monotonic() - began) * 1000)
    return statistics.median(took)


def told(what: str, took: list[float], limit_ms: float) -> None:
    """Print one line of figures."""
    took = sorted(took)
    p50, p99 = statistics.median(took), took[min(len(took) * 99 // 100, len(took) - 1)]
    ratio = f"{p50 / limit_ms:4.2f} and {p99 / limit_ms:4.2f} times the answers alone"
    print(f"  {what:28} p50 {p50:5.0f} ms  p99 {p99:5.0f} ms  {ratio}")


def main() -> None:
    """Print the times of single calls and of twenty at once, against the systems' own time."""
    screen = Screen()
    threading.Thread(target=screen.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with process(folder, ["sandbox", "--devices", "500", "--seed", "3", "--port", "0"], "at") as sandbox:
            key = write_project(folder, sandbox, screen.server_port)
            with process(folder, ["serve"], "at") as service:
                callback = f"{service}/hooks/phone/{HOOK_SECRET}/"
                ask(f"{sandbox}/phone/api/centrex/v1/set_callback?api_key={key}&url={callback}")
                calls(sandbox, screen, [499])  # opens the connections, takes the ACS's token
                slow = {vendor: {"latency_ms": LATENCY_MS} for vendor in ("acs", "provider", "crm")}
                ask(f"{sandbox}/_sandbox/settings", slow)
                answer_ms = one_answer(sandbox)
                limit_ms = ONE_AFTER_THE_OTHER * answer_ms
                single = [one for index in range(CALLS) for one in calls(sandbox, screen, [index])]
                many = []
                for number in range(ROUNDS):
                    first = CALLS + number * AT_ONCE
                    many += calls(sandbox, screen, range(first, first + AT_ONCE))
    screen.shutdown()
    print(f"  systems that answer after {LATENCY_MS} ms, {os.cpu_count()} cores, everything in processes of its own")
    print(f"  {ONE_AFTER_THE_OTHER} answers, one after the other       {limit_ms:5.0f} ms  ({answer_ms:.1f} ms each)")
    told(f"one call at a time ({CALLS})", single, limit_ms)
    told(f"{AT_ONCE} calls at once (x{ROUNDS})", many, limit_ms)
    print("  (to reach: a card within a second of the ring)")
