"""The settings of one connection, as the project's file gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from backhaul.errors import SettingError
from backhaul.json_values import Json
from backhaul.plugins.limits import Limits
from backhaul.secrets import Secret

__all__ = ["ConnectionSettings", "connection_of", "read_hook_secrets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One ``[connections.NAME]`` table.

    Attributes:
        name: name of the connection.
        connector: name of its connector.
        limits: the connection's budget.
        raw: the connector's own settings, not yet checked.
        hook_secrets: what a sender of webhooks proves itself with; several during a rotation.
        allowed_networks: from where webhooks are taken; empty for everywhere.
        place: where the table is, ``backhaul.toml:12``.
        places: where each of its keys is.
    """

    name: str
    connector: str
    limits: Limits = field(default_factory=Limits)
    raw: Mapping[str, Json] = field(default_factory=dict, repr=False)
    hook_secrets: tuple[Secret, ...] = ()
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    place: str = "backhaul.toml"
    places: Mapping[str, str] = field(default_factory=dict, repr=False)

    def where(self, *keys: str) -> str:
        """Return the place of a setting, for errors: ``backhaul.toml:14: connections.acs.base_url``."""
        place = self.places.get(".".join(keys)) or self.places.get(keys[0] if keys else "") or self.place
        return ": ".join((place, ".".join(("connections", self.name, *keys))))


def connection_of(problem: SettingError) -> str | None:
    """Return the connection whose settings a problem is about, None when it is about others."""
    found = re.search(r": connections\.([^.]+)", problem.where)
    return found[1] if found else None


def read_hook_secrets(table: Mapping[str, Json]) -> tuple[tuple[Secret, ...], list[str]]:
    """Return what a table says in ``hook_secret`` and ``hook_secrets``, and which of the two hold something else."""
    found: list[Secret] = []
    faulty = []
    for key in ("hook_secret", "hook_secrets"):
        given = table.get(key, [])
        values = given if isinstance(given, list) and key == "hook_secrets" else [given] if key in table else []
        secrets = [Secret(value.strip()) for value in values if isinstance(value, str) and value.strip()]
        if len(secrets) != len(values):
            faulty.append(key)
        found += secrets
    return tuple(found), faulty
