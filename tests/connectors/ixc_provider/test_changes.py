"""The poll of `ultima_atualizacao`: resumable, and nothing is lost on equal times."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backhaul.sdk import Event, InvalidAnswerError, RefusedError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8, "page_pause_s": 0}
ONE_TABLE = {**SETTINGS, "poll_tables": {"cliente": "customer.changed"}, "page_size": 2}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


class Table:
    """An ERP with one table that filters and sorts by time or id as the vendor's does."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, str]] = {}

    def set(self, record: int, second: int, value: str = "") -> None:
        self.rows[record] = {
            "id": str(record),
            "ultima_atualizacao": f"2031-01-10 08:{second // 60:02}:{second % 60:02}",
            "razao": value,
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        rows = list(self.rows.values())
        for one in json.loads(body.get("grid_param", "[]")):
            column, limit = one["TB"].rpartition(".")[2], number(one["P"])
            compare = {">": operator.gt, ">=": operator.ge, "=": operator.eq}[one["OP"]]
            rows = [row for row in rows if compare(number(row[column]), limit)]
        sort = body["sortname"].rpartition(".")[2]
        rows.sort(key=lambda row: number(row[sort]), reverse=body["sortorder"] == "desc")
        page = rows[: int(body["rp"])]
        answer: dict[str, object] = {"page": "1", "total": str(len(rows))}
        return httpx.Response(200, json={**answer, "registros": page} if page else answer)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)


def ticking() -> FakeClock:
    return FakeClock(NOW, auto=True)


async def look(erp: IxcProvider, cursor: str | None) -> tuple[list[Event], str | None]:
    events: list[Event] = []
    async for page in erp.changes(cursor=cursor):
        events += page.events
        cursor = page.next
    return events, cursor


def subjects(events: Sequence[Event]) -> list[str]:
    return [event.subject for event in events]


@pytest.mark.anyio
async def test_the_first_look_brings_nothing_and_the_next_what_was_changed_since(sandbox: Sandbox) -> None:
    """Trap 23: the ERP sends no webhooks."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        nothing, cursor = await look(erp, None)
        assert nothing == []
        login = (await anext(erp.list_logins(active=True, linked=True))).items[0]
        assert login.id_cliente is not None
        contract = await erp.get_contract(login=login.login)
        await erp.update_record(table="radusuarios", id=login.id, fields={"obs": "moved"})
        await erp.update_record(table="cliente", id=login.id_cliente, fields={"obs": "moved"})
        await erp.update_record(table="cliente_contrato", id=contract.id, fields={"status_internet": "CM"})
        events, cursor = await look(erp, cursor)
        assert {(event.type, event.subject) for event in events} == {
            ("customer.changed", str(login.id_cliente)),
            ("contract.changed", str(contract.id)),
            ("login.changed", str(login.id)),
        }
        told = next(event for event in events if event.type == "contract.changed")
        assert told.data["service_should_work"] is False
        assert (await look(erp, cursor))[0] == []


@pytest.mark.anyio
async def test_events_hold_no_cpf_name_or_phone(sandbox: Sandbox) -> None:
    """Trap 28: personal data stay out of keys."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        _, cursor = await look(erp, None)
        customer = (await anext(erp.list_customers())).items[0]
        await erp.update_record(table="cliente", id=customer.id, fields={"obs": "x"})
        (event,), cursor = await look(erp, cursor)
    shown = repr(event) + (cursor or "")
    assert customer.cnpj_cpf is not None
    assert all(text not in shown for text in (customer.razao, customer.cnpj_cpf, *customer.phones))


@pytest.mark.anyio
async def test_equal_times_lose_nothing_however_many() -> None:
    table = Table()
    table.set(1, 0)
    async with connection_for(IxcProvider, ONE_TABLE, clock=ticking(), transport=table.transport) as erp:
        _, cursor = await look(erp, None)
        for record in range(2, 9):
            table.set(record, 5)
        table.set(9, 6)
        events, cursor = await look(erp, cursor)
        assert sorted(subjects(events)) == list("23456789")
        table.set(10, 6)  # in the second that was read last
        table.set(3, 5, "again")  # a second before it, with another content
        events, cursor = await look(erp, cursor)
        assert sorted(subjects(events), key=int) == ["3", "10"]
        assert len({event.key for event in events}) == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=12), min_size=1, max_size=5))
def test_every_change_brings_an_event_whatever_the_times(looks: list[list[tuple[int, int]]]) -> None:
    import anyio

    async def scenario() -> None:
        table, second = Table(), 0
        table.set(99, 0)
        clock = FakeClock(NOW, auto=True)
        async with connection_for(IxcProvider, ONE_TABLE, clock=clock, transport=table.transport) as erp:
            _, cursor = await look(erp, None)
            for round_, changes in enumerate(looks):
                expected = set()
                for record, later in changes:
                    second += later
                    table.set(record, second, f"{round_}")
                    expected.add(str(record))
                events, cursor = await look(erp, cursor)
                assert set(subjects(events)) == expected

    anyio.run(scenario)


@pytest.mark.anyio
async def test_a_look_that_breaks_off_continues_where_it_was_stored() -> None:
    table = Table()
    table.set(1, 0)
    async with connection_for(IxcProvider, ONE_TABLE, clock=ticking(), transport=table.transport) as erp:
        _, cursor = await look(erp, None)
        for record in range(2, 9):
            table.set(record, record)
        seen: list[str] = []
        for _ in range(12):
            async with aclosing(erp.changes(cursor=cursor)) as pages:  # type: ignore[type-var]
                async for page in pages:
                    seen, cursor = seen + subjects(page.events), page.next
                    if page.events:
                        break  # the process ends here
    assert seen == list("2345678")


@pytest.mark.anyio
async def test_an_answer_that_is_not_sorted_or_a_foreign_cursor_is_an_error(script: ScriptMaker) -> None:
    rows = [{"id": "1", "ultima_atualizacao": f"2031-01-10 08:00:0{second}"} for second in (5, 4)]
    vendor = script(httpx.Response(200, json={"total": "2", "registros": rows}))
    async with connection_for(IxcProvider, ONE_TABLE, clock=ticking(), transport=vendor.transport) as erp:
        with pytest.raises(InvalidAnswerError, match="does not sort"):
            await look(erp, '{"cliente":["2031-01-10 08:00:00",{}]}')
        with pytest.raises(RefusedError, match="cursor"):
            await look(erp, "[1")
