"""The composition root: builds everything from a project folder, in the one place that knows all parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import anyio
import structlog

from backhaul.clock import Clock, SystemClock
from backhaul.plugins.connection_settings import connection_of
from backhaul.plugins.connections import Connections
from backhaul.project import Project, says_the_same
from backhaul.runs.executor import CANCEL_GRACE_S, Executor
from backhaul.runs.interventions import Interventions
from backhaul.runs.progress import RunObserver
from backhaul.service.approvals import Approvals
from backhaul.service.dispatcher import Dispatcher
from backhaul.service.event_triggers import EventTriggers
from backhaul.service.intake import Intake
from backhaul.service.poller import Poller
from backhaul.service.reloading import NewSettings, Reloading
from backhaul.service.retention import Retention
from backhaul.service.scheduler import Scheduler
from backhaul.service.schedules import Schedules
from backhaul.service.service import Service
from backhaul.service.waker import Waker
from backhaul.store.journal import WriteObserver
from backhaul.store.records import WorkflowVersionRecord
from backhaul.store.store import Store
from backhaul.workflows.catalog import Catalog
from backhaul.workflows.definition import Workflow

__all__ = ["App", "Project", "open_app", "open_connections"]

_log = structlog.get_logger(__name__)


class App:
    """A project at work: its history is open, its connections open when they are needed.

    Args:
        project: what the files say; `project` and `connections` are replaced as a whole when these change.
        clock: source of time.
        store: the history.
        connections: the project's connections.
        foreground: a person looks on; False for the service, whose runs go on without one.
        observer: is told what happens in runs.
    """

    def __init__(
        self,
        project: Project,
        clock: Clock,
        store: Store,
        connections: Connections,
        *,
        foreground: bool = True,
        observer: RunObserver | None = None,
    ) -> None:
        self.project = project
        self.clock = clock
        self.store = store
        self.connections = connections
        server = project.settings.server
        self.node = server.node
        self._settings_at_start = project.settings
        self._former: list[Connections] = []
        self._triggers: tuple[Catalog, EventTriggers] | None = None
        self.intake = Intake(store, clock, node=self.node, triggers=self._present_triggers)
        self.executor = Executor(
            store,
            clock,
            connections,
            self,
            node=self.node,
            foreground=foreground,
            sink=self.intake,
            observer=observer,
            retry=project.settings.retry,
            # Otherwise a service that ends would cut steps off before its grace time is over.
            cancel_grace_s=CANCEL_GRACE_S if foreground else max(CANCEL_GRACE_S, server.grace_s),
        )
        self.interventions = Interventions(store, clock, node=self.executor.node, sink=self.intake)
        self.dispatcher = Dispatcher(store, clock, self.executor, self, node=self.node, max_runs=server.max_runs)
        self.intake.on_run = self.dispatcher.add
        self.waker = Waker(store, clock, self.executor.waits, self.dispatcher.notice)
        self.intake.on_event = self.waker.take
        self.approvals = Approvals(store, clock, board=self.executor.waits, notice=self.dispatcher.notice)
        self.schedules = Schedules(
            store,
            clock,
            self._present_workflows,
            node=self.node,
            broken_files=lambda: self.project.catalog.broken_files,
        )
        self.scheduler = Scheduler(
            store,
            clock,
            self._present_workflows,
            node=self.node,
            on_run=self.dispatcher.add,
            cancel=self.interventions.cancel,
        )
        self.poller = Poller(store, clock, lambda: self.connections, self.intake, self._is_awaited)
        self.retention = Retention(store, clock, lambda: self.project.settings.history, self._present_workflows)
        self.reloading = Reloading(project.folder, clock, self)

    def current(self, name: str) -> Workflow:
        """Return the present version of a workflow (`UnknownNameError` when there is none)."""
        return self.project.current(name)

    def stored(self, version: WorkflowVersionRecord) -> Workflow:
        """Return the workflow whose text was stored with a run."""
        return self.project.stored(version)

    def service(self) -> Service:
        """Return the service of this project, not running yet."""
        loops = {
            "schedules": self.scheduler.run,
            "polls": self.poller.run,
            "waits": self.waker.run,
            "retention": self.retention.run,
            "files": self.reloading.run,
        }
        return Service(self.clock, self.dispatcher, loops, grace_s=self.project.settings.server.grace_s)

    def present_workflows(self) -> Catalog:
        """Return the workflows that are in use."""
        return self.project.catalog

    def read_workflows(self) -> Catalog:
        """Return the workflows as they are now, the last good ones where a file has problems. It blocks."""
        return self.project.catalog_again()

    def use_workflows(self, catalog: Catalog) -> None:
        """Go by these workflows from now on; runs that have begun go on with their own."""
        self.project.catalog = catalog
        self.scheduler.reload()

    def read_settings(self) -> NewSettings:
        """Return the settings as they are now, and what keeps them from being used. It blocks."""
        project = self.project.again()
        connections = project.connections(clock=self.clock, usage=self.store, history=self._history)
        # A connection that could not be used before keeps nobody from mending another.
        faulty = {connection_of(fault) for fault in self.project.faults(self.connections)} - {None}
        faults = [fault for fault in project.faults(connections) if connection_of(fault) not in faulty]
        settings, start = project.settings, self._settings_at_start
        tables = {"store": "store_url", "server": "server", "log": "log"}
        return NewSettings(
            problems=tuple(str(fault) for fault in faults),
            restart=tuple(one for one, name in tables.items() if getattr(settings, name) != getattr(start, name)),
            use=None if says_the_same(settings, self.project.settings) else partial(self._use, project, connections),
        )

    def _use(self, project: Project, connections: Connections) -> Connections:
        """Go by other settings from now on, and return the connections whose place others have taken."""
        former = self.connections
        connections.succeed(former)
        self._former.append(former)
        project.catalog = self.project.catalog
        self.project = project
        self.connections = self.executor.connections = connections
        self.executor.retry = project.settings.retry
        for warning in (*project.settings.warnings, *connections.warnings()):
            _log.warning(warning)
        return former

    async def close_connections(self) -> None:
        """Close all connections, also those whose place others have taken."""
        for connections in (self.connections, *self._former):
            await connections.close()

    async def _history(self) -> Store:
        return self.store

    def _present_workflows(self) -> Mapping[str, Workflow]:
        return self.project.catalog.workflows

    async def _is_awaited(self, prefix: str) -> bool:
        """Return whether a workflow has a trigger for events whose type begins so, or a run waits for one."""
        if self._present_triggers().awaits(prefix):
            return True
        return any(name.startswith(prefix) for name in await self.store.waited_types())

    def _present_triggers(self) -> EventTriggers:
        catalog = self.project.catalog
        if self._triggers is None or self._triggers[0] is not catalog:
            self._triggers = (catalog, EventTriggers(catalog.workflows, self.node))
        return self._triggers[1]


@asynccontextmanager
async def open_app(
    project: Project,
    *,
    clock: Clock | None = None,
    foreground: bool = True,
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

    async def history() -> Store:
        return store

    async with await Store.open(project.settings.store_url, clock=clock, observer=write_observer) as store:
        connections = project.connections(clock=clock, usage=store, history=history)
        for warning in (*project.settings.warnings, *connections.warnings()):
            _log.warning(warning)
        app = App(project, clock, store, connections, foreground=foreground, observer=observer)
        try:
            yield app
        finally:
            await app.close_connections()


@asynccontextmanager
async def open_connections(project: Project) -> AsyncIterator[Connections]:
    """Give the connections for calls outside any run; close them afterwards.

    Nothing is counted. The history is opened only when a connector asks for stored events: a call that needs none
    works without it.
    """
    async with AsyncExitStack() as stack:
        opened: list[Store] = []
        opening = anyio.Lock()

        async def history() -> Store:
            async with opening:
                if not opened:
                    store = await Store.open(project.settings.store_url, clock=SystemClock())
                    opened.append(await stack.enter_async_context(store))
            return opened[0]

        yield await stack.enter_async_context(project.connections(history=history))
