"""A process that dies at any write of a reconcile under a plan: it asks as the plan says, and repeats nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backhaul.store.records import RunStatus, StepStatus
from crash_scenario import begin, in_process
from faults.test_crash_while_reconciling import FREE, GUARDED, PYTHON, THERE, WANTED, a_world, effects
from reconciling import approve, make
from runs.planning import planned
from world import open_lab, stock_of

pytestmark = pytest.mark.anyio

CASES = {
    "yaml-free": ("yaml", make(more=FREE), True),
    "yaml-guarded": ("yaml", make(more=GUARDED), True),
    "yaml-rejected": ("yaml", make(more=GUARDED), False),
    "python-guarded": ("python", PYTHON.replace("{share}", "1%"), True),
}
DELETED = {name for name in THERE if name not in WANTED}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
async def test_a_crash_at_every_write_of_a_reconcile_under_a_plan(store_url: str, tmp_path: Path, case: str) -> None:
    kind, text, _ = CASES[case]
    a_world(tmp_path / "plan")
    async with open_lab(store_url, tmp_path / "plan" / "world") as lab:
        plan = await planned(lab, text, kind=kind)
    assert len(plan["effects"]) == 5
    assert len([effect for effect in plan["effects"] if "only_if" in effect]) == (0 if case == "yaml-free" else 2)
    whole = planned_world(tmp_path / "whole", plan)
    assert in_process(store_url, whole, "whole", kind, text, None, False) == 0
    writes = int((whole / "writes").read_text())
    assert writes > 20
    for at in range(1, writes + 1):
        folder = planned_world(tmp_path / str(at), plan)
        assert in_process(store_url, folder, str(at), kind, text, at, False) in {0, 9}
        await recover(store_url, folder, str(at), case)


def planned_world(folder: Path, plan: dict[str, Any]) -> Path:
    a_world(folder)
    (folder / "plan.json").write_text(json.dumps(plan))
    return folder


async def recover(store_url: str, folder: Path, run_id: str, case: str) -> None:
    """Restart after the crash, answer where that is asked, and look at what was done."""
    kind, text, yes = CASES[case]
    async with open_lab(store_url, folder / "world") as lab:
        workflow = lab.define(text, kind=kind)
        run = await lab.store.run(run_id)
        if run is None:  # it died before the run was stored, so nothing may have happened
            assert not effects(folder)
            await begin(lab, workflow, folder, run_id)
        steps = await lab.store.steps(run_id)
        done = [step for step in steps if step.status is StepStatus.SUCCEEDED and step.effect in {"write", "delete"}]
        recorded = {(step.params or {}).get("name") for step in done}
        before = effects(folder)
        if run is None or run.status in {RunStatus.QUEUED, RunStatus.RUNNING}:
            run = await lab.executor.execute(run_id)
        if case != "yaml-free":
            assert run.status is RunStatus.WAITING
            assert not {name for what, name in effects(folder) if what == "remove"}
            run = await approve(lab, run, yes=yes)
        assert run.status is RunStatus.SUCCEEDED, run.error
        left = {} if yes else {name: THERE[name] for name in DELETED}
        assert {thing["name"]: thing["value"] for thing in stock_of(lab.file)} == {**WANTED, **left}
        for effect, count in effects(folder).items():
            assert count <= 2
            if effect[1] in recorded:
                assert count == before[effect], f"{effect} was recorded as done, and repeated"
        applied = await lab.store.step(run_id, "$applied")
        assert applied is not None
        assert applied.output is not None
        assert (applied.output["done"], applied.output["not_done"]) == (5 - len(left), len(left))
