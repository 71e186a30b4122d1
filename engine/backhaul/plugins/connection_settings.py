"""The settings of one connection, as the project's file gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from backhaul.json_values import Json
from backhaul.plugins.limits import Limits
from backhaul.secrets import Secret

__all__ = ["ConnectionSettings"]


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
