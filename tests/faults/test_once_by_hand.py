"""What has an effect every time, cut off after it was accepted, from the command line: parked, and never done twice."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from isp import Answer, Project, Sandbox, sandbox
from workflows.office import connections_of

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An action that has its effect every time.

    Attributes:
        params: its parameters as YAML; what is in capitals is filled in.
        operation: its name in the sandbox's log.
        verified: whether the other system can be asked what became of it, with no service there to hear events.
    """

    action: str
    params: str
    vendor: str
    operation: str
    verified: bool = False


INSERT = "{table: cidade, fields: {nome: Nova Vila, uf: '26'}"
CASES = {
    "click-to-call": Case(
        action="phone.call",
        params='{account_id: desk-1, number: "+5511988887777"}',
        vendor="axialys",
        operation="call",
    ),
    "reboot": Case(action="acs.reboot", params="{serial: SERIAL}", vendor="acs", operation="reboot"),
    "speed test": Case(
        action="acs.start_speed_test", params="{serial: SERIAL}", vendor="acs", operation="start_speedTest"
    ),
    "record insert": Case(
        action="provider.insert_record",
        params=INSERT + ", unique: nome}",
        vendor="provider",
        operation="cidade.insert",
        verified=True,
    ),
    "record insert without a unique column": Case(
        action="provider.insert_record", params=INSERT + "}", vendor="provider", operation="cidade.insert"
    ),
}
PARKED = [name for name, case in CASES.items() if not case.verified]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), "--devices", "100", "--seed", "3") as running:
        yield running


@pytest.fixture
def world(served: Sandbox) -> Sandbox:
    """The sandbox with its ISP as it was at the start."""
    served.control("POST", "reset", {"devices": 100, "seed": 3})
    return served


class Desk:
    """A project with one workflow of one step, and the log of the system that this calls."""

    def __init__(self, folder: Path, world: Sandbox, case: Case) -> None:
        self.case = case
        self._world = world
        self._project = Project(folder, world.url)
        self._project.connections = connections_of(world.url)
        self._project.set(phone={"correlation_window_s": 1})
        key = self._project.connections["phone"]["api_key"]
        nobody = "http://127.0.0.1:9/"  # the telephone system wants to be told where events go before it calls
        url = f"{world.url}/phone/api/centrex/v1/set_callback?api_key={key}&url={nobody}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()
        serial = world.control("GET", "acs/fixtures")["plain"]
        params = case.params.replace("SERIAL", serial)
        for file in (folder / "workflows").iterdir():
            file.unlink()
        text = f"name: once\nsteps:\n  - {{id: act, call: {case.action}, with: {params}}}\n"
        (folder / "workflows" / "once.yaml").write_text(text)
        self._plan = folder / "plan.json"

    def backhaul(self, *arguments: str) -> Answer:
        """Run a command."""
        answer = self._project.backhaul(*arguments)
        assert "Traceback" not in answer.err, answer.err
        return answer

    def carried_out(self, way: str, fault: str) -> Any:
        """Carry the workflow out, by itself or as the apply of a plan, with one connection cut."""
        if way == "apply":
            planned = self.backhaul("run", "once", "--plan", "--out", str(self._plan), "--quiet")
            assert planned.code == 0, planned
        self._world.fault(fault, vendor=self.case.vendor, match={"operation": self.case.operation}, times=1)
        arguments = ("run", "once") if way == "run" else ("apply", str(self._plan), "--yes")
        answer = self.backhaul(*arguments, "--quiet", "--json")
        return answer.json

    def settled(self, run_id: str, resolution: str, *arguments: str) -> Any:
        """Say what became of the step, and return the run as it ends."""
        answer = self.backhaul("runs", "resolve", run_id, "act", "--as", resolution, *arguments, "--quiet", "--json")
        return answer.json

    @property
    def requests(self) -> tuple[int, int]:
        """How often the action came to the other system, and how often it was done there."""
        page = self._world.control("GET", f"requests?since=0&limit=100000&vendor={self.case.vendor}")
        found = [one for one in page["items"] if one["operation"] == self.case.operation]
        return len(found), sum(1 for one in found if one["completed"])


@pytest.mark.parametrize("way", ["run", "apply"])
@pytest.mark.parametrize("name", CASES)
def test_cut_after_it_was_accepted_it_is_verified_or_parked_and_stays_so(
    tmp_path: Path, world: Sandbox, name: str, way: str
) -> None:
    desk = Desk(tmp_path / "project", world, CASES[name])
    run = desk.carried_out(way, "cut_after")
    assert desk.requests == (1, 1)
    shown = desk.backhaul("runs", "show", run["run_id"]).out
    if desk.case.verified:
        assert run["status"] == "succeeded", run["error"]
        return
    assert run["status"] == "needs_attention", run["error"]
    assert run["error"]["type"] == "UnknownOutcomeError"
    assert run["error"]["step"] == "act"
    assert "unknown" in shown
    assert f"backhaul runs resolve {run['run_id']} 'act' --as done|retry|skip" in shown
    resumed = desk.backhaul("runs", "resume", run["run_id"], "--quiet")
    assert resumed.code != 0
    assert desk.requests == (1, 1)


@pytest.mark.parametrize(("way", "resolution"), [("run", "skip"), ("apply", "done")])
@pytest.mark.parametrize("name", PARKED)
def test_a_person_says_that_it_was_done_or_goes_on_without_it(
    tmp_path: Path, world: Sandbox, name: str, way: str, resolution: str
) -> None:
    desk = Desk(tmp_path / "project", world, CASES[name])
    run = desk.carried_out(way, "cut_after")
    known = ["--output", '{"by": "hand"}'] if resolution == "done" else []
    ended = desk.settled(run["run_id"], resolution, *known)
    assert ended["status"] == "succeeded", ended["error"]
    assert ended["output"] == ({"by": "hand"} if known else None)
    assert desk.requests == (1, 1)


@pytest.mark.parametrize("name", PARKED)
def test_a_person_who_knows_that_it_was_not_done_has_it_done_once_under_the_plan(
    tmp_path: Path, world: Sandbox, name: str
) -> None:
    desk = Desk(tmp_path / "project", world, CASES[name])
    run = desk.carried_out("apply", "cut_before")
    assert run["status"] == "needs_attention", run["error"]
    assert desk.requests == (1, 0)
    ended = desk.settled(run["run_id"], "retry")
    assert ended["status"] == "succeeded", ended["error"]
    assert desk.requests == (2, 1)
