"""`backhaul db prune` removes what is old when it is told to, and says how much."""

from __future__ import annotations

import anyio

from backhaul.clock import SystemClock
from backhaul.store.records import RunStatus
from backhaul.store.store import Store
from cli.program import Cli
from contract.factories import NOON, a_run, a_step


def put_old_run(project: Cli) -> None:
    async def put() -> None:
        url = f"sqlite:///{project.folder / '.backhaul' / 'backhaul.db'}"
        async with await Store.open(url, clock=SystemClock()) as store:
            store.put_step(a_step(run_id="old"))
            await store.put_run(a_run("old", status=RunStatus.SUCCEEDED, finished_at=NOON)).wait()

    anyio.run(put)


def test_stats_say_what_is_due_and_prune_removes_it(project: Cli) -> None:
    put_old_run(project)
    project("run", "greet", "--quiet")
    stats = project.json("db", "stats")
    assert stats["prunable"]["runs"] == 1
    assert stats["oldest_run"].startswith("2026-03-01T12:00:00")
    assert 0 < stats["used_bytes"] < stats["max_bytes"] == 10_000_000_000
    assert project("db", "prune", "--dry-run").stdout.startswith("would remove 1 run")
    assert project.json("db", "prune")["removed"]["runs"] == 1
    assert [run["workflow"] for run in project.json("runs", "list")["items"]] == ["greet"]
    assert project("db", "prune").stdout.strip() == "removed nothing"
    assert project.json("db", "prune", "--older-than", "1s", "--dry-run")["dry_run"] is True


def test_an_age_that_is_none_is_refused_with_what_it_should_look_like(project: Cli) -> None:
    for age in ("soon", "0"):
        assert "--older-than" in project("db", "prune", "--older-than", age, code=2).stderr


def test_wrong_bounds_are_refused_with_their_place(project: Cli) -> None:
    project.write("backhaul.toml", '[history]\nmax_size = "much"\nmax_age = "0"\nmin_age = 1\n')
    problems = project.json("check", code=2)["problems"]
    assert [(problem["line"], problem["message"].partition(":")[0]) for problem in problems] == [
        (2, "history.max_size"),
        (3, "history.max_age"),
        (4, "history.min_age"),
    ]
    assert "500MB" in problems[0]["message"]
