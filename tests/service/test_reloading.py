"""Files that change while the service runs: what is right is used from then on, what is wrong is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from backhaul.errors import UnknownNameError
from backhaul.plugins.events import Event
from backhaul.service.reloading import Changes, changes_between, look_at
from backhaul.store.records import RunRecord, RunStatus
from backhaul.testing import FakeClock
from service.plant import Plant, make_project, open_plant, until
from world import World, read_world

pytestmark = pytest.mark.anyio

PUT = "steps:\n  - {{id: did, call: world.put, with: {{name: {name}}}}}\n"
GATED = """
steps:
  - {{id: slow, call: world.put_slowly, with: {{name: slow, gate: {gate}}}}}
  - {{id: did, call: world.put, with: {{name: {name}}}}}
"""
BROKEN = "steps:\n  - {id: did, call: world.put, with: {name: x}\n"
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@asynccontextmanager
async def a_plant(folder: Path, workflows: dict[str, str], **options: Any) -> AsyncIterator[Plant]:
    """Run a service whose files are followed already."""
    async with open_plant(make_project(folder, workflows), **options) as plant:
        await until(lambda: plant.app.reloading.is_following)
        yield plant


def write(plant: Plant, name: str, text: str) -> None:
    (plant.folder / "workflows" / name).write_text(text)


def source_of(plant: Plant, name: str) -> str:
    workflow = plant.app.project.catalog.workflows.get(name)
    return workflow.source if workflow is not None else ""


async def started(plant: Plant, name: str) -> RunRecord:
    run, _ = await plant.app.dispatcher.start(name, {}, cause="test")
    return run


async def carried_out(plant: Plant, name: str) -> RunRecord:
    run = await started(plant, name)

    async def ended() -> RunRecord | None:
        found = await plant.app.store.run(run.run_id)
        return found if found is not None and found.finished_at is not None else None

    found: RunRecord = await until(ended)
    assert found.status is RunStatus.SUCCEEDED, found.error
    return found


def names(plant: Plant) -> list[str]:
    return [line["name"] for line in plant.done("put")]


async def test_a_changed_file_is_used_by_the_next_run(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one")}) as plant:
        await carried_out(plant, "w")
        write(plant, "w.yaml", PUT.format(name="two"))
        await until(lambda: "two" in source_of(plant, "w"))
        await carried_out(plant, "w")
    assert names(plant) == ["one", "two"]


@pytest.mark.parametrize("kind", ["yaml", "python"])
async def test_a_run_under_way_and_a_queued_one_keep_the_text_that_they_began_with(tmp_path: Path, kind: str) -> None:
    gate = tmp_path / "gate"
    python = """
from backhaul import Run, workflow
from world import World

@workflow()
async def other(run: Run, world: World) -> None: ...

@workflow()
async def w(run: Run, world: World) -> None:
    await world.put_slowly(name="slow", gate="{gate}")
    await world.put(name="{name}")
"""
    text, file = (GATED, "w.yaml") if kind == "yaml" else (python, "w.py")
    async with a_plant(tmp_path, {file: text.format(gate=gate, name="one")}) as plant:
        if kind == "python":
            await carried_out(plant, "other")  # of the same text
        await started(plant, "w")
        await until(lambda: plant.done("entered"))
        write(plant, file, text.format(gate=gate, name="two"))
        await until(lambda: "two" in source_of(plant, "w"))
        await started(plant, "w")
        write(plant, file, text.format(gate=gate, name="three"))
        await until(lambda: "three" in source_of(plant, "w"))
        gate.touch()
        runs = await plant.ended(2, "w")
        assert [run.status for run in runs] == [RunStatus.SUCCEEDED] * 2
    assert sorted(names(plant)) == ["one", "slow", "slow", "two"]


async def test_each_workflow_of_one_python_file_runs_itself(tmp_path: Path) -> None:
    text = "from backhaul import Run, workflow\nfrom world import World\n"
    for name in ("one", "two"):
        text += (
            f'\n@workflow()\nasync def {name}(run: Run, world: World) -> None:\n    await world.put(name="{name}")\n'
        )
    async with a_plant(tmp_path, {"both.py": text}) as plant:
        await carried_out(plant, "one")
        two = await carried_out(plant, "two")
        write(plant, "both.py", text + "# changed\n")
        await until(lambda: "changed" in source_of(plant, "two"))
        version = await plant.app.store.workflow_version(two.digest)
        assert version is not None
        assert plant.app.stored(version).name == "two"
    assert names(plant) == ["one", "two"]


async def test_a_broken_file_keeps_its_last_good_version_and_is_said_once(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one"), "v.yaml": PUT.format(name="v")}) as plant:
            write(plant, "w.yaml", BROKEN)
            await until(lambda: plant.app.reloading.troubles)
            (text,) = plant.app.reloading.troubles["workflows/w.yaml"]
            assert text.startswith("workflows/w.yaml:2:5: ")
            await carried_out(plant, "w")
            write(plant, "v.yaml", PUT.format(name="other"))
            await until(lambda: "other" in source_of(plant, "v"))
            assert list(plant.app.reloading.troubles) == ["workflows/w.yaml"]
            write(plant, "w.yaml", PUT.format(name="two"))
            await until(lambda: not plant.app.reloading.troubles)
            await carried_out(plant, "w")
    assert names(plant) == ["one", "two"]
    assert [log["problem"] for log in logs if log["log_level"] == "warning"] == [text]
    assert [log["file"] for log in logs if "mended" in log["event"]] == ["workflows/w.yaml"]


async def test_a_file_that_calls_what_does_not_exist_is_not_used(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one")}) as plant:
        write(plant, "w.yaml", PUT.format(name="two").replace("world.put", "world.putt"))
        await until(lambda: plant.app.reloading.troubles)
        (text,) = plant.app.reloading.troubles["workflows/w.yaml"]
        assert "unknown-action" in text
        await carried_out(plant, "w")
    assert names(plant) == ["one"]


async def test_what_is_wrong_at_the_start_is_a_trouble_too(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {"good.yaml": PUT.format(name="one"), "bad.yaml": BROKEN}) as plant:
        assert list(plant.app.reloading.troubles) == ["workflows/bad.yaml"]
        write(plant, "bad.yaml", PUT.format(name="two"))
        await until(lambda: not plant.app.reloading.troubles)
        await carried_out(plant, "bad")


async def test_a_file_that_another_one_calls_may_break_without_taking_that_one_along(tmp_path: Path) -> None:
    async with a_plant(
        tmp_path, {"outer.yaml": "steps:\n  - {run: inner}\n", "inner.yaml": PUT.format(name="one")}
    ) as plant:
        write(plant, "inner.yaml", BROKEN)
        await until(lambda: plant.app.reloading.troubles)
        assert list(plant.app.reloading.troubles) == ["workflows/inner.yaml"]
        await carried_out(plant, "outer")


async def test_a_deleted_file_takes_its_workflows_with_it(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one"), "v.yaml": PUT.format(name="v")}) as plant:
        (tmp_path / "workflows" / "w.yaml").unlink()
        await until(lambda: not source_of(plant, "w"))
        with pytest.raises(UnknownNameError):
            await started(plant, "w")
        assert plant.app.reloading.troubles == {}


async def test_editors_that_put_another_file_in_its_place_work(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one")}) as plant:
        file = tmp_path / "workflows" / "w.yaml"
        for name in ("two", "three"):
            other = file.with_name(".w.yaml.swp")
            other.write_text(PUT.format(name=name))
            file.rename(file.with_name("w.yaml~"))
            other.replace(file)
            await until(partial(lambda wanted: wanted in source_of(plant, "w"), name))
        await carried_out(plant, "w")
    assert names(plant) == ["three"]


@pytest.mark.parametrize("half", [BROKEN, "", None])
async def test_a_file_that_is_half_written_for_a_moment_is_read_again(tmp_path: Path, half: str | None) -> None:
    clock = FakeClock(MIDNIGHT)
    async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one")}, clock=clock) as plant:
        file, seen = tmp_path / "workflows" / "w.yaml", clock.slept_s
        if half is None:
            file.unlink()
        else:
            file.write_text(half)
        await until(lambda: (clock.slept_s - seen) % 1 == 0.5)  # it waits for the rest
        assert "one" in source_of(plant, "w")
        file.write_text(PUT.format(name="two"))
        await clock.advance(0.5)
        await until(lambda: "two" in source_of(plant, "w"))
        assert plant.app.reloading.troubles == {}


async def test_a_folder_of_workflows_may_come_later(tmp_path: Path) -> None:
    project = make_project(tmp_path, {})
    (tmp_path / "workflows").rmdir()
    async with open_plant(project) as plant:
        await until(lambda: plant.app.reloading.is_following)
        (tmp_path / "workflows").mkdir()
        write(plant, "w.yaml", PUT.format(name="one"))
        await until(lambda: source_of(plant, "w"))
        write(plant, "w.yaml", PUT.format(name="two"))
        await until(lambda: "two" in source_of(plant, "w"))


async def test_a_new_cron_trigger_fires_without_a_restart(tmp_path: Path) -> None:
    clock = FakeClock(MIDNIGHT)
    async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one")}, clock=clock) as plant:
        write(plant, "w.yaml", 'on: [{cron: "0 3 * * *"}]\n' + PUT.format(name="three_o_clock"))

        async def known() -> bool:
            await clock.settle()
            return bool(await plant.app.store.schedules())

        await until(known)
        await clock.advance(3 * 3600 + 1)
        (run,) = await plant.ended(1)
        assert run.trigger_id == "w/cron/1"
        write(plant, "w.yaml", PUT.format(name="never"))
        await until(lambda: "never" in source_of(plant, "w"))
        await clock.advance(24 * 3600)
        assert len(await plant.runs()) == 1
    assert names(plant) == ["three_o_clock"]


async def test_a_new_event_trigger_starts_runs_without_a_restart(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {}) as plant:
        write(plant, "w.yaml", "on: [{event: world.moved}]\n" + PUT.format(name="moved"))
        await until(lambda: source_of(plant, "w"))
        event = Event(type="moved", data={}, time=datetime.now(UTC), key="1")
        await plant.app.intake.take("world", [event], received_at=datetime.now(UTC))
        await plant.ended(1)
    assert names(plant) == ["moved"]


def rewrite(plant: Plant, old: str, new: str) -> None:
    """Change the settings."""
    file = plant.folder / "backhaul.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


async def test_changed_settings_of_a_connection_are_used_by_the_next_run_only(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    texts = {"slow.yaml": GATED.format(gate=gate, name="slow_end"), "w.yaml": PUT.format(name="quick")}
    async with a_plant(tmp_path, texts) as plant:
        slow = await started(plant, "slow")
        await until(lambda: plant.done("entered"))
        former = plant.app.connections
        rewrite(plant, f'"{tmp_path / "world"}"', f'"{tmp_path / "new_world"}"')
        await until(lambda: plant.app.connections is not former)
        await carried_out(plant, "w")
        gate.touch()
        await plant.ended(2)
        assert (await plant.app.store.run(slow.run_id) or slow).status is RunStatus.SUCCEEDED
    assert names(plant) == ["slow", "slow_end"]
    assert [line["name"] for line in read_world(tmp_path / "new_world")] == ["quick"]


async def test_changed_limits_bind_also_the_runs_that_are_under_way(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    texts = {"slow.yaml": GATED.format(gate=gate, name="slow_end"), "w.yaml": PUT.format(name="quick")}
    async with a_plant(tmp_path, texts) as plant:
        await started(plant, "slow")
        await until(lambda: plant.done("entered"))
        former = plant.app.connections
        budget = former.budget("world")
        rewrite(plant, 'connector = "world"', 'connector = "world"\nlimits = {concurrency = 1}')
        await until(lambda: plant.app.connections is not former)
        await carried_out(plant, "w")
        assert budget is not None
        assert plant.app.connections.budget("world") is budget
        async with budget.slot():
            assert budget.under_way == 1
            with pytest.raises(TimeoutError), anyio.fail_after(0.05):
                async with budget.slot():
                    pass
        gate.touch()
        await plant.ended(2)


class Closing(World):
    """Writes down that it was closed."""

    async def close(self) -> None:
        """Say it."""
        self._append("closed")


async def test_former_connections_are_closed_when_their_last_run_has_ended(tmp_path: Path) -> None:
    gate, clock = tmp_path / "gate", FakeClock(MIDNIGHT)
    project = make_project(tmp_path, {"slow.yaml": GATED.format(gate=gate, name="end")}, world=Closing)
    async with open_plant(project, clock=clock) as plant:
        await until(lambda: plant.app.reloading.is_following)
        await started(plant, "slow")
        await until(lambda: plant.done("entered"))
        former = plant.app.connections
        rewrite(plant, f'"{tmp_path / "world"}"', f'"{tmp_path / "new_world"}"')
        await until(lambda: plant.app.connections is not former)
        await clock.advance(600)
        assert not plant.done("closed")
        gate.touch()
        await plant.ended(1)

        async def closed() -> bool:
            await clock.advance(10)
            return bool(plant.done("closed"))

        await until(closed)
    assert names(plant) == ["slow", "end"]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("[connections.world]", "[connections.world", "backhaul.toml:"),
        ("[server]", "[server]\nports = 1", "backhaul.toml:4: server.ports: "),
        ('connector = "world"', 'connector = "world"\nfiles = 1', "backhaul.toml:8: connections.world.files: "),
        ('connector = "world"', 'connector = "world"\nlimits = {a = 1}', "backhaul.toml:8: connections.world.limits"),
    ],
)
async def test_wrong_settings_keep_the_last_good_ones(tmp_path: Path, old: str, new: str, place: str) -> None:
    async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one")}) as plant:
        former, project = plant.app.connections, plant.app.project
        rewrite(plant, old, new)
        await until(lambda: plant.app.reloading.troubles)
        (text,) = plant.app.reloading.troubles["backhaul.toml"]
        assert text.startswith(place)
        assert (plant.app.connections, plant.app.project) == (former, project)
        await carried_out(plant, "w")
        rewrite(plant, new, old)
        await until(lambda: not plant.app.reloading.troubles)
        assert plant.app.connections is former


async def test_a_connection_that_was_wrong_before_keeps_nobody_from_changing_another(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"w.yaml": PUT.format(name="one")})
    with (tmp_path / "backhaul.toml").open("a") as file:
        file.write('[connections.other]\nconnector = "world"\n')
    async with open_plant(project) as plant:
        await until(lambda: plant.app.reloading.is_following)
        former = plant.app.connections
        rewrite(plant, f'"{tmp_path / "world"}"', f'"{tmp_path / "new_world"}"')
        await until(lambda: plant.app.connections is not former)
        await carried_out(plant, "w")
    assert len(read_world(tmp_path / "new_world")) == 1


async def test_a_new_connection_mends_a_workflow_that_lacked_it(tmp_path: Path) -> None:
    text = PUT.format(name="one").replace("world.put", "second.put")
    async with a_plant(tmp_path, {}) as plant:
        write(plant, "w.yaml", text)
        await until(lambda: plant.app.reloading.troubles)
        with (tmp_path / "backhaul.toml").open("a") as file:
            file.write(f'[connections.second]\nconnector = "world"\nfile = "{tmp_path / "world"}"\n')
        await until(lambda: not plant.app.reloading.troubles)
        await carried_out(plant, "w")
    assert names(plant) == ["one"]


async def test_a_comment_in_the_settings_opens_no_new_connections(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {"w.yaml": PUT.format(name="one")}) as plant:
        former = plant.app.connections
        rewrite(plant, "[store]", "# a comment\n[store]")
        write(plant, "w.yaml", PUT.format(name="two"))
        await until(lambda: "two" in source_of(plant, "w"))
        assert plant.app.connections is former


async def test_what_needs_a_restart_is_said_until_there_is_one(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"w.yaml": PUT.format(name="one")})
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "mine.py").write_text("a = 1\n")
    with capture_logs() as logs:
        async with open_plant(project) as plant:
            await until(lambda: plant.app.reloading.is_following)
            rewrite(plant, 'node = "here"', 'node = "there"')
            (tmp_path / "connectors" / "mine.py").write_text("a = 20\n")
            await until(lambda: len(plant.app.reloading.troubles) == 2)
            rewrite(plant, f'"{tmp_path / "world"}"', f'"{tmp_path / "new_world"}"')
            former = plant.app.connections
            await until(lambda: plant.app.connections is not former)
            assert set(plant.app.reloading.troubles) == {"backhaul.toml", "connectors/mine.py"}
            assert plant.app.node == "here"
            rewrite(plant, 'node = "there"', 'node = "here"')
            await until(lambda: set(plant.app.reloading.troubles) == {"connectors/mine.py"})
    said = [log["problem"] for log in logs if log["log_level"] == "warning"]
    assert len(said) == len(set(said)) == 2
    assert all("restart" in text for text in said)


async def test_history_settings_are_used_without_a_restart(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {}) as plant:
        rewrite(plant, "[server]", '[history]\nmax_age = "10d"\n[server]')
        await until(lambda: plant.app.project.settings.history.max_age_s == timedelta(days=10).total_seconds())


async def test_the_service_ends_at_once_though_the_watch_waits(tmp_path: Path) -> None:
    async with a_plant(tmp_path, {}):
        began = anyio.current_time()
    assert anyio.current_time() - began < 2


def test_what_has_changed_decides_what_to_do(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("workflows", "connectors")}
    for folder in folders.values():
        folder.mkdir()
    looks = [look_at(tmp_path)]
    for file in ("backhaul.toml", "workflows/a.yaml", "workflows/_helper.py", "connectors/b.py", "workflows/.a.yaml"):
        (tmp_path / file).write_text("x")
        looks.append(look_at(tmp_path))
    steps = [changes_between(before, after) for before, after in pairwise(looks)]
    assert steps == [
        Changes(settings=True),
        Changes(workflows=True),
        Changes(restart=("workflows/_helper.py",)),
        Changes(restart=("connectors/b.py",)),
        Changes(),
    ]
    (tmp_path / "workflows/a.yaml").unlink()
    assert changes_between(looks[-1], look_at(tmp_path)) == Changes(workflows=True)
