"""A process that dies at any write of a run: afterwards nothing is lost and no effect is repeated that was done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from backhaul.runs.interventions import Resolution
from backhaul.store.records import RunStatus, StepStatus
from crash_scenario import CHILD, PYTHON, YAML, in_process
from world import Lab, open_lab, read_world

pytestmark = pytest.mark.anyio

EXPECTED = {"put": 7, "rang": "rang bell", "gong": "rang gong"}
REPEATABLE = {f"T{n}" for n in range(1, 15, 2)} | {"left", "inner"}


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
    assert run.output == EXPECTED


def effects(file: Path) -> Counter[tuple[str, str]]:
    return Counter((x["do"], x["name"]) for x in read_world(file) if x["do"] in {"put", "remove", "ring"})


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "text"), [("yaml", YAML), ("python", PYTHON)], ids=["yaml", "python"])
async def test_a_crash_at_every_write(store_url: str, tmp_path: Path, kind: str, text: str) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    assert in_process(store_url, whole, "whole", kind, text, None, False) == 0
    assert set(effects(whole / "world").values()) == {1}
    writes = int((whole / "writes").read_text())
    assert writes > 20
    crashes = 0
    for at in range(1, writes + 1):
        for committed in (False, True) if kind == "yaml" and store_url.startswith("sqlite") else (False,):
            name = f"{at}-{committed}"
            folder = tmp_path / name
            folder.mkdir()
            code = in_process(store_url, folder, name, kind, text, at, committed)
            assert code in {0, 9}
            crashes += code == 9
            await check_one_crash(store_url, folder, name, kind, text)
    assert crashes >= writes - 2


async def check_one_crash(store_url: str, folder: Path, run_id: str, kind: str, text: str) -> None:
    async with open_lab(store_url, folder / "world") as lab:
        lab.define(CHILD, name="child")
        workflow = lab.define(text, kind=kind)
        run = await lab.store.run(run_id)
        if run is None:  # it died before anything was stored, so nothing may have happened
            assert not effects(lab.file)
            run = await lab.executor.start(workflow, {}, run_id=run_id)
        recorded = {
            (step.params or {}).get("name")
            for step in await lab.store.steps(run_id)
            if step.status is StepStatus.SUCCEEDED and step.verb == "call" and step.effect != "read"
        }
        before = effects(lab.file)
        if run.status is not RunStatus.SUCCEEDED:
            await recover(lab, run_id)
        after = effects(lab.file)
        assert {name for _, name in after} == REPEATABLE | {"right", "bell", "gong"}
        for (what, name), count in after.items():
            if what == "ring":
                assert count == 1, f"{name} rang {count} times"
            if name in recorded:
                assert count == before[what, name], f"{what} {name} was recorded as done, and repeated"
            assert count <= 2
        events, _ = await lab.store.events(limit=500)
        assert len([event for event in events if event.run_id == run_id]) == 1
        assert len(await lab.store.children(run_id)) == 1
