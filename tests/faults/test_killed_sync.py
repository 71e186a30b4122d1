"""The nightly sync with 2,000 effects, killed ten times: the end is right and no effect was done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from isp import Project, inserted, kill_when, newest_run, sandbox


@pytest.mark.slow
@pytest.mark.parametrize("workflow", ["nightly-sync", "nightly-sync-python"])
def test_a_sync_killed_ten_times_does_everything_once(tmp_path: Path, workflow: str) -> None:
    with sandbox(tmp_path, "--devices", "2300", "--seed", "11", "--fresh") as isp:
        expected = isp.expected()
        total = len(expected["create"])
        assert total >= 2000
        project = Project(tmp_path / "project", isp.url)
        process = project.start("run", workflow)
        kills = 0
        for number in range(10):
            goal = 1 if number == 0 else number * total // 10 + number
            kills += kill_when(process, lambda goal=goal: isp.effect_count() >= goal)  # type: ignore[misc]
            run_id, status = newest_run(project)
            assert status == "running"
            process = project.start("runs", "resume", run_id)
        assert process.wait(120) == 0
        assert kills == 10
        run = project.last_run()
        assert run["status"] == "succeeded"
        assert isp.expected()["create"] == []
        assert isp.expected()["update"] == []
        counts = inserted(isp.effects())
        assert set(counts) == {entry["serial_number"] for entry in expected["create"]}
        assert set(counts.values()) == {1}, "an insert was repeated"
        again = project.backhaul("run", workflow, "--json").json
        assert (again["output"]["added"], again["output"]["updated"]) == (0, 0)
