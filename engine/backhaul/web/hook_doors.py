"""Who may send webhooks to a connection: the secret in the URL, the networks, the rate."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from backhaul.clock import Clock
from backhaul.plugins.connection_settings import ConnectionSettings

__all__ = ["Door", "HookDoors", "RateCap"]

_MINUTE_S = 60.0
# Sums of parts of a second are a little off.
_INEXACT_S = 1e-6


class RateCap:
    """Lets `per_minute` through at once, and no more than that per minute in the long run.

    Args:
        per_minute: at least 1.
        clock: source of time.
    """

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._every_s = _MINUTE_S / per_minute
        self._clock = clock
        self._used_until = clock.monotonic()

    def admit(self) -> float:
        """Count one more and return 0; or count nothing and return the seconds after which there is room again."""
        now = self._clock.monotonic()
        until = max(self._used_until, now) + self._every_s
        over_s = until - now - _MINUTE_S
        if over_s > _INEXACT_S:
            return over_s
        self._used_until = until
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The way in to one connection, for those who know a secret of it.

    Attributes:
        networks: from where webhooks are taken; empty for everywhere.
    """

    connection: str
    networks: tuple[IPv4Network | IPv6Network, ...]
    cap: RateCap

    def is_open_to(self, client: str) -> bool:
        """Tell whether an address is in one of the networks; without networks, every address is."""
        if not self.networks:
            return True
        try:
            address = ip_address(client.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


class HookDoors:
    """The doors of all connections that have a secret for webhooks.

    What is looked up is a keyed digest of connection and secret, with a key that lives as long as the object. So a
    right secret, a wrong one and a connection that does not exist take the same work, and the time of a comparison
    tells nothing of a secret.
    """

    def __init__(self, connections: Iterable[ConnectionSettings], *, per_minute: int, clock: Clock) -> None:
        self._key = os.urandom(32)
        self._doors: dict[bytes, Door] = {}
        for one in connections:
            cap = RateCap(per_minute, clock)
            door = Door(connection=one.name, networks=one.allowed_networks, cap=cap)
            for secret in one.hook_secrets:
                self._doors[self._digest(one.name.encode(), secret.reveal().encode())] = door

    def find(self, connection: bytes, secret: bytes) -> Door | None:
        """Return the door to a connection, if this is one of its secrets."""
        return self._doors.get(self._digest(connection, secret))

    def _digest(self, connection: bytes, secret: bytes) -> bytes:
        return blake2b(b"%d:%s%s" % (len(connection), connection, secret), key=self._key).digest()
