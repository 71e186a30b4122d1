"""The composition root: builds everything from a project folder, in the one place that knows all parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import structlog

from backhaul.clock import Clock, SystemClock
from backhaul.errors import UnknownNameError
from backhaul.plugins.budget import UsageStore
from backhaul.plugins.connections import Connections
from backhaul.plugins.loader import load_plugins
from backhaul.plugins.registry import PluginRegistry
from backhaul.runs.executor import Executor
from backhaul.runs.interventions import Interventions
from backhaul.runs.progress import RunObserver
from backhaul.settings import ProjectSettings, read_settings
from backhaul.store.journal import WriteObserver
from backhaul.store.records import WorkflowVersionRecord
from backhaul.store.store import Store
from backhaul.workflows.catalog import Catalog, load_source, read_folder
from backhaul.workflows.definition import Workflow

__all__ = ["App", "Project", "open_app"]

_log = structlog.get_logger(__name__)


class Project:
    """What a project folder says: settings, plug-ins, workflows. Nothing is opened and nothing is contacted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def settings(self) -> ProjectSettings:
        """The settings of ``backhaul.toml``."""
        return read_settings(self.folder)

    @cached_property
    def registry(self) -> PluginRegistry:
        """The installed connectors and those of the project's ``connectors/`` folder."""
        return load_plugins(self.folder / "connectors")

    @cached_property
    def catalog(self) -> Catalog:
        """The workflows of the project's ``workflows/`` folder."""
        return read_folder(self.folder / "workflows", self.folder)

    def connections(self, *, clock: Clock | None = None, usage: UsageStore | None = None) -> Connections:
        """Return the connections, none of them open.

        Args:
            clock: source of time; the machine's own when None.
            usage: keeps the day counts; they are kept in memory when None.
        """
        faults = self.settings.connection_faults()
        return Connections(self.settings.connections, self.registry, clock=clock, usage=usage, faults=faults)

    def current(self, name: str) -> Workflow:
        """Return the present version of a workflow.

        Raises:
            UnknownNameError: there is none of that name.
        """
        if name not in self.catalog.workflows:
            raise UnknownNameError("workflow", name, tuple(self.catalog.workflows))
        return self.catalog.workflows[name]

    def stored(self, version: WorkflowVersionRecord) -> Workflow:
        """Return the workflow whose text was stored with a run."""
        current = self.catalog.workflows.get(version.name)
        if current is not None and current.digest == version.digest:
            return current
        return load_source(version.kind, version.path, version.source, version.name, self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A project at work: its history is open, its connections open when they are needed."""

    project: Project
    clock: Clock
    store: Store
    connections: Connections
    executor: Executor
    interventions: Interventions


@asynccontextmanager
async def open_app(
    project: Project,
    *,
    clock: Clock | None = None,
    observer: RunObserver | None = None,
    write_observer: WriteObserver | None = None,
) -> AsyncIterator[App]:
    """Open a project's history and give everything that works on it; close it all afterwards.

    Raises:
        ConfigurationError: the settings are wrong.
        StoreError: the history cannot be opened.
    """
    clock = clock or SystemClock()
    project.settings.require_valid()
    async with (
        await Store.open(project.settings.store_url, clock=clock, observer=write_observer) as store,
        project.connections(clock=clock, usage=store) as connections,
    ):
        for warning in (*project.settings.warnings, *connections.warnings()):
            _log.warning(warning)
        executor = Executor(store, clock, connections, project, observer=observer, retry=project.settings.retry)
        yield App(
            project=project,
            clock=clock,
            store=store,
            connections=connections,
            executor=executor,
            interventions=Interventions(store, clock),
        )
