"""Telephony servers, partitions and devices that integrator clients are linked to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from backhaul_connectors.sandbox.desks import DESKS
from backhaul_connectors.sandbox.people import name_of
from backhaul_connectors.sandbox.phones import fixed_line, international, subscriber_of
from backhaul_connectors.sandbox.population import Population

__all__ = ["ANY_DEVICE", "ANY_NUMBER", "ISP_PARTITION", "ISP_TELSYS", "Directory", "Scope"]

ANY_DEVICE = "UnknownNoneOrAll"
ANY_NUMBER = -1
ISP_TELSYS, ISP_PARTITION, _DESK_PARTITION = 500, 1, 2
_ALL_PARTITIONS = "[None Or All Partitions]"

_SERVERS: dict[int, str | None] = {
    366: None, 389: None, 398: None, 401: None, 403: None, 417: "Sunshine Insurance", 426: "MST Dev Tenant",
    ISP_TELSYS: "Provedor Exemplo",
}  # fmt: skip
"""Those of the vendor page, labels as there, and the fictional ISP's own."""
_PARTITIONS = {**{(telsys, 1): label for telsys, label in _SERVERS.items()}, (ISP_TELSYS, _DESK_PARTITION): "Suporte"}
_DEVICES = {
    (417, 1, "01234567102"): "Doc Morrissey",
    (417, 1, "01234567120"): "Anne Hunter",
    (426, 1, "+442046034980"): "User01 A4MTTest",
    (426, 1, "+442046034981"): "User02 A4MTTest",
    (426, 1, "+442046034982"): "User03 A4MTTest",
    (426, 1, "+442046034983"): "User04 A4MTTest",
    **{(ISP_TELSYS, _DESK_PARTITION, f"+{desk.number}"): desk.name for desk in DESKS},
}


class Scope(NamedTuple):
    """Which device, partition or server a path names; -1 and ``UnknownNoneOrAll`` mean all or none."""

    telsys: int
    partition: int
    device: str

    def __str__(self) -> str:
        return f"{self.telsys}/{self.partition}/{self.device}"

    def covers(self, other: Scope) -> bool:
        """Tell whether another scope lies inside this one, wildcards included."""
        return (
            self.telsys in (ANY_NUMBER, other.telsys)
            and self.partition in (ANY_NUMBER, other.partition)
            and self.device in (ANY_DEVICE, other.device)
        )


class Directory:
    """Looks up labels and devices. The subscribers' fixed lines are the devices of the ISP's partition 1."""

    def __init__(self, population: Population) -> None:
        self._population = population

    def telsys_label(self, telsys: int) -> str | None:
        """Return the label of a telephony server."""
        return _SERVERS.get(telsys)

    def partition_label(self, telsys: int, partition: int) -> str | None:
        """Return the label of a partition, as the vendor's sample list shows it for -1 and -3."""
        return _ALL_PARTITIONS if partition == ANY_NUMBER else _PARTITIONS.get((telsys, partition))

    def device_label(self, scope: Scope) -> str | None:
        """Return a device's label; the text ``None`` where no device is meant; None for an unknown device."""
        if scope.device == ANY_DEVICE:
            return "None"
        index = self._line(scope)
        if index is not None:
            return name_of(self._population.seed, index)
        return _DEVICES.get(scope)

    def has(self, scope: Scope) -> bool:
        """Tell whether the scope names something that exists."""
        if scope.telsys != ANY_NUMBER and scope.telsys not in _SERVERS:
            return False
        known = (scope.telsys, scope.partition) in _PARTITIONS
        if scope.device == ANY_DEVICE:
            return known or scope.partition == ANY_NUMBER
        return known and self.device_label(scope) is not None

    def servers(self) -> Iterator[tuple[int, str | None]]:
        """Yield id and label of every telephony server."""
        yield from _SERVERS.items()

    def partitions(self, telsys: int) -> Iterator[tuple[int, str | None]]:
        """Yield id and label of every partition of a server."""
        yield from ((number, label) for (at, number), label in _PARTITIONS.items() if at == telsys)

    def line_of(self, index: int) -> str:
        """Return the device number of a subscriber."""
        return f"+{international(fixed_line(self._population.seed, index))}"

    def _line(self, scope: Scope) -> int | None:
        """Return the subscriber whose fixed line the scope names."""
        if (scope.telsys, scope.partition) != (ISP_TELSYS, ISP_PARTITION):
            return None
        index = subscriber_of(self._population.seed, scope.device)
        if index is None or index >= self._population.logins:
            return None
        return index if self.line_of(index) == scope.device else None
