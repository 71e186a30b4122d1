"""`speedtest_on_call`: from the ring to the agent's card, whatever the vendors' systems do."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from backhaul.store.records import RunStatus
from isp import REPOSITORY, Sandbox
from service.plant import until
from workflows.office import Office, office

pytestmark = pytest.mark.anyio

FILES = ("speedtest_on_call.yaml", "speedtest_on_call_test.yaml")
LOOKUP, TEST = "speedtest-on-call", "speedtest-on-call-test"
TIMEOUT = "timeout: 0.8s"
"""Of the questions of the lookup; a busy machine that runs tests may be slower than that."""


@asynccontextmanager
async def desk(
    folder: Path,
    world: Sandbox,
    *more_files: str,
    timeout: str = "20s",
    edited: Mapping[str, str] | None = None,
    **options: Any,
) -> AsyncIterator[Office]:
    """Serve the workflows with another `timeout` of the lookup's questions."""
    changes = {TIMEOUT: f"timeout: {timeout}", **(edited or {})}
    async with office(folder, world, (*FILES, *more_files), edited=changes, **options) as here:
        yield here


async def subscriber(here: Office, index: int) -> dict[str, Any]:
    """Return a subscriber as every system knows him."""
    found: dict[str, Any] = await here.control("GET", f"subscribers/{index}")
    return found


async def starts(here: Office) -> list[str]:
    """Return the serial numbers of the speed tests that the ACS has started."""
    return [one["key"] for one in await here.sent("acs", "start_speedTest")]


async def advance_until_card(here: Office, call_id: str) -> dict[str, Any]:
    """Let the running test end, and return its card."""
    await here.run(TEST, RunStatus.WAITING)
    await here.later(30)
    return await here.card(call_id, "speed_test")


async def test_a_caller_is_found_with_contract_plan_device_and_a_speed_test(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        who = await subscriber(here, 5)
        call_id = await here.ring(index=5)
        card = await here.card(call_id)
        assert (card["caller"], card["missing"]) == ("one", [])
        assert card["customer"] == {"id": int(who["provider"]["customer_id"]), "name": who["name"], "active": True}
        assert (card["login"], card["logins"]) == (who["login"], [who["login"]])
        assert (card["contract"]["id"], card["contract"]["works"]) == (int(who["provider"]["contract_id"]), True)
        assert card["device"]["serial"] == who["acs"]["serials"][0]
        assert card["device"]["rx_dbm"] < 0
        assert card["crm"]["status"] == who["crm"]["status"]
        assert card["speed_test"]["another"] == "is made now"
        result = (await advance_until_card(here, call_id))["speed_test"]
        assert result["state"] == "finished"
        # The sandbox's lines carry 90 to 102 % of what is contracted.
        assert result["of_contracted_percent"] == round(100 * result["download_mbps"] / card["plan"]["download_mbps"])
        assert 88 <= result["of_contracted_percent"] <= 104
        assert [run.status for run in await here.ended(LOOKUP)] == [RunStatus.SUCCEEDED]
        assert [run.status for run in await here.ended(TEST)] == [RunStatus.SUCCEEDED]
        assert await starts(here) == who["acs"]["serials"]


async def test_a_withheld_number_gets_a_card_that_says_so_and_nobody_is_asked(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        await here.control("POST", "settings", {"axialys": {"calling_number": "anonymous"}})
        card = await here.card(await here.ring(index=5))
        assert (card["caller"], card["customer"], card["device"], card["missing"]) == ("withheld", None, None, [])
        assert await here.ended(LOOKUP)
        seen = await here.control("GET", "requests/summary")
        assert set(seen["by_vendor"]) == {"axialys"}


async def test_an_unknown_number_is_nobody(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        card = await here.card(await here.ring(**{"from": "+5581900000001"}))
        assert (card["caller"], card["number"], card["customer"]) == ("unknown", "+5581900000001", None)
        assert (card["device"], card["missing"], card["logins"]) == (None, [], [])
        assert await starts(here) == []


async def test_a_number_of_two_customers_is_not_guessed(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        one, other = await subscriber(here, 5), await subscriber(here, 6)
        for index in (one, other):
            await here.call(
                "provider.update_record",
                table="cliente",
                id=int(index["provider"]["customer_id"]),
                fields={"whatsapp": "(81) 98888-7777"},
            )
        card = await here.card(await here.ring(**{"from": "5581988887777"}))
        assert (card["caller"], card["customer"], card["login"], card["device"]) == ("several", None, None, None)
        for index in (one, other):
            assert index["provider"]["customer_id"] in card["which"]
        assert card["missing"] == []


async def test_a_blocked_contract_is_on_the_card_and_its_line_is_not_tested(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        who = await subscriber(here, 5)
        await here.call("provider.set_contract_access", id_contrato=int(who["provider"]["contract_id"]), access="block")
        card = await here.card(await here.ring(index=5))
        assert (card["contract"]["works"], card["contract"]["access"]) == (False, "CM")
        assert card["speed_test"]["another"] == "is not possible"
        await here.ended(LOOKUP)
        assert await starts(here) == []


async def test_an_offline_device_is_not_tested(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        serial = (await subscriber(here, 5))["acs"]["serials"][0]
        await here.control("POST", f"acs/devices/{serial}/online", {"online": False})
        card = await here.card(await here.ring(index=5))
        assert (card["device"]["online"], card["speed_test"]["another"]) == (False, "is not possible")
        await here.ended(LOOKUP)
        assert await here.runs(TEST) == []


async def test_a_fresh_test_is_shown_and_not_repeated(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        serial = (await subscriber(here, 5))["acs"]["serials"][0]
        await here.call("acs.start_speed_test", serial=serial)
        await here.later(30)
        card = await here.card(await here.ring(index=5))
        assert (card["speed_test"]["fresh"], card["speed_test"]["another"]) == (True, "is not needed")
        assert card["speed_test"]["of_contracted_percent"] > 80
        await here.ended(LOOKUP)
        assert await starts(here) == [serial]
        assert await here.runs(TEST) == []


async def test_a_callback_that_comes_three_times_gives_one_card_and_one_test(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        await here.control("POST", "settings", {"axialys": {"copies": 3}})
        call_id = await here.ring(index=5)
        deliveries = await here.control("GET", "webhooks")
        assert len(deliveries["items"]) == 3
        await advance_until_card(here, call_id)
        assert len(await here.runs(LOOKUP)) == len(await here.runs(TEST)) == 1
        assert [card["part"] for card in await here.cards()] == ["lookup", "speed_test"]
        assert len(await starts(here)) == 1


async def test_two_calls_about_one_device_make_one_test(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        first = await here.ring(index=5, account_id="desk-1")
        second = await here.ring(index=5, account_id="desk-2")
        await here.card(first)
        await here.card(second)
        waiting = await until(lambda: _waiting(here))
        assert len(waiting) == 1
        await here.later(30)
        one = await here.card(first, "speed_test")
        two = await here.card(second, "speed_test")
        assert one["speed_test"] == two["speed_test"]
        assert len(await starts(here)) == 1


async def _waiting(here: Office) -> list[Any]:
    return [run for run in await here.runs(TEST) if run.status is RunStatus.WAITING]


async def test_a_test_that_runs_already_is_waited_for(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        serial = (await subscriber(here, 5))["acs"]["serials"][0]
        await here.call("acs.start_speed_test", serial=serial)
        call_id = await here.ring(index=5)
        card = await advance_until_card(here, call_id)
        assert (card["speed_test"]["state"], card["missing"]) == ("finished", [])
        assert await starts(here) == [serial]


async def test_a_call_that_ends_first_stops_the_test_run(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        call_id = await here.ring(index=5)
        other = await here.ring(index=6)
        await here.card(call_id)
        await until(lambda: _two_wait(here))
        await here.hang_up(call_id)
        ended = await until(lambda: _cancelled(here))
        assert ended.error["message"].startswith("cancelled by event phone.call_end")
        assert ended.event["data"]["call_id"] == call_id
        await here.later(30)
        await here.card(other, "speed_test")
        await here.ended(TEST, 2)
        cards = [(card["call_id"], card["part"]) for card in await here.cards()]
        assert (call_id, "speed_test") not in cards
        assert await here.app.store.waits() == []


async def _two_wait(here: Office) -> bool:
    return len(await _waiting(here)) == 2


async def _cancelled(here: Office) -> Any:
    return next((run for run in await here.runs(TEST) if run.status is RunStatus.CANCELLED), None)


async def test_a_call_that_ends_during_the_lookup_stops_it(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        await here.control("POST", "settings", {"provider": {"latency_ms": 400}})
        call_id = await here.ring(index=5)
        await here.run(LOOKUP, RunStatus.RUNNING)
        await here.hang_up(call_id)
        run = await here.run(LOOKUP)
        assert run.status is RunStatus.CANCELLED
        assert await here.cards() == []
        assert await here.app.store.waits() == []


def test_no_question_of_the_lookup_waits_longer_than_another() -> None:
    text = (REPOSITORY / "workflows" / FILES[0]).read_text()
    assert text.count("call: ") == text.count(TIMEOUT) == 8


@asynccontextmanager
async def desk_without(vendor: str, trouble: str, folder: Path, world: Sandbox) -> AsyncIterator[Office]:
    """Serve the workflows while a vendor's system refuses connections, hangs, or answers 500 or 503."""
    with closing(socket.socket()) as deaf:
        deaf.bind(("127.0.0.1", 0))  # taken, but nobody listens there
        nobody = {vendor: {"base_url": f"http://127.0.0.1:{deaf.getsockname()[1]}/{vendor}"}}
        async with desk(folder, world, timeout="2s", **(nobody if trouble == "refuses" else {})) as here:
            if trouble == "hangs":
                await here.control("POST", "settings", {vendor: {"latency_ms": 60_000}})
            elif trouble != "refuses":
                await here.control("POST", "faults", {"kind": "status", "vendor": vendor, "code": int(trouble)})
            yield here


TROUBLES = {"refuses": "nothing listens there", "hangs": "not finished within 2 s", "500": "500", "503": "503"}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize(("vendor", "missing"), [("acs", "acs (device)"), ("crm", "crm")])
async def test_a_vendor_that_is_down_is_named_on_the_card(
    tmp_path: Path, world: Sandbox, vendor: str, missing: str, trouble: str
) -> None:
    async with desk_without(vendor, trouble, tmp_path, world) as here:
        who = await subscriber(here, 5)
        card = await here.card(await here.ring(index=5))
        assert [one.partition(":")[0] for one in card["missing"]] == [missing]
        assert TROUBLES[trouble] in card["missing"][0]
        assert (card["caller"], card["login"]) == ("one", who["login"])
        assert (card["contract"]["works"], card["plan"]["download_mbps"] > 0) == (True, True)
        assert (card["device"] is None) == (vendor == "acs")
        assert (card["crm"] is None) == (vendor == "crm")


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_with_the_erp_down_the_acs_and_the_crm_tell_what_they_know(
    tmp_path: Path, world: Sandbox, trouble: str
) -> None:
    async with desk_without("provider", trouble, tmp_path, world) as here:
        who = await subscriber(here, 5)
        card = await here.card(await here.ring(index=5))
        assert (card["caller"], card["customer"], card["contract"]) == ("no answer", None, None)
        assert [one.partition(":")[0] for one in card["missing"]] == ["provider (customer)"]
        assert TROUBLES[trouble] in card["missing"][0]
        assert (card["login"], card["device"]["serial"]) == (who["login"], who["acs"]["serials"][0])
        assert card["crm"]["plan"] == who["crm"]["profile_name"]


async def test_an_erp_that_fails_after_the_customer_is_helped_out_by_the_acs(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        who = await subscriber(here, 5)
        logins = {"path_contains": "radusuarios"}
        await here.control("POST", "faults", {"kind": "status", "vendor": "provider", "code": 500, "match": logins})
        card = await here.card(await here.ring(index=5))
        assert (card["caller"], card["customer"]["name"]) == ("one", who["name"])
        assert [one.partition(":")[0] for one in card["missing"]] == ["provider (logins)"]
        assert (card["login"], card["device"]["serial"]) == (who["login"], who["acs"]["serials"][0])


async def test_a_speed_test_that_the_acs_does_not_tell_is_missing_and_none_is_made(
    tmp_path: Path, world: Sandbox
) -> None:
    async with desk(tmp_path, world) as here:
        state = {"path_contains": "speedTest"}
        await here.control("POST", "faults", {"kind": "status", "vendor": "acs", "code": 500, "match": state})
        card = await here.card(await here.ring(index=5))
        assert [one.partition(":")[0] for one in card["missing"]] == ["acs (speed test)"]
        assert (card["device"]["online"], card["speed_test"]) == (True, None)
        await here.ended(LOOKUP)
        assert await here.runs(TEST) == []


async def test_a_vendor_that_asks_to_wait_longer_than_the_step_may_is_not_waited_for(
    tmp_path: Path, world: Sandbox
) -> None:
    async with desk(tmp_path, world) as here:
        busy = {"kind": "status", "vendor": "provider", "code": 503, "headers": {"Retry-After": "25"}}
        await here.control("POST", "faults", busy)
        card = await here.card(await here.ring(index=5))
        assert card["missing"][0].startswith("provider (customer): ")
        assert "503" in card["missing"][0]  # and not that the time was over


async def test_with_everything_down_there_is_a_card_all_the_same(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        for vendor in ("acs", "provider", "crm"):
            await here.control("POST", "faults", {"kind": "cut_before", "vendor": vendor})
        card = await here.card(await here.ring(index=5))
        assert card["number"] == "+" + (await subscriber(here, 5))["numbers"][0]
        assert [one.partition(":")[0] for one in card["missing"]] == ["provider (customer)", "acs (by telephone)"]


async def test_without_webhooks_of_the_acs_the_result_is_looked_for(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world, webhooks=False, edited={"default: 90s": "default: 0.2s"}) as here:
        await here.control("POST", "settings", {"acs": {"contact_s": 0, "diagnostic_s": {"speedTest": 0}}})
        call_id = await here.ring(index=5)
        assert (await here.card(call_id, "speed_test"))["speed_test"]["state"] == "finished"


async def test_a_test_that_does_not_end_is_told_so(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world, edited={"default: 90s": "default: 0.2s"}) as here:
        card = await here.card(await here.ring(index=5), "speed_test")
        assert card["speed_test"]["state"] == "none"
        assert card["missing"] == ["acs: the test had not ended after 0.2s"]


async def test_a_customer_whose_logins_are_inactive_is_shown_with_the_login(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        login = (await subscriber(here, 5))["login"]
        await here.control("POST", f"provider/logins/{login}", {"ativo": "N"})
        card = await here.card(await here.ring(index=5))
        assert (card["login"], card["caller"]) == (login, "one")


async def test_a_customer_without_a_login_is_shown_without_a_device(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        login = (await subscriber(here, 5))["login"]
        await here.control("POST", f"provider/logins/{login}", {"id_cliente": "0"})
        card = await here.card(await here.ring(index=5))
        assert (card["login"], card["logins"], card["device"], card["missing"]) == (None, [], None, [])
        assert card["customer"] is not None


async def test_a_test_that_fails_on_the_device_is_told_with_its_word(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        await here.control(
            "POST", "settings", {"acs": {"diagnostic_errors": {"speedTest": "Error_InitConnectionFailed"}}}
        )
        card = await advance_until_card(here, await here.ring(index=5))
        assert card["speed_test"]["state"] == "failed"
        assert card["speed_test"]["error"] == "Error_InitConnectionFailed"


async def test_cards_are_posted_to_the_screens_in_order_and_again_when_these_were_away(
    tmp_path: Path, world: Sandbox
) -> None:
    async with desk(tmp_path, world, "post_agent_card.yaml", screens=True) as here:
        here.closed = True
        call_id = await here.ring(index=5)
        await until(lambda: _one_failed(here))
        here.closed = False
        await advance_until_card(here, call_id)
        await until(lambda: len(here.posted) == 2)
        assert [(card["call_id"], card["part"]) for card in here.posted] == [
            (call_id, "lookup"),
            (call_id, "speed_test"),
        ]


async def _one_failed(here: Office) -> bool:
    runs = await here.runs("post-agent-card")
    return bool(runs and await here.app.store.attempts(runs[0].run_id, "post"))


async def test_twenty_callers_at_once_each_get_their_own_card(tmp_path: Path, world: Sandbox) -> None:
    async with desk(tmp_path, world) as here:
        await here.control("POST", "settings", {vendor: {"latency_ms": 50} for vendor in ("acs", "provider", "crm")})
        calls: dict[int, str] = {}

        async def ring(index: int) -> None:
            calls[index] = await here.ring(index=index)

        async with anyio.create_task_group() as group:
            for index in range(20):
                group.start_soon(ring, index)
        for index, call_id in calls.items():
            who, card = await subscriber(here, index), await here.card(call_id)
            assert (card["number"], card["missing"]) == ("+" + who["numbers"][0], [])
            assert card["customer"]["id"] == int(who["provider"]["customer_id"])
        assert len(await here.ended(LOOKUP, 20)) == 20
        started = await starts(here)
        assert len(started) == len(set(started))
