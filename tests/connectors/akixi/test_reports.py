"""Reports: their list, waiting for their data, and the vendor's limits kept on this side."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.sdk import AuthenticationError, InvalidAnswerError, Json, RefusedError, RetryableError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.akixi import Akixi
from backhaul_connectors.akixi.reports import ReportWindow
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SCRIPTED = {"base_url": "https://akixi.example.net", "api_key": "not-a-secret"}


async def test_the_reports_are_listed_with_what_their_types_mean(by_key: dict[str, Json]) -> None:
    async with connection_for(Akixi, by_key) as akixi:
        reports = {report.id: report for report in await akixi.list_reports()}
    assert reports["rep-2"].type == 1
    assert reports["rep-2"].type_name == "historic calls"
    assert reports["rep-2"].is_licensed
    assert reports["rep-2"].is_binned is False
    assert reports["rep-6"].is_licensed is False


async def test_the_list_of_reports_may_be_in_an_envelope_and_its_flags_texts(script: ScriptMaker) -> None:
    report = {"ID": 7, "Type": "101", "Description": "Screen", "IsLicensed": "True", "IsBinned": "false"}
    vendor = script(httpx.Response(200, json={"Result": "Success", "Data": [report]}))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        (found,) = await akixi.list_reports()
    assert (found.id, found.type, found.type_name) == ("7", 101, "external content")
    assert (found.is_licensed, found.is_binned) == (True, False)


async def test_a_report_is_waited_for(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    clock = FakeClock(auto=True)
    async with connection_for(Akixi, by_key, clock=clock) as akixi:
        run = await akixi.run_report(report_id="rep-1")
    assert run.status == "COMPLETED"
    assert run.data["Rows"]
    assert sandbox.operations("akixi") == ["run_report"] * 3
    assert clock.slept_s == 10


async def test_a_report_that_is_not_ready_is_continued_by_the_next_call(
    sandbox: Sandbox, by_key: dict[str, Json]
) -> None:
    sandbox.switch("akixi", report_waits=7)
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(RetryableError, match="still prepares") as caught:
            await akixi.run_report(report_id="rep-1")
        assert caught.value.retry_after_s == 5
        assert (await akixi.run_report(report_id="rep-1")).data["Rows"]
    assert sandbox.operations("akixi") == ["run_report"] * 8


async def test_the_vendors_limits_are_kept_without_asking(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    sandbox.switch("akixi", report_waits=0)
    clock = FakeClock()
    async with connection_for(Akixi, by_key, clock=clock) as akixi:
        await akixi.run_report(report_id="rep-1")
        await clock.advance(60)
        with pytest.raises(RetryableError, match="another 540 s") as caught:
            await akixi.run_report(report_id="rep-1")
        assert caught.value.retry_after_s == 540
        await akixi.run_report(report_id="rep-2")
        await akixi.run_report(report_id="rep-3")
        with pytest.raises(RetryableError, match="another 540 s"):
            await akixi.run_report(report_id="rep-4")
        assert len(sandbox.operations("akixi")) == 3
        await clock.advance(540)
        sandbox.advance(601)
        await akixi.run_report(report_id="rep-4")
        with pytest.raises(RetryableError, match="another 60 s"):
            await akixi.run_report(report_id="rep-1")


@given(asked=st.lists(st.tuples(st.sampled_from("abcde"), st.integers(min_value=0, max_value=700)), max_size=30))
def test_no_window_ever_holds_more_than_is_allowed(asked: list[tuple[str, int]]) -> None:
    window = ReportWindow(window_s=600, distinct=3)
    now = 0.0
    done: list[tuple[str, float]] = []
    for name, pause_s in asked:
        now += pause_s
        if window.wait_s(name, now) <= 0:
            window.begin(name, now)
            window.end(name, now)
            done.append((name, now))
        lately = [one for one, at in done if at > now - 600]
        assert len(lately) == len(set(lately)) <= 3


async def test_a_user_without_the_right_is_told_which(sandbox: Sandbox, by_key: dict[str, Json]) -> None:
    sandbox.switch("akixi", denied=["reports"])
    async with connection_for(Akixi, {**by_key, "check_by": "reports"}) as akixi:
        with pytest.raises(RefusedError, match="Report Data API"):
            await akixi.check()


async def test_a_403_for_reports_names_the_right(script: ScriptMaker) -> None:
    vendor = script(httpx.Response(403))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(AuthenticationError, match="Report Data API"):
            await akixi.list_reports()


@pytest.mark.parametrize("status", [200, 400])
async def test_a_report_that_is_not_licensed_is_refused_and_asked_for_once(
    sandbox: Sandbox, by_key: dict[str, Json], status: int
) -> None:
    """Trap 5."""
    sandbox.switch("akixi", report_error_status=status)
    async with connection_for(Akixi, by_key) as akixi:
        with pytest.raises(RefusedError, match="not licensed"):
            await akixi.run_report(report_id="rep-6")
    assert len(sandbox.operations("akixi")) == 1


@pytest.mark.parametrize("body", [{"ExecutionStatus": "FAILED"}, {"ExecutionStatus": "ERROR"}])
async def test_a_report_that_failed_is_refused(script: ScriptMaker, body: Json) -> None:
    vendor = script(httpx.Response(200, json=body))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(RefusedError, match="could not run"):
            await akixi.run_report(report_id="1")


@pytest.mark.parametrize("body", ["x", {"Result": "Success"}, [{}], [1]])
async def test_what_is_no_list_of_reports_is_an_error(script: ScriptMaker, body: Json) -> None:
    vendor = script(httpx.Response(200, json=body))
    async with connection_for(Akixi, SCRIPTED, transport=vendor.transport) as akixi:
        with pytest.raises(InvalidAnswerError):
            await akixi.list_reports()
