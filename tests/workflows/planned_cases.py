"""What each shipped workflow finds when it is planned, applied and run in tests: a state in which it has effects."""

from __future__ import annotations

import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from isp import Sandbox
from service.plant import until
from workflows.office import Office, connections_of, office

__all__ = ["CASES", "Case", "Given"]

SERIAL = "ACME00C0FFEE"
SUBSCRIBER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a workflow is started with.

    Attributes:
        event: the event, the id of one in the project's history, or None.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    event: Mapping[str, Any] | str | None = None


Prepare = Callable[[Sandbox, Path], Awaitable[Given]]
"""Brings a sandbox, and the project in a folder, into the state; returns what the workflow is started with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One workflow in one state.

    Attributes:
        effects: number of effects that the plan has, by action.
        in_order: the effects come in the plan's order, because nothing in the workflow goes on beside another thing.
        waits: steps that wait, and of which the plan says so.
        asked: the step that waits for a person's yes; empty when nobody is asked.
        undetermined: number of parts of which the plan cannot tell what they would change.
        unplanned: the step at which a run under the plan ends, because the plan could not tell what it would do.
        edited: texts in the workflow's file, and what stands there instead.
    """

    prepare: Prepare
    effects: Mapping[str, int]
    in_order: bool = True
    waits: tuple[str, ...] = ()
    asked: str = ""
    undetermined: int = 0
    unplanned: str = ""
    edited: Mapping[str, str] = field(default_factory=dict)


def subscriber(isp: Sandbox) -> dict[str, Any]:
    """Return a subscriber as every system knows him."""
    found: dict[str, Any] = isp.control("GET", f"subscribers/{SUBSCRIBER}")
    return found


async def drifted(isp: Sandbox, folder: Path) -> Given:
    """Both systems as they are at the start: the ERP lacks devices, has some under a wrong login, and one too many."""
    return Given(inputs={"max_delete": "100%"})


async def mass_deleted(isp: Sandbox, folder: Path) -> Given:
    """Seven devices have gone without a word, which is more than guards let pass."""
    isp.control("POST", "acs/mass_delete", {"count": 7})
    return Given()


async def mass_deleted_unguarded(isp: Sandbox, folder: Path) -> Given:
    """Seven devices have gone without a word, and the guard lets all of them pass."""
    await mass_deleted(isp, folder)
    return Given(inputs={"max_delete": "100%"})


async def rung(isp: Sandbox, folder: Path) -> Given:
    """A subscriber calls."""
    data = {"call_id": "call-1", "account_id": "desk-1", "calling_number": subscriber(isp)["numbers"][0]}
    return Given(event={"type": "phone.incoming_call_start", "data": data})


async def speed_test_wanted(isp: Sandbox, folder: Path) -> Given:
    """The line of a caller is to be tested, and the ACS will not say when the test has ended."""
    data = {
        "call_id": "call-1",
        "account_id": "desk-1",
        "serial": subscriber(isp)["acs"]["serials"][0],
        "plan": {"download_mbps": 100},
        "fresh_for": "30m",
    }
    return Given(inputs={"test_takes": "1s"}, event={"type": "agent.speedtest_wanted", "data": data})


async def card_made(isp: Sandbox, folder: Path) -> Given:
    """There is a card for the agent."""
    return Given(event={"type": "agent.card", "data": {"call_id": "call-1", "part": "lookup", "number": "5581"}})


async def callback_wanted(isp: Sandbox, folder: Path) -> Given:
    """A subscriber is to be called back, the desk is open, and nobody will say when the call has ended."""
    isp.control("POST", "settings", {"axialys": {"answer_call_id": True}})
    phone = connections_of(isp.url)["phone"]
    order = f"{phone['base_url']}/centrex/v1/set_callback?api_key={phone['api_key']}&url=http://127.0.0.1:9/"
    with urllib.request.urlopen(order, timeout=30) as answer:
        answer.read()
    who = subscriber(isp)
    data = {"number": who["numbers"][0], "account_id": who["axialys"]["account_id"], "call_id": "call-1"}
    inputs = {"opens": "00:00", "closes": "24:00", "last_workday": "7", "longest_call": "1s"}
    return Given(inputs=inputs, event={"type": "callback.wanted", "data": data})


async def missed(isp: Sandbox, folder: Path) -> Given:
    """A subscriber has called, and nobody has answered."""

    async def call(here: Office) -> None:
        await here.hang_up(await here.ring(index=SUBSCRIBER))

    return await _after_a_call(isp, folder, call)


async def called_back(isp: Sandbox, folder: Path) -> Given:
    """A desk has called a subscriber and reached him."""

    async def call(here: Office) -> None:
        begun = await here.control("POST", "axialys/outgoing_call", {"index": 7, "to_index": SUBSCRIBER})
        await here.control("POST", f"axialys/calls/{begun['call_id']}/connect")
        await here.later(5)
        await here.hang_up(begun["call_id"])

    return await _after_a_call(isp, folder, call)


async def _after_a_call(isp: Sandbox, folder: Path, call: Callable[[Office], Awaitable[None]]) -> Given:
    """Let the project's history have the callbacks of a call, and return the one of its end."""
    async with office(folder, isp, ()) as here:
        await call(here)
        (ended,) = await until(lambda: here.events("phone.call_end"))
        return Given(event=ended.event_id)


async def device_added(isp: Sandbox, folder: Path) -> Given:
    """A device of a subscriber is new in the ACS."""
    isp.control("POST", "acs/devices", {"serial": SERIAL, "pppoe_login": subscriber(isp)["login"]})
    return Given(event={"type": "acs.device.added", "data": {"serial": SERIAL}})


async def device_added_without_login(isp: Sandbox, folder: Path) -> Given:
    """A device that nobody dials in with is new in the ACS."""
    isp.control("POST", "acs/devices", {"serial": SERIAL, "pppoe_login": None})
    return Given(event={"type": "acs.device.added", "data": {"serial": SERIAL}})


async def device_added_for_wifi(isp: Sandbox, folder: Path) -> Given:
    """A device is new in the ACS, and its Wi-Fi is to be set when the ERP did not know it."""
    given = await device_added(isp, folder)
    return Given(inputs={"push_wifi": "true"}, event=given.event)


async def as_it_is(isp: Sandbox, folder: Path) -> Given:
    """The state at the start."""
    return Given()


async def profiles_differ(isp: Sandbox, folder: Path) -> Given:
    """Akixi lacks an entry of the table, has another one with an old description, and some too many."""
    place = {"tel_sys_id": 500, "partition_id": 2}
    isp.control("POST", "akixi/clients", {**place, "device_number": "+551140000002", "description": "Old"})
    isp.control("POST", "akixi/clients", {**place, "device_number": "+551140000003", "description": "Another"})
    table = (
        '[{"tel_sys_id": 500, "partition_id": 2, "device_number": "+551140000001", "description": "Desk 1",'
        ' "policies": {"core::showUseConfigurationWindow": false}},'
        ' {"tel_sys_id": 500, "partition_id": 2, "device_number": "+551140000002", "description": "Desk 2"}]'
    )
    return Given(inputs={"table": table, "remove_others": "true", "max_delete": "100%"})


ADD, UPDATE, REMOVE = "provider.add_acs_device", "provider.update_acs_device", "provider.remove_acs_device"
_SYNC = Case(prepare=drifted, effects={ADD: 22, UPDATE: 5, REMOVE: 1}, in_order=False)
# It ends with a look at how many devices failed, and a Python workflow's plan ends where such a value is needed.
_PYTHON_SYNC = replace(_SYNC, undetermined=1)

CASES: Mapping[str, Mapping[str, Case]] = {
    "nightly-sync": {"drifted": _SYNC},
    "nightly-sync-python": {"drifted": _PYTHON_SYNC},
    "reconcile-deleted-devices": {
        "mass-deleted": Case(prepare=mass_deleted_unguarded, effects={REMOVE: 4, "emit": 1}, in_order=False),
        "guarded": Case(
            prepare=mass_deleted,
            effects={REMOVE: 4, "emit": 1},
            in_order=False,
            waits=("gone/guard",),
            asked="gone/guard",
        ),
    },
    "speedtest-on-call": {"rung": Case(prepare=rung, effects={"emit": 2})},
    "speedtest-on-call-test": {
        "wanted": Case(prepare=speed_test_wanted, effects={"acs.start_speed_test": 1, "emit": 1}, waits=("ended",))
    },
    "post-agent-card": {"card": Case(prepare=card_made, effects={"agent.write": 1})},
    "missed-calls": {
        "missed": Case(prepare=missed, effects={"emit": 1}),
        "called-back": Case(
            prepare=called_back, effects={"emit": 1}, waits=("wait_4",), edited={"for: 10s": "for: 0.5s"}
        ),
    },
    "click-to-call-queue": {
        "wanted": Case(prepare=callback_wanted, effects={"phone.call": 1}, waits=("over",)),
    },
    "provision-new-device": {
        "known-login": Case(prepare=device_added, effects={ADD: 1}),
        "no-login": Case(prepare=device_added_without_login, effects={"emit": 1}),
        "wifi": Case(prepare=device_added_for_wifi, effects={ADD: 1}, undetermined=1, unplanned="wifi"),
    },
    "expired-subscribers": {"as-it-is": Case(prepare=as_it_is, effects={"emit": 1})},
    "akixi-profiles": {
        "differ": Case(
            prepare=profiles_differ,
            effects={
                "akixi.add_integrator_client": 1,
                "akixi.change_integrator_client": 1,
                "akixi.delete_integrator_client": 4,
            },
        )
    },
    "count-report": {"mass-deleted": Case(prepare=mass_deleted, effects={"emit": 1})},
}
"""By the workflow's name and the case's."""
