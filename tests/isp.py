"""A sandbox ISP in a process of its own, a project that talks to it, and the command line as a user calls it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "backhaul"]
PATIENCE_S = 60.0


class Sandbox:
    """The control interface of a running sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control interface and return its JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{path}", data=data, method=method, headers={"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
        return json.loads(text) if text else None

    def expected(self) -> dict[str, Any]:
        """Return what the nightly sync should do now, as the sandbox's own rules say."""
        expected: dict[str, Any] = self.control("GET", "expected_sync")
        return expected

    def effects(self) -> list[dict[str, Any]]:
        """Return the calls to the ERP that changed its state, in order."""
        found: list[dict[str, Any]] = []
        since = 0
        while page := self.control("GET", f"requests?since={since}&limit=5000&vendor=provider"):
            found += [entry for entry in page["items"] if entry["effect"] != "read" and entry["completed"]]
            if not page["items"]:
                break
            since = page["next"]
        return found

    def effect_count(self) -> int:
        """Return how many calls have changed the ERP's state."""
        counts: Mapping[str, int] = self.control("GET", "requests/summary")["by_effect"]
        return sum(count for effect, count in counts.items() if effect not in {"read", "token"})

    def fault(self, kind: str, **values: Any) -> None:
        """Switch a fault on."""
        self.control("POST", "faults", {"kind": kind, **values})


@contextmanager
def sandbox(folder: Path, *arguments: str) -> Iterator[Sandbox]:
    """Serve a sandbox and stop it at the end."""
    ready = folder / "sandbox.url"
    process = subprocess.Popen(
        [sys.executable, "-m", "backhaul_connectors.sandbox", "--port", "0", "--ready-file", str(ready), *arguments],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None)
        yield Sandbox(ready.read_text().strip())
    finally:
        process.terminate()
        process.wait(10)
        ready.unlink(missing_ok=True)


@dataclass
class Answer:
    """What a command printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class Project:
    """A project folder whose connections lead to a sandbox."""

    def __init__(self, folder: Path, url: str, **settings: Mapping[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        shutil.copytree(REPOSITORY / "workflows", folder / "workflows", dirs_exist_ok=True)
        with urllib.request.urlopen(f"{url}/_sandbox/credentials", timeout=30) as response:
            known = json.load(response)
        acs = {key: known["acs"][key] for key in ("client_id", "client_secret")}
        self.connections: dict[str, dict[str, Any]] = {
            "acs": {"connector": "ixc_acs", "base_url": f"{url}/acs", **acs},
            "provider": {"connector": "ixc_provider", "base_url": f"{url}/provider", **known["provider"]},
        }
        self.set(**settings)

    def set(self, **settings: Mapping[str, Any]) -> None:
        """Change settings of connections and write the file."""
        for name, values in settings.items():
            self.connections[name].update(values)
        lines = []
        for name, values in self.connections.items():
            lines.append(f"[connections.{name}]")
            lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
        (self.folder / "backhaul.toml").write_text("\n".join(lines) + "\n")

    def backhaul(self, *arguments: str, timeout_s: float = 120) -> Answer:
        """Run a command to its end."""
        done = subprocess.run(
            [*COMMAND, "--project", str(self.folder), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=_environment(),
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command and return its process."""
        return subprocess.Popen(
            [*COMMAND, "--project", str(self.folder), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )

    def last_run(self) -> dict[str, Any]:
        """Return the newest run as ``runs list`` shows it."""
        run: dict[str, Any] = self.backhaul("runs", "list", "--json", "--limit", "1").json["items"][0]
        return run


def newest_run(project: Project) -> tuple[str, str]:
    """Return id and status of the newest run, straight from the file: a command takes a second."""
    path = project.folder / ".backhaul" / "backhaul.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        run_id, status = database.execute("select run_id, status from runs order by created_at desc limit 1").fetchone()
        return str(run_id), str(status)


def kill_when(process: subprocess.Popen[bytes], condition: Callable[[], bool]) -> bool:
    """End a process with SIGKILL as soon as the condition holds; False when it ended before by itself."""
    wait_until(lambda: condition() or process.poll() is not None)
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    """Look until the condition holds; an `AssertionError` after a minute."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen within a minute"
        time.sleep(0.005)


def inserted(effects: list[dict[str, Any]]) -> Counter[str]:
    """Return how often each serial number was inserted."""
    return Counter(entry["key"] for entry in effects if entry["operation"].endswith(".insert"))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": "120"}
