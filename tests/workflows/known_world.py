"""A sandbox whose every change is noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from backhaul_connectors.ixc_acs.serials import serial_key
from isp import Sandbox

__all__ = ["CHANGES", "KnownWorld", "Row"]

_SHARES = dict.fromkeys(
    ("bridge", "unknown_login", "inactive_login", "duplicate_login", "wrong_login", "unlinked", "serial_alias", "gone"),
    0.0,
)


@dataclass
class Row:
    """A device's record in the ERP: its serial number as it is written there, and whether it is linked to a login."""

    text: str
    login: str | None


class KnownWorld:
    """An ISP in which at first each device is in both systems, under its own active login.

    Attributes:
        devices: the ACS's devices with the login that they report.
        rows: the ERP's records.
        inactive: logins that were made inactive.
        without_customer: logins whose customer was taken.
        fresh: devices that registered just now.
        reported: by `serial_key`, devices of which the last webhook here said that they were removed.

    Each change takes the place of a device in the list of all of them, and a number that says in which way it is made.
    """

    def __init__(self, sandbox: Sandbox, devices: int) -> None:
        sandbox.control("POST", "reset", {"devices": devices, "seed": 7, "shares": {**_SHARES, "registered": 1.0}})
        self.sandbox = sandbox
        self.devices: dict[str, str | None] = {}
        self.rows: list[Row] = []
        self.inactive: set[str] = set()
        self.without_customer: set[str] = set()
        self.fresh: set[str] = set()
        self.reported: set[str] = set()
        for index in range(devices):
            who = sandbox.control("GET", f"subscribers/{index}")
            ((serial,), (text,)) = who["acs"]["serials"], who["provider"]["acs_devices"]
            self.devices[serial] = str(who["login"])
            self.rows.append(Row(text, who["login"]))
        self._names = sorted(self.devices)
        self._start = deepcopy((self.devices, self.rows))
        self._number = 0

    def begin(self) -> None:
        """Be again what it was at first."""
        self.sandbox.control("POST", "reset", {})
        self.devices, self.rows = deepcopy(self._start)
        for noted in (self.inactive, self.without_customer, self.fresh, self.reported):
            noted.clear()

    # Changes in the ACS

    def mass_delete(self, place: int, way: int) -> None:
        """Delete up to three devices silently (S4)."""
        serials = [self._device(place + step) for step in range(1 + way % 3)]
        self._acs("POST", "mass_delete", {"serials": serials})
        for serial in serials:
            self.devices.pop(serial, None)

    def delete_by_hand(self, place: int, way: int) -> None:
        """Delete a device by hand: everybody hears of it, and the ERP drops its records (S3)."""
        serial = self._deleted(place)
        self.rows = [row for row in self.rows if row.text != serial]
        self.reported.add(serial_key(serial))

    def delete_by_hand_erp_deaf(self, place: int, way: int) -> None:
        """Delete a device by hand; the ERP's webhook is lost."""
        self.reported.add(serial_key(self._deleted(place, erp_webhook_lost=True)))

    def delete_by_hand_unheard(self, place: int, way: int) -> None:
        """Delete a device by hand; all webhooks are lost."""
        self._deleted(place, webhook_lost=True)

    def bring_back(self, place: int, way: int) -> None:
        """Let a device register again that only the ERP has."""
        for text in self._texts(place):
            if text not in self.devices:
                self._added(text, self._login_of(place))

    def add_device(self, place: int, way: int) -> None:
        """Let a new device register, with somebody's login, with an unknown one or with none."""
        self._number += 1
        logins = (self._login_of(place), None, f"nosuch{way}.ppp")
        self._added(f"NEWX{self._number:08X}", logins[way % len(logins)])

    def add_twin(self, place: int, way: int) -> None:
        """Let a device register whose serial number another one has in another spelling."""
        twin = _other_spelling(self._device(place), way)
        if twin not in self.devices:
            self._added(twin, None)

    def take_login(self, place: int, way: int) -> None:
        """Have a device report no login any more."""
        self._login(self._device(place), None)

    def give_unknown_login(self, place: int, way: int) -> None:
        """Have a device report a login that the ERP does not have."""
        self._login(self._device(place), f"nosuch{way}.ppp")

    # Changes in the ERP

    def deactivate(self, place: int, way: int) -> None:
        """Make a login inactive."""
        self.inactive.add(self._change_login(place, {"ativo": "N"}))

    def take_customer(self, place: int, way: int) -> None:
        """Take the customer from a login."""
        self.without_customer.add(self._change_login(place, {"id_cliente": "0"}))

    def unlink(self, place: int, way: int) -> None:
        """Take a login from its devices."""
        login = self._change_login(place, {"unlink": "S"})
        for row in self.rows:
            row.login = None if row.login == login else row.login

    def respell(self, place: int, way: int) -> None:
        """Write a serial number in another way."""
        for text in self._texts(place):
            other = _other_spelling(text, way)
            self._erp("POST", f"devices/{text}", {"serial_number": other})
            for row in self.rows:
                row.text = other if row.text == text else row.text

    def double(self, place: int, way: int) -> None:
        """Enter a second record of a device."""
        for text in self._texts(place):
            self._entered(text)

    def enter_nothing(self, place: int, way: int) -> None:
        """Enter a record without a serial number."""
        self._entered("")

    def lose_rows(self, place: int, way: int) -> None:
        """Delete the records of a device by hand."""
        for text in self._texts(place):
            self._erp("DELETE", f"devices/{text}")
            self.rows = [row for row in self.rows if row.text != text]

    def synchronise(self, place: int, way: int) -> None:
        """Run the ERP's own synchronisation, now and then: what is not in the ACS, by the letter, goes (S4)."""
        if way % 5 == 0:
            self._erp("POST", "sync", {})
            self.rows = [row for row in self.rows if row.text in self.devices]

    # How

    def _acs(self, method: str, path: str, body: Any = None) -> None:
        self.sandbox.control(method, f"acs/{path}", body)
        self.sandbox.control("GET", "webhooks")

    def _erp(self, method: str, path: str, body: Any = None) -> None:
        self.sandbox.control(method, f"provider/{path}", body)

    def _device(self, place: int) -> str:
        """Return the device that was at a place of the list at first, or, when that one is gone, one after it."""
        key = serial_key(self._names[place % len(self._names)])
        later = sorted(self.devices, key=lambda serial: (serial_key(serial) < key, serial_key(serial), serial))
        return later[0]

    def _texts(self, place: int) -> Sequence[str]:
        """Return how the records of that device write its serial number."""
        key = serial_key(self._names[place % len(self._names)])
        return sorted({row.text for row in self.rows if row.text and serial_key(row.text) == key})

    def _login_of(self, place: int) -> str:
        """Return the login that this device had at first."""
        return str(self._start[0][self._names[place % len(self._names)]])

    def _change_login(self, place: int, columns: dict[str, str]) -> str:
        login = self._login_of(place)
        self._erp("POST", f"logins/{login}", columns)
        return login

    def _deleted(self, place: int, **switches: bool) -> str:
        serial = self._device(place)
        self.sandbox.control("POST", "settings", {"acs": switches})
        self._acs("DELETE", f"devices/{serial}")
        self.sandbox.control("POST", "settings", {"acs": dict.fromkeys(switches, False)})
        del self.devices[serial]
        return serial

    def _added(self, serial: str, login: str | None) -> None:
        self._acs("POST", "devices", {"serial": serial, "pppoe_login": login})
        self.devices[serial] = login
        self.fresh.add(serial)
        self.reported.discard(serial_key(serial))

    def _login(self, serial: str, login: str | None) -> None:
        self._acs("POST", f"devices/{serial}/login", {"pppoe_login": login})
        self.devices[serial] = login

    def _entered(self, text: str) -> None:
        self._erp("POST", "devices", {"serial_number": text})
        self.rows.append(Row(text, None))


def _other_spelling(serial: str, way: int) -> str:
    """Return one of the spellings in which systems write a serial number."""
    key = serial_key(serial)
    forms = [key, key.lower(), f"{key[:4]}-{key[4:]}", key[:4].encode().hex().upper() + key[4:]]
    return forms[way % len(forms)]


CHANGES: dict[str, Callable[[KnownWorld, int, int], None]] = {
    change.__name__: change
    for change in (
        KnownWorld.mass_delete,
        KnownWorld.delete_by_hand,
        KnownWorld.delete_by_hand_erp_deaf,
        KnownWorld.delete_by_hand_unheard,
        KnownWorld.bring_back,
        KnownWorld.add_device,
        KnownWorld.add_twin,
        KnownWorld.take_login,
        KnownWorld.give_unknown_login,
        KnownWorld.deactivate,
        KnownWorld.take_customer,
        KnownWorld.unlink,
        KnownWorld.respell,
        KnownWorld.double,
        KnownWorld.enter_nothing,
        KnownWorld.lose_rows,
        KnownWorld.synchronise,
    )
}
