"""When devices contact the ACS, and the restarts that follow from it."""

from __future__ import annotations

from collections.abc import Callable

from backhaul_connectors.sandbox.acs_live import DeviceTask
from backhaul_connectors.sandbox.ixc_acs.events import EventSender
from backhaul_connectors.sandbox.ixc_acs.registers import behind_nat, is_online, next_inform_at
from backhaul_connectors.sandbox.ixc_acs.switches import AcsSwitches
from backhaul_connectors.sandbox.world import World

__all__ = ["Contacts"]


class Contacts:
    """Keeps what the ACS wants from a device until the device comes (tr069.md section 6).

    A reachable device comes soon after the ACS called it; one behind NAT at its next periodic inform; one that
    is offline when it is back.
    """

    def __init__(self, world: World, switches: Callable[[], AcsSwitches], events: EventSender) -> None:
        self.world = world
        self.switches = switches
        self.events = events

    def give(self, slot: int, task: DeviceTask) -> None:
        """Let a device do something at its next contact."""
        self.world.live.of(slot).tasks.append(task)
        self.plan(slot)

    def plan(self, slot: int) -> None:
        """Plan the next contact of an online device, if something waits for it."""
        live = self.world.live.of(slot)
        if live.contact_planned or not live.tasks or not is_online(self.world, slot):
            return
        live.contact_planned = True
        if behind_nat(self.world, slot):
            when = next_inform_at(self.world, slot)
        else:
            when = self.world.clock.now() + self.switches().contact_s
        self.world.agenda.at(when, lambda at: self.contact(slot, at))

    def contact(self, slot: int, at: float) -> None:
        """Let an online device come now: it takes what waits for it, in order, until it restarts."""
        live = self.world.live.get(slot)
        if live is None:
            return
        live.contact_planned = False
        if not is_online(self.world, slot):
            return
        live.contact_at = at
        while live.tasks and not live.restarting:
            live.tasks.pop(0)(slot, at)

    def set_online(self, slot: int, *, online: bool) -> None:
        """Switch a device on or off at its plug; coming back it boots."""
        live, now = self.world.live.of(slot), self.world.clock.now()
        was = is_online(self.world, slot)
        live.online, live.restarting, live.never_returns = online, False, False
        live.contact_at = now if online or was else live.contact_at
        if online and not was:
            live.booted_at = now
            live.diagnostics.clear()
        self.world.devices.version += 1
        self.plan(slot)

    def restart(self, slot: int, at: float, *, reset: bool) -> None:
        """Take a device offline and bring it back later, restored to its defaults if it is a reset."""
        live, switches = self.world.live.of(slot), self.switches()
        live.restarting = True
        live.diagnostics.clear()
        if reset:
            live.was_reset = True
            live.wifi.clear()
            live.parameters.clear()
        self.world.devices.version += 1
        if reset and switches.reset_loses_pppoe:
            live.never_returns = True
            return
        self.world.agenda.at(at + switches.reboot_s, lambda back: self._booted(slot, back, reset=reset))

    def _booted(self, slot: int, at: float, *, reset: bool) -> None:
        live = self.world.live.get(slot)
        if live is None or not live.restarting:
            return
        live.restarting = False
        live.online, live.booted_at, live.contact_at = True, at, at
        self.world.devices.version += 1
        self.events.emit("device.reset" if reset else "device.rebooted", "restart", slot)
        self.contact(slot, at)
