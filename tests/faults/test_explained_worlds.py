"""Whatever happened to an ISP: each difference of its systems has the reason that the test knows, and all add up."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backhaul.store.records import RunRecord, RunStatus
from backhaul_connectors.ixc_acs.serials import serial_key
from isp import sandbox
from workflows.differences import answer, begin, items_of
from workflows.known_reasons import Knowledge, Reasons
from workflows.known_world import CHANGES, KnownWorld
from workflows.office import Office, office

DEVICES = 60
COUNTED, DELETED = "count-report", "reconcile-deleted-devices"
FILES = ("count_report.yaml", "reconcile_deleted_devices.yaml")
ALL = {"max_delete": "100%", "max_delete_count": 1000}

Happened = list[tuple[str, int, int]]
NAMES = st.sampled_from(sorted(CHANGES))
LAST = st.sampled_from(["mass_delete", "delete_by_hand_erp_deaf", "lose_rows"]) | NAMES


@st.composite
def stories(draw: st.DrawFn) -> Happened:
    """Up to three changes of one device, the last of which mostly leaves it in one system only."""
    place, way = draw(st.integers(0, DEVICES - 1)), draw(st.integers(0, 9))
    return [(name, place, way) for name in [*draw(st.lists(NAMES, max_size=2)), draw(LAST)]]


HAPPENED = st.lists(stories(), min_size=1, max_size=5).map(lambda told: [change for story in told for change in story])
EVERYTHING: Happened = [(name, 5 * number, number) for number, name in enumerate(sorted(CHANGES))]
TOLD: Happened = [
    ("respell", 0, 1),
    ("delete_by_hand_erp_deaf", 0, 0),
    ("take_customer", 5, 0),
    ("lose_rows", 5, 0),
    ("deactivate", 10, 0),
    ("mass_delete", 10, 0),
    ("unlink", 15, 0),
    ("mass_delete", 15, 0),
    ("deactivate", 20, 0),
    ("lose_rows", 20, 0),
    ("delete_by_hand_erp_deaf", 25, 0),
    ("bring_back", 25, 0),
    ("mass_delete", 25, 0),
    ("respell", 30, 2),
    ("double", 35, 0),
    ("mass_delete", 35, 0),
]
_numbers = count(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnownWorld]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), "--devices", str(DEVICES)) as running:
        yield KnownWorld(running, DEVICES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> Iterator[Path]:
    """Folders of projects whose history has nothing in it."""
    place = tmp_path_factory.mktemp("worlds")

    def fresh() -> Iterator[Path]:
        for number in _numbers:
            folder = place / str(number)
            (folder / ".backhaul").mkdir(parents=True)
            shutil.copy(_sqlite_template, folder / ".backhaul" / "backhaul.db")
            yield folder

    return fresh()


async def explained(here: Office, run: RunRecord, step: str, report: Any, expected: Reasons) -> None:
    """Check a report's reasons: sum by sum, and key by key."""
    told = report["explained"]
    assert told["problems"] == {}
    records = Counter({(one["side"], one["reason"]): one["count"] for one in told["reasons"]})
    assert records == expected.records
    sides = {side: sum(many for (of, _), many in records.items() if of == side) for side in ("source", "target")}
    assert sides == {"source": told["only_in_source"], "target": told["only_in_target"]}
    assert told["difference"] == sides["source"] - sides["target"] == told["source"] - told["target"]
    keys: dict[str, list[str]] = defaultdict(list)
    for item in await items_of(here, run, step):
        if item["reason"] is not None:
            keys[item["reason"]].append(item["key"] or "")
    assert {reason: sorted(found) for reason, found in keys.items()} == expected.sorted_keys()


async def report_of(here: Office, run: RunRecord, event_type: str) -> Any:
    """Return the report of a run's end, also of one that failed."""
    events = await here.events(event_type)
    return events[-1].data if run.status is RunStatus.FAILED else run.output


async def failing_first(here: Office, known: Knowledge) -> list[str]:
    """Run while the ERP removes nothing, and return the keys that failed."""
    fault = {"kind": "error_200", "body": "Registro em uso", "vendor": "provider"}
    await here.control("POST", "faults", {**fault, "match": {"operation": "acs_device_grid.delete"}})
    run = await begin(here, DELETED, **ALL)
    await here.control("DELETE", "faults")
    expected = known.reasons_by_key()
    assert run.status is (RunStatus.FAILED if known.gone else RunStatus.SUCCEEDED), run.error
    report = await report_of(here, run, "report.deleted_devices")
    assert report["failed"] == len(known.gone)
    await explained(here, run, "gone", report, expected)
    return [item["key"] for item in await items_of(here, run, "gone") if item["outcome"] == "failed"]


async def to_delete(here: Office, known: Knowledge) -> set[str]:
    """Return what the sandbox itself would have removed, but for what is never guessed."""
    expected = await here.control("GET", "expected_sync")
    return {one["serial_number"] for one in expected["delete"]} - known.never_guessed


async def live_through(
    folder: Path, world: KnownWorld, happened: Happened, *, fails_first: bool, allowed: bool
) -> None:
    """Let all of it happen, then have it explained and cleaned up."""
    world.begin()
    known = Knowledge(world)
    async with office(folder, world.sandbox, FILES) as here:
        for name, place, way in happened:
            await anyio.to_thread.run_sync(CHANGES[name], world, place, way)
        gone = {row.text for row in known.gone}
        assert await to_delete(here, known) == gone
        counted = await begin(here, COUNTED)
        assert counted.status is RunStatus.SUCCEEDED, counted.error
        await explained(here, counted, "difference", counted.output, known.reasons_by_text())
        failed = await failing_first(here, known) if fails_first else []
        assert sorted(failed) == sorted(map(serial_key, gone if fails_first else ()))
        run = await begin(here, DELETED, **(ALL if allowed else {"max_delete": "0%"}))
        if not allowed and gone:
            assert run.status is RunStatus.WAITING, run.error
            run = await answer(here, run, yes=False)
        assert run.status is RunStatus.SUCCEEDED, run.error
        report: Any = run.output
        await explained(here, run, "gone", report, known.reasons_by_key(failed))
        assert report["spelled_differently"] == known.spelled_differently()
        assert (report["deleted"], report["held"]) == ((len(gone), 0) if allowed else (0, len(gone)))
        assert await to_delete(here, known) == (set() if allowed else gone)
        removed = [one["key"] for one in await here.sent("provider", "acs_device_grid.delete")]
        assert sorted(removed) == sorted(gone if allowed else ())


@pytest.mark.slow
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@example(happened=TOLD, fails_first=False, allowed=True)
@example(happened=EVERYTHING, fails_first=True, allowed=True)
@example(happened=EVERYTHING[::-1], fails_first=False, allowed=False)
@given(happened=HAPPENED, fails_first=st.booleans(), allowed=st.booleans())
def test_the_reasons_add_up_and_are_what_the_world_knows_it_did(
    world: KnownWorld, folders: Iterator[Path], happened: Happened, fails_first: bool, allowed: bool
) -> None:
    asyncio.run(live_through(next(folders), world, happened, fails_first=fails_first, allowed=allowed))
