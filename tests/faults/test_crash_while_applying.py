"""A process that dies at any write of a run under a plan: the run goes on under the same plan, and repeats nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from backhaul.runs.interventions import Resolution
from backhaul.store.records import RunStatus, StepStatus
from crash_scenario import CHILD, PYTHON, YAML, begin, in_process
from runs.planning import planned
from world import Lab, open_lab, read_world

pytestmark = pytest.mark.anyio

REVIEWED = "plan: {auto_apply_below: {total: 100}}\n" + YAML
EVERY_EFFECT = {("put", f"T{n}") for n in range(1, 15, 2)} | {("put", "left"), ("put", "inner"), ("remove", "right")}
EVERY_EFFECT |= {("ring", "bell"), ("ring", "gong")}


def effects(file: Path) -> Counter[tuple[str, str]]:
    return Counter((x["do"], x["name"]) for x in read_world(file) if x["do"] in {"put", "remove", "ring"})


async def plan_of(url: str, folder: Path, kind: str, text: str) -> dict[str, Any]:
    folder.mkdir()
    async with open_lab(url, folder / "world") as lab:
        lab.define(CHILD, name="child")
        return await planned(lab, text, kind=kind)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "text", "applied"),
    [("yaml", YAML, True), ("python", PYTHON, True), ("yaml", REVIEWED, False)],
    ids=["apply", "apply-python", "reviewed"],
)
async def test_a_crash_at_every_write(store_url: str, tmp_path: Path, kind: str, text: str, applied: bool) -> None:
    plan = await plan_of(store_url, tmp_path / "plan", kind, text) if applied else None
    whole = folder_with(tmp_path / "whole", plan)
    assert in_process(store_url, whole, "whole", kind, text, None, False) == 0
    assert effects(whole / "world") == Counter(EVERY_EFFECT)
    writes = int((whole / "writes").read_text())
    assert writes > 40
    crashes = 0
    for at in range(1, writes + 1):
        for committed in (False, True) if kind == "yaml" and applied and store_url.startswith("sqlite") else (False,):
            name = f"{at}-{committed}"
            folder = folder_with(tmp_path / name, plan)
            code = in_process(store_url, folder, name, kind, text, at, committed)
            assert code in {0, 9}
            crashes += code == 9
            await check_one_crash(store_url, folder, name, kind, text)
    assert crashes >= writes - 2


def folder_with(folder: Path, plan: dict[str, Any] | None) -> Path:
    folder.mkdir()
    if plan is not None:
        (folder / "plan.json").write_text(json.dumps(plan))
    return folder


async def check_one_crash(store_url: str, folder: Path, run_id: str, kind: str, text: str) -> None:
    async with open_lab(store_url, folder / "world") as lab:
        lab.define(CHILD, name="child")
        workflow = lab.define(text, kind=kind)
        run = await lab.store.run(run_id)
        if run is None:  # it died before the run was stored, so nothing may have happened
            assert not effects(lab.file)
            await begin(lab, workflow, folder, run_id)
            run = await lab.store.run(run_id)
            assert run is not None
        before = effects(lab.file)
        recorded = await done(lab, run_id)
        if run.status is not RunStatus.SUCCEEDED:
            await recover(lab, run_id)
        after = effects(lab.file)
        assert set(after) == EVERY_EFFECT
        for (what, name), count in after.items():
            assert count <= (1 if what == "ring" else 2), f"{what} {name} {count} times"
            if name in recorded:
                assert count == before[what, name], f"{what} {name} was recorded as done, and repeated"
        applied = await lab.store.step(run_id, "$applied")
        assert applied is not None
        assert applied.output is not None
        assert applied.output["not_done"] == 0
        events, _ = await lab.store.events(limit=500)
        assert len([event for event in events if event.run_id == run_id]) == 1


async def done(lab: Lab, run_id: str) -> set[Any]:
    """Return what the run's own steps are known to have done."""
    steps = await lab.store.steps(run_id)
    kept = [step for step in steps if step.status is StepStatus.SUCCEEDED and step.verb == "call"]
    return {(step.params or {}).get("name") for step in kept if step.effect != "read"}


async def recover(lab: Lab, run_id: str) -> None:
    """Do what a person does after a crash: resume, and say what became of a doubtful call."""
    run = await lab.executor.execute(run_id)
    for _ in range(3):
        if run.status is not RunStatus.NEEDS_ATTENTION:
            break
        (step,) = await lab.store.steps(run_id, statuses={StepStatus.UNKNOWN})
        heard = any(line["name"] == "bell" for line in lab.done("ring"))
        how = (Resolution.DONE, "rang bell") if heard else (Resolution.RETRY, None)
        await lab.interventions.resolve(run_id, step.key, *how)
        run = await lab.executor.execute(run_id)
    assert run.status is RunStatus.SUCCEEDED, run.error
