"""The ACS's synchronisation with the ERP (rules S1, S2, S5 and S6 of ixc_acs.md section 8)."""

from __future__ import annotations

from collections.abc import Callable

from backhaul_connectors.sandbox.daily import Daily
from backhaul_connectors.sandbox.ixc_acs.registers import is_online, last_inform_at, register, wifi_settings
from backhaul_connectors.sandbox.ixc_acs.switches import AcsSwitches
from backhaul_connectors.sandbox.world import World

__all__ = ["Synchronisation", "SynchronisationError"]

_REASONS = {
    "wrong_credentials": "client id, client secret or public key is wrong",
    "wrong_url": "the ERP's URL is wrong",
    "network": "the ERP cannot be reached",
}


class SynchronisationError(Exception):
    """The pairing does not work; the text says why."""


class Synchronisation:
    """Exchanges devices between ACS and ERP, by hand and daily.

    It sends the devices that are new to the ACS since the last time; the seeded ones are not new. Of devices that the
    ERP already has, it only tells what changed: linking them is the work of whoever watches over both.
    """

    def __init__(self, world: World, switches: Callable[[], AcsSwitches]) -> None:
        self._world = world
        self._switches = switches
        self._since = world.clock.now()
        self._daily = Daily(world.agenda, world.clock, self._run_daily)
        self.last: dict[str, object] | None = None

    def run(self) -> dict[str, object]:
        """Synchronise and return the counts; raises SynchronisationError if the pairing does not work.

        ``linked`` counts only devices with an active linked login (S6), so differing totals are normal.
        """
        pairing = self._switches().pairing
        if pairing != "ok":
            raise SynchronisationError(_REASONS[pairing])
        world = self._world
        sent = [self._send(slot) for slot in world.devices.added_since(self._since)]
        updated = self._update(world.live.contacted_since(self._since))
        self._since = world.clock.now()
        received, linked = self._received()
        self.last = {
            "at": world.clock.iso(world.clock.now()),
            "sent": len(sent),
            "sent_with_login": sum(link != "0" for link in sent),
            "updated": updated,
            "received": received,
            "linked": linked,
            "devices_in_acs": len(world.devices),
            "devices_in_erp": len(world.registered),
        }
        return self.last

    def switched(self) -> None:
        """Follow the time of the daily synchronisation (S5)."""
        self._daily.set(self._switches().daily_sync_at)

    def _run_daily(self) -> None:
        try:
            self.run()
        except SynchronisationError as error:
            self.last = {"at": self._world.clock.iso(self._world.clock.now()), "error": str(error)}

    def _update(self, slots: list[int]) -> int:
        """Tell the ERP what changed on devices that it knows: status, last inform and Wi-Fi names, never their link."""
        world, updated = self._world, 0
        for slot in slots:
            serial, names = world.devices.serial(slot), _ssids(world, slot)
            for row_id in world.registered.find("serial_number", serial) or []:
                status = "online" if is_online(world, slot) else "offline"
                seen = world.clock.local(last_inform_at(world, slot))
                world.registered.set(row_id, {**names, "status": status, "last_inform": seen})
                updated += 1
        return updated

    def _send(self, slot: int) -> str:
        """Send one new device to the ERP (S2) and return the login id that it answers, "0" if it knows none."""
        world = self._world
        serial, login = world.devices.serial(slot), world.devices.login(slot)
        rows = world.registered.find("serial_number", serial) or []
        if rows:
            return world.registered.cell(rows[0], "id_login")
        login_id = None if login is None else world.login_row(login)
        link = "0" if login_id is None or world.logins.cell(login_id, "ativo") != "S" else str(login_id)
        shown = register(world, slot)
        info = shown["deviceInfo"] if isinstance(shown["deviceInfo"], dict) else {}
        row_id = world.registered.insert({"serial_number": serial, "id_login": link})
        seen = world.clock.local(last_inform_at(world, slot))
        model = {"manufacturer": str(info["manufacturer"]), "model": str(info["modelName"])}
        status = "online" if shown["status"] else "offline"
        world.registered.set(row_id, {**model, "status": status, "last_inform": seen})
        return link

    def _received(self) -> tuple[int, int]:
        """Return how many devices the ERP tells of, those with an active linked login (S1), and how many are here."""
        world, received, linked = self._world, 0, 0
        for _, serial, link in world.registered_devices():
            logins = world.logins.find("id", link)
            if logins and world.logins.cell(logins[0], "ativo") == "S":
                received += 1
                linked += world.devices.find(serial) is not None
        return received, linked


def _ssids(world: World, slot: int) -> dict[str, str]:
    """Return the ERP's columns of the Wi-Fi names, as far as the device has the band."""
    names: dict[str, str] = {}
    for column, interfaces in zip(
        ("ssid_router_wifi", "ssid_router_wifi_2"), wifi_settings(world, slot).values(), strict=True
    ):
        for fields in interfaces.values():
            names.setdefault(column, str(fields["ssid"]))
    return names
