"""Every shipped workflow: its plan reads and does nothing else, `apply` does what the plan lists, and so does a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from backhaul.runs.planning.approved import differing
from backhaul.workflows.catalog import load_source
from isp import REPOSITORY, sandbox
from workflows.counting_proxy import counting_proxy, serving_in_thread
from workflows.planned_cases import CASES, Case
from workflows.planned_ground import (
    Ground,
    Line,
    carry_out,
    emitted,
    error_of,
    is_read,
    line_of,
    planned_line,
    stable,
    waited,
)

pytestmark = pytest.mark.anyio

FILES = sorted(file.name for file in (REPOSITORY / "workflows").iterdir() if file.suffix in {".yaml", ".py"})


def name_of(file: str) -> str:
    source = (REPOSITORY / "workflows" / file).read_text()
    return load_source("python" if file.endswith(".py") else "yaml", f"workflows/{file}", source).name


@pytest.mark.parametrize("file", FILES)
def test_every_shipped_workflow_has_a_case(file: str) -> None:
    assert CASES.get(name_of(file)), f"{file}: show in planned_cases.py that it is planned, applied and run alike"


def test_every_case_is_of_a_shipped_workflow() -> None:
    assert set(CASES) == {name_of(file) for file in FILES}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    posted: list[Any] = []

    class Screens(BaseHTTPRequestHandler):
        def answer(self) -> None:
            posted.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response_only(200)
            self.send_header("content-length", "0")
            self.end_headers()

    setattr(Screens, "do_POST", Screens.answer)  # noqa: B010  (the name is the server's)
    with (
        sandbox(tmp_path_factory.mktemp("sandbox"), "--devices", "60", "--seed", "11") as isp,
        counting_proxy(isp.url) as proxy,
        serving_in_thread(Screens) as screen_url,
    ):
        yield Ground(isp, proxy, screen_url, posted)


ALL = [pytest.param(name, key, id=f"{name}-{key}") for name, cases in CASES.items() for key in cases]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "key"), ALL)
async def test_a_plan_only_reads_and_apply_does_what_it_lists_as_a_run_does(
    running: Ground, tmp_path: Path, name: str, key: str
) -> None:
    case, file = CASES[name][key], tmp_path / "plan.json"
    project, arguments = await running.begin(case, tmp_path / "planned")
    answer = project.backhaul("run", name, "--plan", "--out", str(file), *arguments)
    assert answer.code == 0, answer.out + answer.err
    running.require_only_reads()
    plan = json.loads(file.read_text())
    require_told(plan, case)

    running.forget()
    answer = carry_out(project, case, name, "apply", str(file), "--yes")
    assert answer.code == (1 if case.unplanned else 0), answer.out + answer.err
    applied, posted, events = running.log(), list(running.posted), emitted(project, name)
    lines = [line for effect in plan["effects"] if (line := planned_line(effect)) is not None]
    assert in_order(map(line_of, applied), case) == in_order(lines, case)
    assert len([one for one in running.proxy.take() if not is_read(one)]) == len(applied)
    cards = [effect["params"] for effect in plan["effects"] if effect["action"] == "agent.write"]
    assert posted == [(card["path"], card["body"]) for card in cards]
    require_emitted(plan, events)
    if not case.asked:  # else the command's words were not kept
        count = len(plan["effects"])
        assert f"{count} of {count} effects of the plan were made" in answer.out
    assert waited(project, name) == set(case.waits)
    if case.unplanned:
        error = error_of(project, name)
        assert (error["type"], error["step"]) == ("NotPlannedError", case.unplanned)
        return

    plain, arguments = await running.begin(case, tmp_path / "plain")
    answer = carry_out(plain, case, name, "run", name, *arguments)
    assert answer.code == 0, answer.out + answer.err
    assert in_order(map(stable, running.log()), case) == in_order(map(stable, applied), case)
    assert running.posted == posted
    assert kinds(emitted(plain, name)) == kinds(events)


def require_told(plan: dict[str, Any], case: Case) -> None:
    """The plan lists the case's effects, what it waits for, and whom it asks."""
    assert Counter(effect["action"] for effect in plan["effects"]) == case.effects
    told = {one["step"] for part in ("waits", "undetermined") for one in plan[part]}
    assert told >= {*case.waits, *([case.unplanned] if case.unplanned else [])}
    assert plan["summary"]["undetermined"] == case.undetermined
    only_if = Counter(effect["only_if"] for effect in plan["effects"] if "only_if" in effect)
    assert only_if == plan["summary"]["only_if"]
    assert list(only_if) == ([case.asked] if case.asked else [])


def require_emitted(plan: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """The events are those of the plan, in its order; what it did not know may be anything."""
    wanted = [effect["params"] for effect in plan["effects"] if effect["action"] == "emit"]
    assert kinds(events) == kinds(wanted)
    for one, found in zip(wanted, events, strict=True):
        assert differing(one["data"], found["data"]) == []


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(one["type"], one["subject"]) for one in events]


def in_order(lines: Any, case: Case) -> list[Line]:
    """Return the lines as they are to be compared."""
    return list(lines) if case.in_order else sorted(lines)
