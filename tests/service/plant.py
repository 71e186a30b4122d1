"""A whole project with a service for tests: workflow files in a folder, a real store, the world as its only system."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from backhaul.app import App, Project, open_app
from backhaul.clock import Clock
from backhaul.plugins.action import actions_of
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.runs.progress import RunObserver
from backhaul.service.service import Service
from backhaul.store.journal import WriteObserver
from backhaul.store.records import RunRecord, RunStatus
from backhaul.store.service_records import DecisionRecord
from world import World, read_world


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A project with its service.

    Attributes:
        folder: the project folder; the world's file is in it.
        service: stopped when the plant closes.
    """

    folder: Path
    app: App
    service: Service

    def done(self, what: str | None = None) -> list[dict[str, Any]]:
        """Return what was done to the world."""
        return [line for line in read_world(self.folder / "world") if what is None or line["do"] == what]

    async def runs(self, workflow: str | None = None) -> list[RunRecord]:
        """Return all runs, oldest first."""
        return list(reversed((await self.app.store.runs(workflow=workflow, limit=100_000))[0]))

    async def decisions(self, trigger_id: str | None = None) -> list[DecisionRecord]:
        """Return all decisions, oldest first."""
        return list(reversed((await self.app.store.decisions(trigger_id=trigger_id, limit=100_000))[0]))

    async def ended(self, count: int, workflow: str | None = None) -> list[RunRecord]:
        """Return the runs once at least `count` of them have ended, and all that there are have."""

        async def look() -> list[RunRecord] | None:
            runs = await self.runs(workflow)
            going = {RunStatus.QUEUED, RunStatus.RUNNING}
            return runs if len(runs) >= count and not any(run.status in going for run in runs) else None

        found: list[RunRecord] = await until(look)
        return found


async def until(look: Callable[[], Any], *, seconds: float = 20.0) -> Any:
    """Return what `look` gives as soon as that is true."""
    with anyio.fail_after(seconds):
        while True:
            found = look()
            if hasattr(found, "__await__"):
                found = await found
            if found:
                return found
            await anyio.sleep(0.003)


def make_project(
    folder: Path,
    workflows: Mapping[str, str],
    *,
    url: str | None = None,
    server: str = "",
    world: type[World] = World,
    node: str = "here",
    file: Path | None = None,
) -> Project:
    """Write a project's files and return it.

    Args:
        workflows: texts by file name.
        url: of the store; a SQLite file in the folder when None.
        server: lines of the ``[server]`` table.
        file: the world's file; one in the folder when None.
    """
    (folder / "workflows").mkdir(parents=True, exist_ok=True)
    for name, text in workflows.items():
        (folder / "workflows" / name).write_text(text)
    settings = f'[store]\nurl = "{url or "sqlite:///history.db"}"\n[server]\nnode = "{node}"\n{server}\n'
    (folder / "backhaul.toml").write_text(
        settings + f'[connections.world]\nconnector = "world"\nfile = "{file or folder / "world"}"\n'
    )
    project = Project(folder)
    loaded = LoadedConnector(name="world", cls=world, actions=actions_of(world), source="tests", version="")
    project.registry = PluginRegistry(connectors={"world": loaded})
    return project


@asynccontextmanager
async def open_plant(
    project: Project,
    *,
    clock: Clock | None = None,
    observer: RunObserver | None = None,
    write_observer: WriteObserver | None = None,
    going: bool = True,
) -> AsyncIterator[Plant]:
    """Run a project's service beside the body, and stop it in order afterwards.

    Args:
        going: False leaves the service unstarted.
    """
    async with (
        open_app(project, clock=clock, foreground=False, observer=observer, write_observer=write_observer) as app,
        anyio.create_task_group() as group,
    ):
        plant = Plant(folder=project.folder, app=app, service=app.service())
        if going:
            group.start_soon(plant.service.run)
        try:
            yield plant
        finally:
            plant.service.stop()
