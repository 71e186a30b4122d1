"""What a report has to say of a world whose every change is noted: why only one system has a device."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from backhaul_connectors.ixc_acs.serials import serial_key
from workflows.known_world import KnownWorld, Row

__all__ = ["Knowledge", "Reasons"]

TWICE, NO_SERIAL = "the serial number comes several times", "the record has no serial number"
RESPELLED = "the serial number is written in another way"
FAILED_BEFORE = "could not be removed the last time"
BY_HAND = "deleted by hand, and the ERP missed the webhook"
VANISHED = "gone without a word, as in a mass deletion, and linked to a login"
VANISHED_UNLINKED = "gone without a word, as in a mass deletion, and not linked"


@dataclass
class Reasons:
    """What a report has to say: the keys of each reason, and the records of each side and reason."""

    keys: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    records: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, reason: str, key: str, *, source: int = 0, target: int = 0) -> None:
        """Note a key with its records of both sides."""
        self.keys[reason].append(key)
        self.records += Counter({("source", reason): source, ("target", reason): target})

    def sorted_keys(self) -> dict[str, list[str]]:
        """Return the keys by reason, in order."""
        return {reason: sorted(keys) for reason, keys in self.keys.items()}


class Knowledge:
    """What follows from the changes that were noted."""

    def __init__(self, world: KnownWorld) -> None:
        self._world = world

    @property
    def gone(self) -> list[Row]:
        """The records that are to be removed: those of devices that the ACS does not have, where a device has one."""
        have = {serial_key(serial) for serial in self._world.devices}
        return [rows[0] for key, rows in self._by_key().items() if key and key not in have and len(rows) == 1]

    @property
    def never_guessed(self) -> set[str]:
        """What stands as serial number in records that are left alone because they are several or name no device."""
        return {"", *(row.text for rows in self._by_key().values() if len(rows) > 1 for row in rows)}

    def spelled_differently(self) -> int:
        """Return how many devices have one record in the ERP in another spelling."""
        devices = self._devices_by_key()
        pairs = [(devices.get(key, []), rows) for key, rows in self._by_key().items() if key]
        return sum(ours != [rows[0].text] for ours, rows in pairs if len(ours) == len(rows) == 1)

    def reasons_by_key(self, failed_before: Iterable[str] = ()) -> Reasons:
        """Return what `reconcile-deleted-devices` has to say."""
        reasons, failed = Reasons(), set(failed_before)
        devices, rows = self._devices_by_key(), self._by_key()
        for key in devices.keys() | rows.keys():
            ours, theirs = devices.get(key, []), rows.get(key, [])
            if key == "":
                for _ in theirs:
                    reasons.add(NO_SERIAL, "", target=1)
            elif len(ours) > 1 or len(theirs) > 1:
                reasons.add(TWICE, key, source=len(ours), target=len(theirs))
            elif not theirs:
                reasons.add(self._why_not_in_erp(ours[0], "the ERP should have it: run nightly-sync"), key, source=1)
            elif not ours:
                unheard = VANISHED if theirs[0].login else VANISHED_UNLINKED
                why = BY_HAND if key in self._world.reported else unheard
                reasons.add(FAILED_BEFORE if key in failed else why, key, target=1)
        return reasons

    def reasons_by_text(self) -> Reasons:
        """Return what `count-report` has to say."""
        reasons, by_text = Reasons(), defaultdict(list)
        for row in self._world.rows:
            by_text[row.text].append(row)
        known = {serial_key(row.text) for row in self._world.rows}
        have = {serial_key(serial) for serial in self._world.devices}
        for text in self._world.devices.keys() | by_text.keys():
            ours, theirs = int(text in self._world.devices), by_text.get(text, [])
            if text == "":
                for _ in theirs:
                    reasons.add(NO_SERIAL, "", target=1)
            elif len(theirs) > 1:
                reasons.add(TWICE, text, source=ours, target=len(theirs))
            elif not theirs:
                why = self._why_not_in_erp(text, "the ERP should have it")
                reasons.add(RESPELLED if serial_key(text) in known else why, text, source=1)
            elif not ours:
                why = "gone from the ACS, and linked to a login" if theirs[0].login else "gone from the ACS"
                reasons.add(RESPELLED if serial_key(text) in have else why, text, target=1)
        return reasons

    def _why_not_in_erp(self, serial: str, else_: str) -> str:
        login = self._world.devices[serial]
        if login is None:
            return "the device has no login"
        if login.startswith("nosuch"):
            return "the ERP does not have the login"
        if login in self._world.inactive:
            return "the login is not active"
        if login in self._world.without_customer:
            return "the login has no customer"
        return "new since the last synchronisation" if serial in self._world.fresh else else_

    def _devices_by_key(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for serial in self._world.devices:
            found[serial_key(serial)].append(serial)
        return dict(found)

    def _by_key(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self._world.rows:
            found[serial_key(row.text) if row.text else ""].append(row)
        return dict(found)
