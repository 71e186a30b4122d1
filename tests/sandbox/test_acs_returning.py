"""Deleted devices that register again by themselves, however many there were."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backhaul_connectors.sandbox.acs_devices import AcsDevices
from backhaul_connectors.sandbox.ixc_acs.events import EventSender
from backhaul_connectors.sandbox.ixc_acs.returning import plan_returns
from backhaul_connectors.sandbox.ixc_acs.switches import AcsSwitches
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.population import Population
from backhaul_connectors.sandbox.state import SandboxState
from sandbox.client import Isp
from sandbox.receiver import Receiver


def sender(state: SandboxState) -> EventSender:
    switches = AcsSwitches()
    return EventSender(state, lambda: switches)


def test_mass_deleted_devices_come_back_one_after_the_other_as_they_were(isp: Isp, receiver: Receiver) -> None:
    before = {device["serialNumber"]: device.get("connection") for device in isp.devices(size=300)}
    offline = {device["serialNumber"] for device in isp.devices(size=300) if not device["status"]}
    isp.switch("acs", deleted_reappears=True, webhook_uri=receiver.url)
    isp.control("POST", "acs/devices", {"serial": "MMMM00000001", "pppoe_login": "new.ppp"})
    isp.control("POST", "acs/mass_delete", {"serials": [*before, "MMMM00000001"]})
    assert isp.devices() == []
    isp.pass_time(150)
    halfway = isp.devices(size=300)
    assert 50 < len(halfway) < 250
    isp.pass_time(160)
    after = {device["serialNumber"]: device.get("connection") for device in isp.devices(size=300)}
    assert list(after) == sorted(after)
    assert after.pop("MMMM00000001") == {"pppoeLogin": "new.ppp"}
    assert after == {serial: login for serial, login in before.items() if serial not in offline}
    isp.control("GET", "webhooks")
    added = [body["serialNumber"] for body in receiver.bodies if body["event"] == "device.added"]
    assert sorted(added) == sorted([*after, "MMMM00000001", "MMMM00000001"])


def test_a_device_that_was_added_by_hand_in_the_meantime_does_not_come_back_twice(isp: Isp) -> None:
    serial = isp.control("GET", "acs/fixtures")["plain"]
    isp.switch("acs", deleted_reappears=True)
    isp.control("DELETE", f"acs/devices/{serial}")
    isp.control("POST", "acs/devices", {"serial": serial, "pppoe_login": "by.hand"})
    isp.pass_time(400)
    (device,) = isp.devices({"search[column]": "serialNumber", "search[search]": serial})
    assert device["connection"] == {"pppoeLogin": "by.hand"}


def test_a_reset_forgets_who_was_to_come_back(isp: Isp) -> None:
    isp.switch("acs", deleted_reappears=True)
    isp.control("POST", "acs/mass_delete", {"share": 1})
    isp.reset(devices=40)
    isp.control("POST", "acs/mass_delete", {"share": 1})
    isp.pass_time(400)
    assert isp.devices() == []


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_hundred_thousand_devices_come_back_in_well_under_a_second(share: float) -> None:
    state = SandboxState(WorldOptions(devices=100_000))
    world, events = state.world, sender(state)
    slots = set(world.devices.order[: round(100_000 * share)])
    begin = time.process_time()
    plan_returns(world, slots, events)
    world.devices.remove_many(slots)
    state.clock.advance(301)
    world.agenda.run_due()
    spent_s = time.process_time() - begin
    assert list(world.devices.order) == list(range(100_000))
    assert spent_s < 0.9


def test_coming_back_over_five_minutes_costs_little_at_each_moment() -> None:
    state = SandboxState(WorldOptions(devices=100_000))
    world = state.world
    plan_returns(world, world.devices.order, sender(state))
    world.devices.remove_many(set(world.devices.order))
    begin = time.process_time()
    for _ in range(301):
        state.clock.advance(1)
        world.agenda.run_due()
    assert len(world.devices) == 100_000
    assert time.process_time() - begin < 15


@given(st.sets(st.integers(0, 299)), st.sets(st.integers(0, 299)), st.sets(st.sampled_from(["AAAA", "MMMM", "ZZZZ"])))
@settings(max_examples=60, deadline=None)
def test_bringing_many_back_is_like_adding_them_one_by_one(gone: set[int], back: set[int], new: set[str]) -> None:
    population = Population(WorldOptions(devices=300, seed=3))
    at_once, one_by_one = AcsDevices(population), AcsDevices(population)
    for devices in (at_once, one_by_one):
        for serial in sorted(new):
            devices.add(serial, None, at=1.0)
        devices.remove_many(gone)
    told = at_once.bring_back(dict.fromkeys(back, 5.0))
    assert set(told) == gone & back
    for slot in gone & back:
        one_by_one.add(one_by_one.serial(slot), one_by_one.login(slot), at=5.0)
    assert list(at_once.order) == list(one_by_one.order)
    assert at_once.added_since(5.0) == one_by_one.added_since(5.0)
