"""The integrator clients: the fifteen of the vendor page at the start, and what callers make of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from backhaul_connectors.sandbox.akixi.directory import Directory, Scope
from backhaul_connectors.sandbox.akixi.page_clients import PAGE_CLIENTS, PAGE_ENVIRONMENT
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.derive import mix

__all__ = ["ClientStore", "IntegratorClient", "well_formed"]

_VMID = re.compile(r"[0-9a-f]{16}:-?[0-9a-f]{1,8}:[0-9a-f]{1,12}:-?[0-9a-f]{1,4}")
_ZONE = ZoneInfo("Europe/London")
_SEEDED_BY = "174546f958aa15f1:2744ca9:19889c3e648:1"


def well_formed(text: str) -> bool:
    """Tell whether a text has the form of the vendor's ids (akixi.md quirk 10)."""
    return _VMID.fullmatch(text) is not None


@dataclass(slots=True, kw_only=True)
class IntegratorClient:
    """One entry. ``settings`` and ``policies`` are flat JSON objects, kept as they came."""

    id: str
    description: str
    scope: Scope
    environment: str | None
    created_at: float
    updated_at: float
    created_by: str
    updated_by: str
    policies: dict[str, object] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)


class ClientStore:
    """Entries by id. New ids come from the clock at the start and a counter, so they are the same for one seed."""

    def __init__(self, directory: Directory, clock: WorldClock, seed: int) -> None:
        self.directory = directory
        self._clock = clock
        bits = mix(seed, 0xA111)
        self._host = f"{mix(seed, 0xA112):016x}:{_signed(bits & 0xFFFF_FFFF, 32)}:{int(clock.now() * 1000):x}"
        self._counter = 0x8000
        self._by_id: dict[str, IntegratorClient] = {}
        for client_id, description, scope in PAGE_CLIENTS:
            made_at = int(client_id.split(":")[2], 16) / 1000
            self._by_id[client_id] = IntegratorClient(
                id=client_id, description=description, scope=scope, environment=PAGE_ENVIRONMENT,
                created_at=made_at, updated_at=made_at, created_by=_SEEDED_BY, updated_by=_SEEDED_BY,
                policies={"core::showUseConfigurationWindow": True},
                settings={"interface::showCallNotificationPreview": True},
            )  # fmt: skip

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[IntegratorClient]:
        """Yield all entries in the order of lists: by server label, nulls first, then by id (akixi.md quirk 7)."""
        return iter(sorted(self._by_id.values(), key=lambda c: (self.telsys_label(c) or "", c.id)))

    def get(self, client_id: str) -> IntegratorClient | None:
        """Return one entry."""
        return self._by_id.get(client_id)

    def at(self, scope: Scope) -> IntegratorClient | None:
        """Return the first entry with exactly this scope."""
        return next((client for client in self._by_id.values() if client.scope == scope), None)

    def new_id(self) -> str:
        """Return an unused id in VMID form: host, process, start of the process in ms, signed counter."""
        while True:
            self._counter = (self._counter + 1) % 0x1_0000
            client_id = f"{self._host}:{_signed(self._counter, 16)}"
            if client_id not in self._by_id:
                return client_id

    def add(self, client: IntegratorClient) -> None:
        """Keep a new entry."""
        self._by_id[client.id] = client

    def remove(self, client_id: str) -> None:
        """Forget an entry."""
        self._by_id.pop(client_id, None)

    def telsys_label(self, client: IntegratorClient) -> str | None:
        """Return the label of an entry's telephony server."""
        return self.directory.telsys_label(client.scope.telsys)

    def register(self, client: IntegratorClient, wanted: frozenset[str], *, texts: bool) -> dict[str, object]:
        """Return an entry as lists show it, and as Info shows it with ``texts``: ids as text, and its environment."""
        scope = client.scope
        found: dict[str, object] = {
            "ID": client.id,
            "Description": client.description,
            "TelSysID": str(scope.telsys) if texts else scope.telsys,
            "PartitionID": str(scope.partition) if texts else scope.partition,
            "DeviceNumber": scope.device,
        }
        if texts:
            found["CMEnvironmentID"] = client.environment
        return {**found, **{name: value for name, value in self._extra(client).items() if name in wanted}}

    def _extra(self, client: IntegratorClient) -> dict[str, object]:
        """Return what ``IntegratorClientFields`` may ask for (Properties of the vendor page)."""
        scope = client.scope
        return {
            "TelSysDescription": self.directory.telsys_label(scope.telsys),
            "PartitionDescription": self.directory.partition_label(scope.telsys, scope.partition),
            "DeviceDescription": self.directory.device_label(scope),
            "Policies": client.policies,
            "Settings": client.settings,
            "DeviceUniqueID": None if scope.device == "UnknownNoneOrAll" else f"dev-{scope.telsys}-{scope.device}",
            "UserIDCreatedBy": client.created_by,
            "UserIDUpdatedBy": client.updated_by,
            "DateTimeCreated": _timestamp(client.created_at),
            "DateTimeUpdated": _timestamp(client.updated_at),
        }


def _timestamp(at: float) -> str:
    """Return a timestamp without time zone, as the vendor stores it; the zone is London's (assumed)."""
    return datetime.fromtimestamp(int(at), _ZONE).replace(tzinfo=None).isoformat(sep=" ")


def _signed(value: int, bits: int) -> str:
    """Return a number as Java prints signed hexadecimal numbers."""
    return f"{value - (1 << bits) if value >> (bits - 1) else value:x}"
