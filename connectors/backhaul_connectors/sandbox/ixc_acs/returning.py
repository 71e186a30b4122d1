"""Deleted devices that register again by themselves at their next periodic inform."""

from __future__ import annotations

from collections.abc import Iterable

from backhaul_connectors.sandbox.ixc_acs.events import EventSender
from backhaul_connectors.sandbox.ixc_acs.registers import next_inform_at
from backhaul_connectors.sandbox.world import World

__all__ = ["plan_returns"]


def plan_returns(world: World, slots: Iterable[int], events: EventSender) -> None:
    """Plan the return of devices that are being deleted, each with an event ``device.added``.

    One entry of the agenda stands for all of them: whenever some are due, they come back together.
    """
    latest_first = sorted(((next_inform_at(world, slot), slot) for slot in slots), reverse=True)

    def come(_: float) -> None:
        now, due = world.clock.now(), {}
        while latest_first and latest_first[-1][0] <= now:
            at, slot = latest_first.pop()
            due[slot] = at
        for slot in world.devices.bring_back(due):
            events.emit("device.added", "device", slot)
        plan()

    def plan() -> None:
        if latest_first:
            world.agenda.at(latest_first[-1][0], come)

    plan()
