"""Under which name and how urgently a run asks for its share of a connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from world import Lab

pytestmark = pytest.mark.anyio


async def test_a_run_and_its_child_runs_share_one_turn_and_one_priority(lab: Lab) -> None:
    lab.define("name: grandchild\nsteps: [{id: ask, call: world.who_asks}]")
    lab.define("name: child\nsteps: [{id: sub, run: grandchild}]")
    parent = lab.define("""
        name: parent
        steps:
          - {id: own, call: world.who_asks}
          - {id: sub, run: child}
        output: ${{ [steps.own, steps.sub] }}
    """)
    run = replace(await lab.executor.start(parent, {}), priority=70)
    await lab.store.put_run(run).wait()
    ended = await lab.executor.execute(run.run_id)
    assert ended.output == [{"run": run.run_id, "priority": 70}] * 2
