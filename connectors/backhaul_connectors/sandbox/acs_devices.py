"""The devices that the ACS knows: which exist, their PPPoE logins, and their order by serial number."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence

from backhaul_connectors.sandbox.population import Population

__all__ = ["AcsDevices"]

_FEW = 100


class AcsDevices:
    """Devices are slots: seeded devices have the index of the population, added ones follow.

    ``version`` rises with every change, so that readers can cache what they derived.
    """

    def __init__(self, population: Population) -> None:
        self.population = population
        self.version = 0
        self._order = array("I", range(population.devices))
        self._next = population.devices + population.gone
        self._added_serials: dict[int, str] = {}
        self._added_slots: dict[str, int] = {}
        self._created: dict[int, float] = {}
        self._logins: dict[int, str | None] = {}
        self._slots_by_changed_login: dict[str, set[int]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[int]:
        return iter(self._order)

    @property
    def order(self) -> Sequence[int]:
        """The slots of all present devices in the order of their serial numbers."""
        return self._order

    def serial(self, slot: int) -> str:
        """Return the serial number of a slot, present or not."""
        return self._added_serials.get(slot) or self.population.serial(slot)

    def login(self, slot: int) -> str | None:
        """Return the PPPoE login that the ACS knows for a device; None for a bridge."""
        if slot in self._logins:
            return self._logins[slot]
        return self.population.device_login(slot)

    def created(self, slot: int) -> float | None:
        """Return when the device was added during the world's life; None for a seeded device."""
        return self._created.get(slot)

    def added_since(self, at: float) -> list[int]:
        """Return the present devices that were added at this time or later, by serial number."""
        added = (slot for slot, created in self._created.items() if created >= at and self._place(slot)[1])
        return sorted(added, key=self.serial)

    def find(self, serial: str) -> int | None:
        """Return the slot of a present device with exactly this serial number."""
        slot = self._slot_of(serial)
        return slot if slot is not None and self._place(slot)[1] else None

    def find_by_login(self, login: str) -> list[int]:
        """Return the slots of all present devices with exactly this PPPoE login, by serial number."""
        slots = set(self._slots_by_changed_login.get(login, ()))
        slots.update(self.population.devices_of_login(login))
        hits = (slot for slot in slots if self._place(slot)[1] and self.login(slot) == login)
        return sorted(hits, key=self.serial)

    def add(self, serial: str, login: str | None, *, at: float) -> int:
        """Add a device, or bring a removed one back. Raises ValueError if it is present."""
        slot = self._slot_of(serial)
        if slot is None:
            slot = self._next
            self._next += 1
            self._added_serials[slot] = serial
            self._added_slots[serial] = slot
        place, present = self._place(slot)
        if present:
            raise ValueError(f"the device {serial} exists already")
        self._order.insert(place, slot)
        self._created[slot] = at
        self.set_login(slot, login)
        return slot

    def bring_back(self, removed: Mapping[int, float]) -> list[int]:
        """Bring removed devices back as they were: slots with the time since when the ACS has them again.

        Many are merged into the order in one pass, since each insertion moves what follows it.

        Returns:
            The slots that were not back already, in the order given.
        """
        if len(removed) < _FEW:
            back = [slot for slot in removed if not self._place(slot)[1]]
            for slot in back:
                self._order.insert(self._place(slot)[0], slot)
        else:
            present = set(self._order)
            back = [slot for slot in removed if slot not in present]
            self._order = array("I", self.by_serial([*self._order, *back]))
        self._created.update((slot, removed[slot]) for slot in back)
        self.version += 1
        return back

    def remove(self, slot: int) -> None:
        """Remove one device."""
        place, present = self._place(slot)
        if present:
            del self._order[place]
            self.version += 1

    def remove_many(self, slots: set[int]) -> None:
        """Remove many devices in one pass."""
        self._order = array("I", (slot for slot in self._order if slot not in slots))
        self.version += 1

    def set_login(self, slot: int, login: str | None) -> None:
        """Change or clear the PPPoE login of a device."""
        self._logins[slot] = login
        if login is not None:
            self._slots_by_changed_login.setdefault(login, set()).add(slot)
        self.version += 1

    def by_serial(self, slots: Collection[int]) -> list[int]:
        """Return slots in the order of their serial numbers; seeded ones rise with the slot."""
        seeded = max(slots, default=0) < self.population.devices + self.population.gone
        return sorted(slots) if seeded else sorted(slots, key=self.serial)

    def sample(self, count: int, rng: random.Random) -> list[int]:
        """Return a seeded choice of present slots."""
        return rng.sample(self._order, min(count, len(self._order)))

    def _slot_of(self, serial: str) -> int | None:
        slot = self._added_slots.get(serial)
        return self.population.serial_index(serial) if slot is None else slot

    def _place(self, slot: int) -> tuple[int, bool]:
        """Return where a slot is, or would be, in the order, and whether it is there."""
        order = self._order
        if slot < len(order) and order[slot] == slot:  # nothing before it was removed or added
            return slot, True
        place = bisect_left(order, self.serial(slot), key=self.serial)
        return place, place < len(order) and order[place] == slot
