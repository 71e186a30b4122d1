"""The connectors that were found, and the plug-ins that could not be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from backhaul.errors import ConfigurationError, UnknownNameError
from backhaul.plugins.action import ActionSpec
from backhaul.plugins.connector import Connector
from backhaul.plugins.events import PollSpec

__all__ = ["BrokenPlugin", "LoadedConnector", "PluginRegistry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConnector:
    """One kind of system that connections can be made to.

    Attributes:
        name: what the ``connector`` setting says.
        cls: the class.
        actions: its actions by name, in the order of their definition.
        source: where it comes from, for people: a distribution and module, or a file of the project.
        version: version of the distribution, empty for a file of the project.
        webhook: name of the method that receives webhooks, or None.
        polls: the sources of events that are polled.
    """

    name: str
    cls: type[Connector[Any]]
    actions: Mapping[str, ActionSpec]
    source: str
    version: str
    webhook: str | None = None
    polls: tuple[PollSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPlugin:
    """A plug-in that disabled itself.

    Attributes:
        name: name of the entry point or of the file.
        source: where it comes from, for people.
        reason: why it cannot be used, and where to mend it.
    """

    name: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRegistry:
    """Everything that plug-ins brought."""

    connectors: Mapping[str, LoadedConnector] = field(default_factory=lambda: MappingProxyType({}))
    broken: tuple[BrokenPlugin, ...] = ()

    def connector(self, name: str) -> LoadedConnector:
        """Return the connector of that name.

        Raises:
            UnknownNameError: there is none; the nearest name is suggested.
            ConfigurationError: the plug-in of that name is broken; the text says why.
        """
        if name in self.connectors:
            return self.connectors[name]
        for plugin in self.broken:
            if plugin.name == name:
                raise ConfigurationError(f"connector {name!r} ({plugin.source}) cannot be used: {plugin.reason}")
        raise UnknownNameError("connector", name, tuple(self.connectors))
