"""Which devices the webhooks reported as removed: the last word about each device counts, whatever came in when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.sdk import Event, RefusedError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.removal_actions import MOST_REPORTS, Removal, removals_of
from backhaul_connectors.ixc_acs.serials import serial_key

pytestmark = pytest.mark.anyio

SETTINGS = {
    "base_url": "https://acs.example.net",
    "client_id": "6500000000001",
    "client_secret": "not-secret",
    "page_size": 2,
}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
KINDS = ("device.added", "device.removed")


def report(kind: str, serial: str, minutes: float = 0.0) -> Event:
    data = {"serial": serial, "serial_key": serial_key(serial) if serial else ""}
    return Event(type=f"device.{kind}", subject=serial, data=data, time=NOW + timedelta(minutes=minutes))


async def listed(
    *reports: Event, since: datetime | None = None, cursor: str | None = None
) -> tuple[list[list[str]], list[tuple[datetime, tuple[str, ...], int]]]:
    """Return the serial numbers page by page, and what the events were asked for."""
    asked: list[tuple[datetime, tuple[str, ...], int]] = []

    async def events(since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
        asked.append((since, tuple(types), limit))
        return [one for one in reports if one.time >= since and one.type in types][:limit]

    async with connection_for(IxcAcs, SETTINGS) as acs:
        acs.context = replace(acs.context, events=events)
        pages = [page async for page in acs.list_removals(since=since, cursor=cursor)]
    return [[item.serial for item in page.items] for page in pages], asked


async def test_the_devices_come_once_each_by_their_key_page_by_page() -> None:
    reports = [report("removed", serial, number) for number, serial in enumerate(["C3", "a-1", "B2", "A1", "D4"])]
    pages, asked = await listed(*reports)
    assert pages == [["A1", "B2"], ["C3", "D4"]]
    assert [(types, limit) for _, types, limit in asked] == [(KINDS, MOST_REPORTS + 1)]
    assert (await listed(*reports, cursor="B2"))[0] == [["C3", "D4"]]


async def test_without_reports_the_list_is_empty() -> None:
    assert (await listed())[0] == [[]]


async def test_a_device_that_was_added_again_is_not_removed() -> None:
    back = [report("removed", "A1", 1), report("added", "A1", 2), report("removed", "B2", 1)]
    assert (await listed(*back))[0] == [["B2"]]
    assert (await listed(*back, report("removed", "A1", 3)))[0] == [["A1", "B2"]]


async def test_what_the_acs_says_happened_later_counts_not_what_came_in_later() -> None:
    assert (await listed(report("added", "A1", 2), report("removed", "A1", 1)))[0] == [[]]


async def test_since_leaves_out_what_came_in_before() -> None:
    pages, asked = await listed(
        report("removed", "A1", 1), report("removed", "B2", 5), since=NOW + timedelta(minutes=3)
    )
    assert pages == [["B2"]]
    assert asked[0][0] == NOW + timedelta(minutes=3)


async def test_a_report_without_a_serial_number_names_no_device() -> None:
    assert (await listed(report("removed", ""), Event(type="device.removed", time=NOW)))[0] == [[]]


async def test_too_many_reports_are_refused_and_never_cut_off() -> None:
    many = [report("removed", f"S{number}") for number in range(MOST_REPORTS + 1)]
    with pytest.raises(RefusedError, match="name a later 'since'"):
        await listed(*many)


@given(
    st.lists(st.tuples(st.sampled_from(["added", "removed"]), st.sampled_from(["A1", "a-1", "B2", "C3"])), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_coming_in_does_not_matter(happened: list[tuple[str, str]], order: object) -> None:
    reports = [report(kind, serial, number) for number, (kind, serial) in enumerate(happened)]
    last = {serial_key(serial): kind for kind, serial in happened}
    order.shuffle(reports)  # type: ignore[attr-defined]  # hypothesis' randoms are random.Random
    found: list[Removal] = removals_of(reports)
    assert [one.serial_key for one in found] == sorted(key for key, kind in last.items() if kind == "removed")
