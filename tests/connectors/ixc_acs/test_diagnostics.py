"""Starting diagnoses and waiting for them: never twice, never an old result, never for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from backhaul.sdk import (
    AttemptInfo,
    ConnectorContext,
    Event,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.diagnostics import DiagnosticUnfinishedError
from backhaul_connectors.ixc_acs.settings import IxcAcsSettings
from backhaul_connectors.ixc_provider import IxcProvider
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://acs.example.net", "client_id": "6500000000001", "client_secret": "not-secret"}
TOKEN = httpx.Response(200, json={"access_token": "token-1", "expires_in": 3600})
ACCEPTED = httpx.Response(202, json={})
NOTHING = httpx.Response(200, json=[])
RUNNING = httpx.Response(200, json={"state": "Requested"})
PINGED = httpx.Response(200, json=[{"DiagnosticsState": "Complete", "SuccessCount": 4}])
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)


def result(end: str = "2031-01-10T12:00:08.5Z", word: str = "Completed") -> httpx.Response:
    counters = {"TestBytesReceived": 10**8, "BOMTime": "2031-01-10T12:00:00.5Z", "EOMTime": end}
    return httpx.Response(200, json={"DiagnosticsState": word, "download": counters})


def cut(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("cut", request=request)


def attempt(started_at: datetime = NOW) -> AttemptInfo:
    return AttemptInfo(started_at=started_at, number=1)


async def online(acs: IxcAcs) -> str:
    return (await anext(acs.list_devices(online=True))).items[0].serial


@pytest.fixture
def quick(sandbox: Sandbox) -> Sandbox:
    """A sandbox whose devices answer at once; the connector's clock moves by itself, the sandbox's is real."""
    sandbox.switch("acs", contact_s=0, diagnostic_s=dict.fromkeys(("speedTest", "neighbor", "ping", "traceroute"), 0))
    return sandbox


async def test_a_speed_test_gives_speeds_beside_what_is_contracted(quick: Sandbox) -> None:
    """Trap 4: accepted is not finished; the result is waited for. What is contracted is what the ERP says (S7)."""
    serial = quick.control.get("/acs/fixtures").json()["plain"]
    async with (
        connection_for(IxcAcs, quick.acs(poll_interval_s=0.05, speed_test_deadline_s=30)) as acs,
        connection_for(IxcProvider, quick.provider()) as erp,
    ):
        test = await acs.run_speed_test(serial=serial)
        login = (await acs.get_device(serial=serial)).pppoe_login
        assert login is not None
        plan = await erp.get_plan(login=login)
    assert (test.state, test.server) == ("finished", "speedtest.example.net")
    assert (test.contracted_download_mbps, test.contracted_upload_mbps) == (plan.download_mbps, plan.upload_mbps)
    assert test.download_mbps == pytest.approx(plan.download_mbps, rel=0.2)
    assert test.upload_mbps == pytest.approx(plan.upload_mbps, rel=0.2)


async def test_neighbours_ping_and_route_of_the_sandbox(quick: Sandbox) -> None:
    async with connection_for(IxcAcs, quick.acs(poll_interval_s=0.05)) as acs:
        serial = await online(acs)
        scan = await acs.run_neighbor_scan(serial=serial)
        ping = await acs.run_ping(serial=serial, host="host.example.net", repetitions=7)
        route = await acs.run_traceroute(serial=serial, host="host.example.net", max_hops=20)
        failed = await acs.run_ping(serial=serial, host="nowhere.invalid")
    assert all(one.signal_dbm is not None and one.channel for one in scan.neighbors)
    assert (ping.state, ping.success_count) == ("finished", 7)
    assert route.hops
    assert (failed.state, failed.error) == ("failed", "Error_CannotResolveHostName")


async def test_a_second_start_while_one_runs_is_refused(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        serial = await online(acs)
        await acs.start_speed_test(serial=serial, upload=False)
        assert (await acs.get_speed_test(serial=serial)).state == "none"
        with pytest.raises(RefusedError, match="already running"):
            await acs.start_speed_test(serial=serial)
        with pytest.raises(NotFoundError):
            await acs.start_speed_test(serial="ACMEFFFFFFFF")


@pytest.mark.parametrize("kind", ["ping", "traceroute"])
async def test_a_ping_or_route_is_not_started_while_one_of_its_kind_runs(sandbox: Sandbox, kind: str) -> None:
    """The running one may be to another host: its result must not be taken for this one's."""
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        serial = await online(acs)
        start = getattr(acs, f"start_{kind}")
        assert (await start(serial=serial, host="host.example.net")).accepted
        with pytest.raises(RefusedError, match="already running"):
            await start(serial=serial, host="other.example.net")


@pytest.mark.parametrize("kind", ["ping", "traceroute"])
async def test_a_ping_or_route_in_doubt_is_unknown_and_started_once(script: ScriptMaker, kind: str) -> None:
    """Trap 14."""
    vendor = script(TOKEN, cut)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(UnknownOutcomeError):
            await getattr(acs, f"start_{kind}")(serial="A1", host="host.example.net")
    assert len(vendor.requests) == 2
    vendor = script(TOKEN, NOTHING, cut, NOTHING)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(UnknownOutcomeError, match="is not known"):
            await getattr(acs, f"run_{kind}")(serial="A1", host="host.example.net", deadline_s=10)
    assert [request.method for request in vendor.requests[1:]].count("POST") == 1


async def test_a_ping_is_verified_by_its_state_or_a_new_result(script: ScriptMaker) -> None:
    asked: dict[str, Any] = {"serial": "A1", "host": "host.example.net", "attempt": attempt()}
    for answer, expected in ((RUNNING, "done"), (PINGED, "unknown"), (NOTHING, "unknown")):
        async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, answer).transport) as acs:
            assert (await acs.verify_start_ping(**asked)).state == expected
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, RUNNING, PINGED).transport) as acs:
        told = await acs.verify_run_ping(**asked, deadline_s=5)
    assert (told.state, told.result.success_count) == ("done", 4)


@pytest.mark.parametrize(("named", "expected"), [("IPPing", "done"), (None, "done"), ("speedTest", "unknown")])
async def test_a_ping_is_verified_by_the_event_of_a_ping_only(
    script: ScriptMaker, named: str | None, expected: str
) -> None:
    async def heard(since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
        return [Event(type=types[0], subject="A1", time=since, data={"diagnostic": named})]

    class Hearing(IxcAcs):
        def __init__(self, settings: IxcAcsSettings, context: ConnectorContext) -> None:
            super().__init__(settings, replace(context, events=heard))

    asked: dict[str, Any] = {"serial": "A1", "host": "host.example.net", "attempt": attempt()}
    async with connection_for(Hearing, SETTINGS, transport=script(TOKEN, PINGED).transport) as acs:
        assert (await acs.verify_start_ping(**asked)).state == expected
        assert (await acs.verify_run_ping(**asked, deadline_s=5)).state == expected


async def test_a_test_that_never_finishes_ends_at_the_deadline_and_is_not_repeated(script: ScriptMaker) -> None:
    """Traps 4 and 14."""
    vendor = script(TOKEN, NOTHING, ACCEPTED, NOTHING)
    clock = FakeClock(NOW, auto=True)
    async with connection_for(IxcAcs, SETTINGS, clock=clock, transport=vendor.transport) as acs:
        with pytest.raises(DiagnosticUnfinishedError, match="did not end in 20 s"):
            await acs.run_speed_test(serial="A1", deadline_s=20)
    assert clock.slept_s == pytest.approx(20, abs=3)
    assert [request.method for request in vendor.requests[1:]].count("POST") == 1
    assert issubclass(DiagnosticUnfinishedError, RefusedError)  # which the engine does not repeat


async def test_the_result_of_an_earlier_test_is_not_taken_for_this_one(script: ScriptMaker) -> None:
    old, new = result(), result("2031-01-10T12:00:04.5Z")
    vendor = script(TOKEN, old, ACCEPTED, old, old, new)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert (await acs.run_speed_test(serial="A1")).download_mbps == 200.0


async def test_trouble_while_waiting_never_starts_it_again(script: ScriptMaker) -> None:
    """Trap 14: a `RetryableError` that escaped would have the engine start the test again."""
    bad = httpx.Response(503)
    vendor = script(TOKEN, NOTHING, ACCEPTED, bad, bad, bad, httpx.Response(200, text="<html>"), result())
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert (await acs.run_speed_test(serial="A1")).state == "finished"
    assert [request.method for request in vendor.requests[1:]].count("POST") == 1


async def test_a_lost_start_is_looked_for_before_it_is_called_unknown(script: ScriptMaker) -> None:
    """Trap 14."""
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, NOTHING, cut, result()).transport) as acs:
        assert (await acs.run_speed_test(serial="A1")).state == "finished"
    vendor = script(TOKEN, NOTHING, cut, NOTHING)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(UnknownOutcomeError, match="is not known"):
            await acs.run_speed_test(serial="A1", deadline_s=10)
    assert [request.method for request in vendor.requests[1:]].count("POST") == 1


async def test_trouble_before_the_start_may_be_tried_again(script: ScriptMaker) -> None:
    vendor = script(TOKEN, httpx.Response(200, text="<html>"))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(RetryableError, match="nothing was asked"):
            await acs.run_speed_test(serial="A1")


async def test_verify_tells_by_state_result_time_or_event(script: ScriptMaker) -> None:
    running = httpx.Response(200, json={"state": "Requested"})
    for answer, expected in ((running, "done"), (result(), "done"), (NOTHING, "unknown")):
        async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, answer).transport) as acs:
            verdict = await acs.verify_start_speed_test(serial="A1", download=True, upload=True, attempt=attempt())
        assert verdict.state == expected
    late = attempt(NOW + timedelta(hours=1))
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, result()).transport) as acs:
        assert (
            await acs.verify_start_speed_test(serial="A1", download=True, upload=True, attempt=late)
        ).state == "unknown"
        told = await acs.verify_run_speed_test(serial="A1", download=True, upload=True, deadline_s=5, attempt=attempt())
    assert (told.state, told.result.download_mbps) == ("done", 100.0)


async def test_a_reboot_is_verified_by_uptime_and_event(script: ScriptMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap 14: a reboot whose answer is lost is looked for, never asked for again."""

    def device(uptime: int) -> httpx.Response:
        info = {"serialNumber": "A1", "lastInform": "2031-01-10T12:10:00Z", "deviceInfo": {"uptime": uptime}}
        return httpx.Response(200, json={"registers": [info], "hasNextPage": False})

    for uptime, expected in ((60, "done"), (86_400, "unknown")):
        async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, device(uptime)).transport) as acs:
            assert (await acs.verify_reboot(serial="A1", attempt=attempt())).state == expected
            assert (await acs.verify_factory_reset(serial="A1", attempt=attempt())).state == "unknown"

    async def heard(since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
        return [Event(type=types[0], subject="A1", time=since)]

    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, device(86_400)).transport) as acs:
        monkeypatch.setattr(type(acs.context), "events", property(lambda self: heard), raising=False)
        assert (await acs.verify_reboot(serial="A1", attempt=attempt())).state == "done"
        assert (await acs.verify_factory_reset(serial="A1", attempt=attempt())).state == "done"


async def test_a_reboot_in_doubt_is_unknown_and_asked_for_once(script: ScriptMaker) -> None:
    """Trap 14."""
    for answer in (cut, httpx.Response(504), httpx.Response(200, text="<html>login</html>")):
        vendor = script(TOKEN, answer)
        async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
            with pytest.raises(UnknownOutcomeError):
                await acs.reboot(serial="A1")
        assert len(vendor.requests) == 2


async def test_reboot_and_reset_of_the_sandbox(sandbox: Sandbox) -> None:
    sandbox.switch("acs", contact_s=0, reboot_s=0)
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        serial = await online(acs)
        assert (await acs.reboot(serial=serial)).accepted
        assert (await acs.factory_reset(serial=serial)).accepted
        sandbox.switch("acs", permissions=["devices"])
        with pytest.raises(Exception, match="three dots"):
            await acs.reboot(serial=serial)
