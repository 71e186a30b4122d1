"""What has an effect every time, with its answer lost: found out by looking, or left to a person; never done twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backhaul.errors import RunStateError
from backhaul.json_values import Json
from backhaul.runs.interventions import Resolution
from backhaul.store.records import RunRecord, RunStatus
from isp import Sandbox, sandbox
from workflows.office import Office, office

pytestmark = pytest.mark.anyio

ONCE = """
name: once
steps:
  - {id: act, call: %s, with: %s}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """An action that has its effect every time.

    Attributes:
        params: its parameters as YAML; what is in capitals is filled in.
        operation: its name in the sandbox's log.
        blind: how to keep its effect from being seen: settings of the sandbox.
    """

    action: str
    params: str
    vendor: str
    operation: str
    blind: dict[str, Any]


CASES = {
    "click-to-call": Case(
        "phone.call",
        '{account_id: desk-1, number: "+5511988887777"}',
        "axialys",
        "call",
        {"axialys": {"lost": ["outgoing_call_start"]}},
    ),
    "reboot": Case("acs.reboot", "{serial: SERIAL}", "acs", "reboot", {"acs": {"webhook_uri": None}}),
    "speed test": Case(
        "acs.start_speed_test", "{serial: SERIAL}", "acs", "start_speedTest", {"acs": {"webhook_uri": None}}
    ),
    "record insert": Case(
        "provider.insert_record",
        "{table: cidade, fields: {nome: Nova Vila, uf: '26'}, unique: nome}",
        "provider",
        "cidade.insert",
        {},
    ),
    "record insert without a unique column": Case(
        "provider.insert_record",
        "{table: cidade, fields: {nome: Nova Vila, uf: '26'}}",
        "provider",
        "cidade.insert",
        {},
    ),
}


@pytest.fixture(scope="module")
def world_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running sandbox."""
    with sandbox(tmp_path_factory.mktemp("sandbox"), "--devices", "100", "--seed", "3") as running:
        yield running


@pytest.fixture
def world(world_process: Sandbox) -> Sandbox:
    """The sandbox with its ISP as it was at the start."""
    world_process.control("POST", "reset", {"devices": 100, "seed": 3})
    return world_process


async def carried_out(here: Office) -> RunRecord:
    """Return the run once it has come to its end, or to a person."""
    await here.app.dispatcher.start("once", {}, cause="test")
    return await here.run("once", RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.NEEDS_ATTENTION)


def text_of(case: Case, world: Sandbox) -> str:
    """Return the workflow of a case."""
    serial = world.control("GET", "acs/fixtures")["plain"]
    return (ONCE % (case.action, case.params)).replace("SERIAL", serial)


SHORT: dict[str, Any] = {"phone": {"correlation_window_s": 1}}


@pytest.mark.parametrize("fault", ["cut_after", "cut_body"])
@pytest.mark.parametrize("name", CASES)
async def test_a_connection_cut_after_the_acceptance_never_has_it_done_twice(
    tmp_path: Path, world: Sandbox, name: str, fault: str
) -> None:
    case = CASES[name]
    async with office(tmp_path, world, (), texts={"once.yaml": text_of(case, world)}, **SHORT) as here:
        await here.control(
            "POST", "faults", {"kind": fault, "vendor": case.vendor, "match": {"operation": case.operation}, "times": 1}
        )
        run = await carried_out(here)
        await here.later(120)
        done = await here.sent(case.vendor, case.operation)
        assert len(done) == 1
        step: Json = await here.app.store.step(run.run_id, "act")
        assert step is not None
        if run.status is RunStatus.NEEDS_ATTENTION:
            assert step.status.value == "unknown"
            assert run.error is not None
            assert run.error["type"] == "UnknownOutcomeError"
        else:
            assert run.status is RunStatus.SUCCEEDED, run.error
        if name in {"click-to-call", "record insert"}:
            assert run.status is RunStatus.SUCCEEDED, run.error


@pytest.mark.parametrize(
    ("name", "at_once"), [("speed test", {"diagnostic_s": {"speedTest": 0}}), ("reboot", {"reboot_s": 0})]
)
async def test_what_was_not_answered_is_seen_by_what_came_of_it(
    tmp_path: Path, world: Sandbox, name: str, at_once: dict[str, Any]
) -> None:
    case = CASES[name]
    async with office(tmp_path, world, (), texts={"once.yaml": text_of(case, world)}) as here:
        await here.control("POST", "settings", {"acs": {"contact_s": 0, **at_once}})
        match = {"operation": case.operation}
        await here.control("POST", "faults", {"kind": "cut_after", "vendor": "acs", "match": match, "times": 1})
        run = await carried_out(here)
        assert run.status is RunStatus.SUCCEEDED, run.error
        assert len(await here.sent("acs", case.operation)) == 1


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.blind or "without" in name])
async def test_what_cannot_be_seen_is_left_to_a_person_who_says_what_happened(
    tmp_path: Path, world: Sandbox, name: str
) -> None:
    case = CASES[name]
    async with office(tmp_path, world, (), texts={"once.yaml": text_of(case, world)}, **SHORT) as here:
        if case.blind:
            await here.control("POST", "settings", case.blind)
        match = {"operation": case.operation}
        await here.control("POST", "faults", {"kind": "cut_before", "vendor": case.vendor, "match": match, "times": 1})
        run = await carried_out(here)
        assert run.status is RunStatus.NEEDS_ATTENTION, run.error
        assert await here.sent(case.vendor, case.operation) == []
        seen = await here.control("GET", "requests?since=0&limit=100000")
        assert len([one for one in seen["items"] if one["operation"] == case.operation]) == 1
        # A service that starts again, and people who resume, do not send it either.
        with pytest.raises(RunStateError, match="waits for a person"):
            await here.app.interventions.reopen(run.run_id)
        going = await here.app.interventions.resolve(run.run_id, "act", Resolution.DONE, {"by": "hand"})
        going = await here.app.interventions.reopen(going.run_id)
        here.app.dispatcher.notice(going.run_id)
        run = await here.run("once", RunStatus.SUCCEEDED)
        assert run.output == {"by": "hand"}
        seen = await here.control("GET", "requests?since=0&limit=100000")
        assert len([one for one in seen["items"] if one["operation"] == case.operation]) == 1


async def test_after_a_cut_call_back_the_queue_goes_on_and_nobody_is_rung_twice(tmp_path: Path, world: Sandbox) -> None:
    edited = {
        'default: "09:00"': 'default: "00:00"',
        'default: "18:00"': 'default: "24:00"',
        "default: 5": "default: 7",
    }
    files = ("missed_calls.yaml", "click_to_call_queue.yaml")
    async with office(tmp_path, world, files, edited=edited, **SHORT) as here:
        fault = {"kind": "cut_after", "vendor": "axialys", "match": {"operation": "call"}, "times": 1}
        await here.control("POST", "faults", fault)
        call_id = await here.ring(index=5)
        await here.hang_up(call_id)
        run = await here.run("click-to-call-queue", RunStatus.WAITING)
        await here.later(60)
        run = await here.run("click-to-call-queue")
        assert run.status is RunStatus.SUCCEEDED, run.error
        assert len(await here.sent("axialys", "call")) == 1
