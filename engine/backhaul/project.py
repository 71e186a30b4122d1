"""What a project folder says: its settings, plug-ins and workflows. Nothing is opened and nothing is contacted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from pydantic import ValidationError

from backhaul.clock import Clock
from backhaul.errors import InputError, SettingError
from backhaul.json_values import Json
from backhaul.plugins.budget import UsageStore
from backhaul.plugins.connections import Connections
from backhaul.plugins.loader import load_plugins
from backhaul.plugins.registry import PluginRegistry
from backhaul.plugins.setting_problems import problems_of
from backhaul.server_settings import ServerSettings
from backhaul.settings import ProjectSettings, read_settings
from backhaul.store.connection_events import ConnectionEvents
from backhaul.store.records import WorkflowVersionRecord
from backhaul.store.runs import RunQueries
from backhaul.workflows.catalog import Catalog, check_catalog, keeping_last_good, load_source, read_folder
from backhaul.workflows.definition import Workflow

__all__ = ["Project", "says_the_same"]


class Project:
    """What a project folder says: settings, plug-ins, workflows. Nothing is opened and nothing is contacted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: dict[str, Json] = {}

    @cached_property
    def settings(self) -> ProjectSettings:
        """The settings of ``backhaul.toml``."""
        settings = read_settings(self.folder)
        if not self._server:
            return settings
        return replace(settings, server=ServerSettings(**{**settings.server.model_dump(), **self._server}))

    def override_server(self, given: Mapping[str, Json]) -> None:
        """Let values of the command line go before those of the ``[server]`` table.

        Raises:
            InputError: a value does not fit.
        """
        self._server = dict(given)
        self.__dict__.pop("settings", None)  # read already, without them
        try:
            _ = self.settings
        except ValidationError as error:
            reasons = [
                f"--{'.'.join(keys)}: {reason}" for keys, reason, _ in problems_of(error, ServerSettings.model_fields)
            ]
            raise InputError("serve", reasons) from None

    @cached_property
    def registry(self) -> PluginRegistry:
        """The installed connectors and those of the project's ``connectors/`` folder."""
        return load_plugins(self.folder / "connectors")

    @cached_property
    def catalog(self) -> Catalog:
        """The workflows of the project's ``workflows/`` folder."""
        return read_folder(self.folder / "workflows", self.folder)

    def again(self) -> Project:
        """Return the project with the settings as they are now, and else what this one has. Reads ``backhaul.toml``."""
        project = Project(self.folder)
        project._server = self._server
        project.registry, project.catalog = self.registry, self.catalog
        _ = project.settings
        return project

    def catalog_again(self) -> Catalog:
        """Return the workflows as their files are now; where a file has problems, those that it last held without any.

        It reads all files, so it is for worker threads.
        """
        read = read_folder(self.folder / "workflows", self.folder)
        candidate = keeping_last_good(self.catalog, read, read.problems)
        connections = self.connections()
        problems = check_catalog(candidate, connections.actions(), events=connections.event_types())
        return keeping_last_good(self.catalog, read, problems)

    def faults(self, connections: Connections) -> list[SettingError]:
        """Return everything that is wrong with the settings, and what connectors say of theirs."""
        found = list(self.settings.problems)
        places = {error.where for error in found}
        return found + [error for error in connections.problems() if error.where not in places]

    def connections(
        self,
        *,
        clock: Clock | None = None,
        usage: UsageStore | None = None,
        history: Callable[[], Awaitable[RunQueries]] | None = None,
    ) -> Connections:
        """Return the connections, none of them open.

        Args:
            clock: source of time; the machine's own when None.
            usage: keeps the day counts; they are kept in memory when None.
            history: returns the store, when a connector asks for the events of its connection; None: it gets none.
        """
        return Connections(
            self.settings.connections,
            self.registry,
            clock=clock,
            usage=usage,
            events=None if history is None else partial(ConnectionEvents, history),
            faults=self.settings.connection_faults(),
        )

    def current(self, name: str) -> Workflow:
        """Return the present version of a workflow.

        Raises:
            UnknownNameError: there is none of that name.
        """
        if name not in self.catalog.workflows:
            raise self.catalog.unknown(name)
        return self.catalog.workflows[name]

    def stored(self, version: WorkflowVersionRecord) -> Workflow:
        """Return the workflow whose text was stored with a run."""
        current = self.catalog.workflows.get(version.name)
        if current is not None and current.digest == version.digest:
            return current
        return load_source(version.kind, version.path, version.source, version.name, self.folder)


def says_the_same(one: ProjectSettings, other: ProjectSettings) -> bool:
    """Return whether two settings differ in nothing but places in the file, and what is wrong in it."""
    return _without_places(one) == _without_places(other)


def _without_places(settings: ProjectSettings) -> ProjectSettings:
    connections = tuple(replace(one, place="", places={}) for one in settings.connections)
    return replace(settings, connections=connections, warnings=(), problems=())
