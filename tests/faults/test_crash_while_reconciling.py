"""A process that dies at any write of a reconcile: it goes on where it was, and nothing that was done is repeated."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from backhaul.store.records import RunStatus, StepStatus
from crash_scenario import in_process
from reconciling import approve, make, output, records, things
from world import open_lab, seed, stock_of, want

pytestmark = pytest.mark.anyio

WANTED = {"new1": 1, "new2": 2, "same": 3, "other": 4}
THERE = {"same": 3, "other": 9, "gone1": 5, "gone2": 6}
RECHECK = "recheck: {call: world.shelf, with: {name: '${{ target.name }}'}}"
FREE, GUARDED = f"guard: {{max_delete: '100%', {RECHECK}}}", f"guard: {{max_delete: '1%', {RECHECK}}}"


PYTHON = """
from backhaul import Run, workflow
from world import World

@workflow(name="test")
async def sync(run: Run, world: World) -> dict:
    async def put(item, there=None):
        await world.put(name=item["name"], value=item["value"])

    async def remove(target):
        await world.remove(name=target["name"])

    async def look(target):
        return await world.shelf(name=target["name"])

    return await run.reconcile(
        world.wanted(), world.stock(), key="name", compare={"value": "value"}, create=put, update=put, delete=remove,
        recheck=look, max_delete="{share}", concurrency=3, name="sync",
    )
"""


def a_world(folder: Path) -> None:
    folder.mkdir()
    want(folder / "world", things(WANTED))
    seed(folder / "world", things(THERE))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("yaml", make(more=FREE)),
        ("yaml", make(more=GUARDED)),
        ("python", PYTHON.replace("{share}", "100%")),
        ("python", PYTHON.replace("{share}", "1%")),
    ],
    ids=["yaml-free", "yaml-guarded", "python-free", "python-guarded"],
)
async def test_a_crash_at_every_write_of_a_reconcile(store_url: str, tmp_path: Path, kind: str, text: str) -> None:
    a_world(tmp_path / "whole")
    assert in_process(store_url, tmp_path / "whole", "whole", kind, text, None, False) == 0
    writes = int((tmp_path / "whole" / "writes").read_text())
    assert writes > 15
    for at in range(1, writes + 1):
        for committed in (False, True) if store_url.startswith("sqlite") and kind == "yaml" else (False,):
            name = f"{at}-{committed}"
            a_world(tmp_path / name)
            assert in_process(store_url, tmp_path / name, name, kind, text, at, committed) in {0, 9}
            await recover(store_url, tmp_path / name, name, kind, text)


async def recover(store_url: str, folder: Path, run_id: str, kind: str, text: str) -> None:
    """Restart after the crash, say yes where that is asked, and look at what was done."""
    async with open_lab(store_url, folder / "world") as lab:
        workflow = lab.define(text, kind=kind)
        run = await lab.store.run(run_id) or await lab.executor.start(workflow, {}, run_id=run_id)
        recorded = {
            (step.params or {}).get("name")
            for step in await lab.store.steps(run_id)
            if step.status is StepStatus.SUCCEEDED and step.effect in {"write", "delete"}
        }
        before = effects(folder)
        if run.status in {RunStatus.QUEUED, RunStatus.RUNNING}:
            run = await lab.executor.execute(run_id)
        if run.status is RunStatus.WAITING:
            run = await approve(lab, run)
        assert run.status is RunStatus.SUCCEEDED, run.error
        counts = {name: output(run)[name] for name in ("same", "created", "updated", "deleted", "total")}
        assert counts == {"same": 1, "created": 2, "updated": 1, "deleted": 2, "total": 6}
        assert {record["key"] for record in await records(lab, run)} == WANTED.keys() | THERE.keys()
        assert {thing["name"]: thing["value"] for thing in stock_of(lab.file)} == WANTED
        for effect, count in effects(folder).items():
            assert count <= 2
            if effect[1] in recorded:
                assert count == before[effect], f"{effect} was recorded as done, and repeated"


def effects(folder: Path) -> Counter[tuple[str, str]]:
    from world import read_world

    return Counter(
        (line["do"], line["name"]) for line in read_world(folder / "world") if line["do"] in {"put", "remove"}
    )
