"""What happened to single ACS devices since the seed: settings, restarts, tests, and what waits for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["DeviceTask", "Diagnosis", "LiveDevice", "LiveDevices"]

DeviceTask = Callable[[int, float], None]
"""Carried out at a device's next contact, with its slot and the time of the contact."""


@dataclass(slots=True)
class Diagnosis:
    """The last run of one kind of test on a device. ``result`` is None until it has finished."""

    number: int
    inputs: dict[str, object]
    result: list[dict[str, object]] | None = None


@dataclass(slots=True)
class LiveDevice:
    """The part of a device that is not derived from the seed. Times are seconds since the epoch."""

    online: bool | None = None
    """Set by hand; None: as seeded."""
    restarting: bool = False
    never_returns: bool = False
    booted_at: float | None = None
    contact_at: float | None = None
    """The last contact outside the periodic ones."""
    was_reset: bool = False
    wifi: dict[str, dict[str, object]] = field(default_factory=dict)
    """Changed fields by Wi-Fi id, the password among them."""
    parameters: dict[str, object] = field(default_factory=dict)
    """Raw TR-069 parameters that were written."""
    rejected: list[dict[str, str]] = field(default_factory=list)
    """Parameters that the device refused: ``{"parameter", "fault"}``."""
    diagnostics: dict[str, Diagnosis] = field(default_factory=dict)
    tests: int = 0
    line_mbps: tuple[float, float] | None = None
    """Download and upload of the line, set by hand; None: by the contracted plan."""
    tasks: list[DeviceTask] = field(default_factory=list)
    contact_planned: bool = False


class LiveDevices:
    """The devices that something happened to, by slot: a million untouched ones cost nothing."""

    def __init__(self) -> None:
        self._devices: dict[int, LiveDevice] = {}

    def get(self, slot: int) -> LiveDevice | None:
        """Return a device that something happened to, or None."""
        return self._devices.get(slot)

    def of(self, slot: int) -> LiveDevice:
        """Return a device to change it."""
        return self._devices.setdefault(slot, LiveDevice())

    def forget(self, slot: int) -> None:
        """Return a device to the seed: it was deleted."""
        self._devices.pop(slot, None)

    def contacted_since(self, at: float) -> list[int]:
        """Return the slots of the devices that contacted the ACS outside their rhythm since a time."""
        return sorted(slot for slot, live in self._devices.items() if (live.contact_at or 0.0) >= at)
