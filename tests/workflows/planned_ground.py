"""The ground on which shipped workflows are planned, applied and run in tests, and what was done there."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isp import Answer, Project, Sandbox, wait_until
from workflows.counting_proxy import CountingProxy, Seen
from workflows.office import connections_of
from workflows.planned_cases import Case, Given

__all__ = [
    "Ground",
    "Line",
    "carry_out",
    "emitted",
    "error_of",
    "is_read",
    "line_of",
    "planned_line",
    "stable",
    "waited",
]

READS = tuple(
    (method, re.compile(path), operation)
    for method, path, operation in (
        ("GET", r"/provider/webservice/v1/\w+", "listar"),
        ("POST", r"/acs/api/v2/token/oauth", ""),
        ("GET", r"/acs/api/v2/.+", ""),
        ("GET", r"/crm/api/v1/.+", ""),
        ("GET", r"/akixi/CCS/API/v1/.+", ""),
    )
)
"""What requests look like on the wire that change nothing, by the vendors' own descriptions."""
Line = tuple[str, str, str]
"""Vendor, operation, and whom or what it was done to."""


@dataclass
class Ground:
    """A sandbox behind a proxy that counts, and the agents' screens."""

    sandbox: Sandbox
    proxy: CountingProxy
    screen_url: str
    posted: list[Any] = field(default_factory=list)

    async def begin(self, case: Case, folder: Path) -> tuple[Project, list[str]]:
        """Make the world new and bring it into a case's state; return a project and how its workflow is started."""
        self.sandbox.control("POST", "reset", {"devices": 60, "seed": 11})
        given = await case.prepare(self.sandbox, folder)
        project = Project(folder, self.sandbox.url)
        project.connections.clear()
        project.connections.update(connections_of(self.proxy.url))
        project.connections["agent"] = {"connector": "http", "base_url": self.screen_url}
        project.set()
        for file in (folder / "workflows").iterdir():
            text = file.read_text() if file.is_file() else ""
            for old, new in case.edited.items():
                if old in text:
                    file.write_text(text.replace(old, new))
        self.forget()
        return project, _arguments(given, folder)

    def forget(self) -> None:
        """Forget what has been done so far."""
        self.sandbox.control("DELETE", "requests")
        self.proxy.take()
        self.posted.clear()

    def log(self) -> list[dict[str, Any]]:
        """Return what was done in the sandbox, in order."""
        items: list[dict[str, Any]] = self.sandbox.control("GET", "requests?since=0&limit=100000")["items"]
        return [one for one in items if one["effect"] not in {"read", "token"}]

    def require_only_reads(self) -> None:
        """Nothing but reads has come to any system: by the sandbox's own log, and as seen on the wire."""
        seen = self.proxy.take()
        summary = self.sandbox.control("GET", "requests/summary")
        assert set(summary["by_effect"]) <= {"read", "token"}, summary["items"]
        assert [one for one in seen if not is_read(one)] == []
        assert len(seen) == summary["total"]
        assert self.posted == []


def _arguments(given: Given, folder: Path) -> list[str]:
    arguments = [part for name, value in given.inputs.items() for part in ("--input", f"{name}={value}")]
    if isinstance(given.event, str):
        return [*arguments, "--event", given.event]
    if given.event is not None:
        (folder / "event.json").write_text(json.dumps(given.event))
        return [*arguments, "--event", str(folder / "event.json")]
    return arguments


def is_read(seen: Seen) -> bool:
    """Return whether a request changes nothing, judged by what goes over the wire alone."""
    return any(
        seen.method == method and path.fullmatch(seen.path) and seen.operation == operation
        for method, path, operation in READS
    )


def planned_line(effect: Mapping[str, Any]) -> Line | None:
    """Return what an effect of a plan is in the sandbox's log; None for what no vendor sees."""
    params = effect["params"]
    match effect["action"]:
        case "provider.add_acs_device":
            return "provider", "acs_device_grid.insert", params["serial_number"]
        case "provider.update_acs_device":
            return "provider", "acs_device_grid.update", str(params["id"])
        case "provider.remove_acs_device":
            return "provider", "acs_device_grid.delete", str(params["id"])
        case "akixi.add_integrator_client":
            place = f"{params['tel_sys_id']}/{params['partition_id']}/{params['device_number']}"
            return "akixi", "add_client", place
        case "akixi.change_integrator_client":
            return "akixi", "change_client", params["id"]
        case "akixi.delete_integrator_client":
            return "akixi", "delete_client", params["id"]
        case "acs.start_speed_test":
            return "acs", "start_speedTest", params["serial"]
        case "phone.call":
            return "axialys", "call", f"{params['account_id']}>{params['number'].removeprefix('+')}"
        case "emit" | "agent.write":
            return None
    raise AssertionError(f"say what {effect['action']} is in the sandbox's log")


def line_of(entry: Mapping[str, Any]) -> Line:
    assert entry["completed"], entry
    is_row = entry["operation"] in {"acs_device_grid.update", "acs_device_grid.delete"}
    return entry["vendor"], entry["operation"], entry["record"] if is_row else entry["key"]


def stable(entry: Mapping[str, Any]) -> Line:
    """Return an entry of the log as it is in two worlds alike; ids of Akixi hold the time."""
    vendor, operation, what = line_of(entry)
    return vendor, operation, entry["path"].rpartition("/")[0] if vendor == "akixi" else what


def emitted(project: Project, workflow: str) -> list[dict[str, Any]]:
    """Return the events that a workflow has emitted, in order."""
    rows = _history(
        project,
        "select type, subject, data from events where source = ? order by received_at, event_id",
        f"workflow/{workflow}",
    )
    return [{"type": kind, "subject": subject, "data": json.loads(data)} for kind, subject, data in rows]


def waited(project: Project, workflow: str) -> set[str]:
    """Return the steps of a workflow's newest run that have waited and gone on."""
    found = "select key from steps where run_id = ? and verb = 'wait' and status = 'succeeded'"
    return {key for (key,) in _history(project, found, _newest(project, workflow)[0])}


def error_of(project: Project, workflow: str) -> dict[str, Any]:
    """Return why a workflow's newest run has failed."""
    ((text,),) = _history(project, "select error from runs where run_id = ?", _newest(project, workflow)[0])
    error: dict[str, Any] = json.loads(text)
    return error


def carry_out(project: Project, case: Case, workflow: str, *arguments: str) -> Answer:
    """Run a command to its end, and say yes when the workflow's run asks."""
    if not case.asked:
        return project.backhaul(*arguments)
    process = project.start(*arguments)
    try:
        wait_until(lambda: process.poll() is not None or _newest(project, workflow)[1] == "waiting")
        answer = project.backhaul("runs", "approve", _newest(project, workflow)[0], "--step", case.asked)
        assert answer.code == 0, answer.err
        return Answer(process.wait(60), "", "")
    finally:
        process.kill()
        process.wait(10)


def _newest(project: Project, workflow: str) -> tuple[str, str]:
    """Return id and status of a workflow's newest run that is no step of another one."""
    query = (
        "select run_id, status from runs where workflow = ? and parent_run_id is null order by created_at desc limit 1"
    )
    try:
        ((run_id, status),) = _history(project, query, workflow)
    except (sqlite3.OperationalError, ValueError):  # no history yet, or no run in it
        return "", ""
    return run_id, status


def _history(project: Project, query: str, *values: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{project.folder}/.backhaul/backhaul.db?mode=ro", uri=True)) as database:
        return database.execute(query, values).fetchall()
