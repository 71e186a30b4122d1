"""The sandbox's shortcuts (derived rows, indexes, bisection) against plain models of the same things."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backhaul_connectors.sandbox.acs_devices import AcsDevices
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.expectation import expected_sync
from backhaul_connectors.sandbox.ixc_provider.listing import RowFinder
from backhaul_connectors.sandbox.ixc_provider.query import Condition, ListQuery, sort_key
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.population import Population, plain_serial
from backhaul_connectors.sandbox.rate import CallCounter
from backhaul_connectors.sandbox.request_log import RequestLog
from backhaul_connectors.sandbox.world import World

COUNT = 60
CLOCK = WorldClock(source=lambda: 1_900_000_000.0)


def world(devices: int = COUNT, seed: int = 3) -> World:
    return World(WorldOptions(devices=devices, seed=seed), CLOCK)


@given(st.integers(0, 3000), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_serial_numbers_and_logins_lead_back_to_their_index(devices: int, seed: int) -> None:
    population = Population(WorldOptions(devices=devices, seed=seed))
    everything = range(population.devices + population.gone)
    serials = [population.serial(index) for index in everything]
    assert serials == sorted(set(serials))
    assert [population.serial_index(serial) for serial in serials] == list(everything)
    logins = [population.login(index) for index in range(population.logins)]
    assert len(set(logins)) == len(logins)
    assert [population.login_index(login) for login in logins] == list(range(population.logins))
    for index in everything:
        link = population.row_link(index) if population.has_row(index) else None
        if link is not None:
            assert index in population.rows_of_login(link)


@given(st.text(max_size=20))
def test_a_text_that_is_no_serial_number_or_login_is_not_found(text: str) -> None:
    population = world().population
    assert population.serial_index(text) is None
    assert population.login_index(text) is None


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_devices_behave_like_a_plain_dictionary(data: st.DataObject) -> None:
    population = world().population
    devices = AcsDevices(population)
    model = {devices.serial(slot): devices.login(slot) for slot in devices}
    logins = st.sampled_from([None, "a.ppp", "b.ppp", population.login(4), population.login(7)])
    for _ in range(data.draw(st.integers(1, 15))):
        serial = data.draw(st.sampled_from([*sorted(model), "AAAA", "MMMM", "ZZZZ", population.serial(5)]))
        slot = devices.find(serial)
        assert (slot is None) == (serial not in model)
        match data.draw(st.sampled_from(["toggle", "login", "mass"])):
            case "toggle" if slot is None:
                model[serial] = data.draw(logins)
                devices.add(serial, model[serial], at=0.0)
            case "toggle" if slot is not None:
                devices.remove(slot)
                del model[serial]
            case "login" if slot is not None:
                model[serial] = data.draw(logins)
                devices.set_login(slot, model[serial])
            case "mass":
                gone = data.draw(st.sets(st.sampled_from(list(devices)))) if len(devices) else set()
                devices.remove_many(gone)
                model = {s: login for s, login in model.items() if devices.find(s) is not None}
        assert [devices.serial(s) for s in devices.order] == sorted(model)
        for login in {"a.ppp", population.login(4), *(value for value in model.values() if value)}:
            assert [devices.serial(s) for s in devices.find_by_login(login)] == sorted(
                s for s, value in model.items() if value == login
            )


def test_adding_a_present_device_is_refused() -> None:
    devices = world().devices
    with pytest.raises(ValueError, match="exists already"):
        devices.add(devices.serial(0), None, at=0.0)


conditions = st.one_of(
    st.builds(
        Condition,
        st.just("id"),
        st.sampled_from(["=", "!=", ">", ">=", "<", "<=", "BE", "NBE", "IN", "NI", "L"]),
        st.integers(690, 790).map(str),
        st.integers(690, 790).map(str),
    ),
    st.builds(
        Condition,
        st.just("id_login"),
        st.sampled_from(["=", "!=", ">", "IN", "BE"]),
        st.one_of(st.just("0"), st.integers(5000, 5065).map(str)),
        st.integers(5000, 5065).map(str),
    ),
    st.builds(
        Condition,
        st.just("serial_number"),
        st.sampled_from(["=", "L", "NL"]),
        st.sampled_from(["ACME", "acme", "NEW1"]),
    ),
    st.builds(Condition, st.just("status_contrato"), st.sampled_from(["=", "!="]), st.sampled_from(["A", "I", ""])),
)


@given(
    st.lists(conditions, max_size=3),
    st.sampled_from(["id", "serial_number", "id_login", "model"]),
    st.booleans(),
    st.lists(st.sampled_from(["insert", "delete", "update"]), max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_a_listing_equals_a_walk_over_all_rows(
    wanted: list[Condition], sort: str, descending: bool, changes: list[str]
) -> None:
    table, finder = world().registered, RowFinder()
    for number, change in enumerate(["none", *changes]):
        row_id = table.ids[number * 5]
        if change == "insert":
            table.insert({"serial_number": f"NEW{number}", "id_login": "5003"})
        elif change == "delete":
            table.delete(row_id)
        elif change == "update":
            table.update(row_id, {"serial_number": f"NEW{number}", "id_login": "5011", "model": "Z"})
        rows = [table.row(i) for i in table.ids if all(c.holds(table.row(i)[c.column]) for c in wanted)]
        rows.sort(key=lambda row: sort_key(row[sort]))
        if descending:
            rows.reverse()
        expected = [int(row["id"]) for row in rows]
        found: list[int] = []
        page = 1
        while True:
            query = ListQuery(conditions=tuple(wanted), page=page, rp=7, sort=sort, descending=descending)
            ids, total = finder.page(table, query)
            assert total == len(expected)
            found += ids
            if page * 7 >= total:
                break
            page += 1
        assert found == expected


@given(st.integers(1, 400), st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_cells_and_rows_agree(devices: int, seed: int) -> None:
    for table in world(devices, seed).tables.values():
        for row_id in list(table.ids)[:: max(1, len(table) // 7)]:
            row = table.row(row_id)
            assert tuple(row) == table.columns
            assert {column: table.cell(row_id, column) for column in row} == row
            for column in ("id", *table.seeded.indexed):
                assert row_id in (table.find(column, row[column]) or [])


@given(st.integers(0, 500), st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_carrying_out_the_expectation_leaves_nothing_to_do(devices: int, seed: int) -> None:
    isp = World(WorldOptions(devices=devices, seed=seed, serial_alias=0.05), CLOCK)
    expected = expected_sync(isp)
    for item in expected.create:
        isp.registered.insert({"serial_number": item["serial_number"], "id_login": str(isp.login_row(item["login"]))})
    for item in expected.update:
        isp.registered.update(int(item["id"]), {"id_login": str(isp.login_row(item["login"]))})
    for item in expected.delete:
        isp.registered.delete(int(item["id"]))
    after = expected_sync(isp)
    assert (after.create, after.update, after.delete) == ([], [], [])
    assert after.unchanged == expected.unchanged + len(expected.create) + len(expected.update)


def test_all_forms_of_a_serial_number_have_one_plain_form() -> None:
    forms = ("ACME00A1B2C3", "acme00a1b2c3", "ACME-00A1B2C3", "41434D4500A1B2C3", "41:43:4d:45:00:a1:b2:c3")
    assert {plain_serial(form) for form in forms} == {"ACME00A1B2C3"}
    assert plain_serial("0001020304050607") == "0001020304050607"


def test_the_log_drops_the_oldest_entries_and_still_counts_them() -> None:
    log = RequestLog(limit=100)
    for number in range(250):
        log.add(
            at=0.0,
            vendor="acs",
            method="GET",
            path="/",
            operation="look",
            effect="read",
            outcome="done",
            key=str(number),
            record="",
            status=200,
            completed=True,
        )
    entries, last = log.since(0, limit=1000)
    assert 75 <= len(entries) <= 100
    assert [entry.seq for entry in entries] == list(range(251 - len(entries), 251))
    assert last == log.last_seq == 250
    assert log.summary()["total"] == 250
    assert log.since(250, limit=10) == ([], 250)


def test_a_call_counter_refuses_until_its_window_ends_and_does_not_count_refusals() -> None:
    counter = CallCounter()
    assert [counter.count(60.0 + s, 2, None) for s in (0, 1, 2, 59)] == [None, None, 58, 1]
    assert counter.count(120.0, 2, None) is None
    assert counter.count(121.0, None, 4) is None
    assert counter.count(122.0, None, 4) == 86_400 - 122
