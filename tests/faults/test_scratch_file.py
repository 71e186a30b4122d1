"""The temporary file of a join: gone with its process, and a full disk is said clearly, deletes nothing, and passes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from isp import COMMAND, wait_until

RECORDS = 15_000
"""Of a kilobyte each: more than a join keeps in memory."""
MADE = {"created": 20, "updated": 20, "deleted": 20}

CONNECTOR = '''\
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from backhaul.sdk import Connector, ConnectorSettings, Effect, Page, action


class ShopSettings(ConnectorSettings):
    """Where what was done is kept."""

    file: Path


class Shop(Connector[ShopSettings]):
    """Every effect is a line in a file."""

    name = "shop"
    Settings = ShopSettings

    @action(effect=Effect.READ)
    async def things(self, *, first: int, last: int, cheap: int) -> AsyncIterator[Page[dict[str, Any]]]:
        """List things; the first ones are cheap."""
        for start in range(first, last, 500):
            numbers = range(start, min(start + 500, last))
            yield Page(items=[{"name": n, "price": 1 if n < cheap else 2, "text": "x" * 1_000} for n in numbers])

    @action(effect=Effect.WRITE)
    async def put(self, *, name: int) -> None:
        """Note it."""
        with self.settings.file.open("a") as file:
            file.write(f"put {name}\\n")

    @action(effect=Effect.DELETE)
    async def remove(self, *, name: int) -> None:
        """Note it."""
        with self.settings.file.open("a") as file:
            file.write(f"remove {name}\\n")
'''

WORKFLOW = f"""\
name: sync
steps:
  - {{id: wanted, call: shop.things, with: {{first: 0, last: {RECORDS}, cheap: 0}}}}
  - {{id: there, call: shop.things, with: {{first: 20, last: {RECORDS + 20}, cheap: 40}}}}
  - id: sync
    reconcile:
      source: ${{{{ steps.wanted }}}}
      target: ${{{{ steps.there }}}}
      key: name
      compare: {{price: price}}
      create: {{call: shop.put, with: {{name: "${{{{ item.name }}}}"}}}}
      update: {{call: shop.put, with: {{name: "${{{{ item.name }}}}"}}}}
      delete: {{call: shop.remove, with: {{name: "${{{{ target.name }}}}"}}}}
output: ${{{{ steps.sync }}}}
"""


class Shop:
    """A project with two large lists, and a folder of its own for temporary files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        for name, text in {
            "backhaul.toml": f'[connections.shop]\nconnector = "shop"\nfile = "{self.folder}/effects"\n',
            "connectors/shop.py": CONNECTOR,
            "workflows/sync.yaml": WORKFLOW,
        }.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    @property
    def environment(self) -> Mapping[str, str]:
        """Of the commands."""
        return {**os.environ, "SQLITE_TMPDIR": str(self.scratch), "NO_COLOR": "1"}

    def command(self, *arguments: str) -> Sequence[str]:
        """Return a command that is run in the project."""
        return [*COMMAND, "--project", str(self.folder), *arguments]

    def answer(self, *command: str) -> Any:
        """Run a command, and return the JSON that it prints."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=self.environment, check=False)
        assert done.stdout, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return json.loads(done.stdout)

    @property
    def effects(self) -> list[str]:
        """What was done."""
        file = self.folder / "effects"
        return file.read_text().splitlines() if file.exists() else []


def check(shop: Shop, run: Any) -> None:
    """Look at a run that has come to its end, and at what was done."""
    assert run["status"] == "succeeded", run["error"]
    assert {name: run["output"][name] for name in MADE} == MADE
    removed = [f"remove {RECORDS + n}" for n in range(20)]
    assert sorted(shop.effects) == sorted([f"put {n}" for n in range(40)] + removed)


def is_open(process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Return whether a process has a file in a folder open, be it taken out of that."""
    found = []
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except FileNotFoundError:  # closed meanwhile
            continue
    return any(name.startswith(f"{folder}/") for name in found)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell which files are open")
def test_a_process_that_is_killed_while_it_joins_leaves_no_file(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    process = subprocess.Popen(
        shop.command("run", "sync", "--quiet"),
        env=shop.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: process.poll() is not None or is_open(process, shop.scratch))
        assert process.poll() is None, "it ended before it was killed"
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert list(shop.scratch.iterdir()) == []
    assert shop.effects == []
    (run,) = shop.answer(*shop.command("runs", "list", "--json"))["items"]
    check(shop, shop.answer(*shop.command("runs", "resume", run["run_id"], "--quiet", "--json")))
    assert list(shop.scratch.iterdir()) == []


def in_namespace(*command: str) -> Sequence[str]:
    """Return a command that may mount, for itself alone."""
    return ["unshare", "--user", "--map-root-user", "--mount", *command]


def can_mount() -> bool:
    """Return whether this system lets a process mount for itself alone."""
    try:
        return subprocess.run(in_namespace("true"), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="no small disk can be made here")
def test_a_disk_that_is_full_while_the_join_is_made_fails_the_step_and_a_resume_goes_on(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    small = f'mount -t tmpfs -o size=2m tmpfs "{shop.scratch}" && exec "$@"'
    run = shop.answer(*in_namespace("sh", "-c", small, "sh", *shop.command("run", "sync", "--quiet", "--json")))
    assert run["status"] == "failed"
    assert run["error"]["step"] == "sync"
    assert run["error"]["message"] == (
        f"a temporary file could not be written (database or disk is full). It is in {shop.scratch}: make room there, "
        "or name another folder in the environment variable SQLITE_TMPDIR"
    )
    assert shop.effects == []
    check(shop, shop.answer(*shop.command("runs", "resume", run["run_id"], "--quiet", "--json")))


def test_a_folder_for_temporary_files_that_is_none_is_passed_over(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.scratch.rmdir()
    check(shop, shop.answer(*shop.command("run", "sync", "--quiet", "--json")))
