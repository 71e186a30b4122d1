"""The poll that turns changes of the ERP's records into events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

from backhaul.sdk import Event, Json, PollPage, poll
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.base import ErpConnector
from backhaul_connectors.ixc_provider.changes import ChangeReader, digest_of, event_time, marks_of, marks_text
from backhaul_connectors.ixc_provider.contracts import service_should_work
from backhaul_connectors.ixc_provider.settings import IxcProviderSettings
from backhaul_connectors.ixc_provider.values import flag, link, text

__all__ = ["ChangeEvents"]


class ChangeEvents(ErpConnector):
    """Events ``customer.changed``, ``contract.changed`` and ``login.changed``: the ERP sends none by itself."""

    @classmethod
    def event_types(cls, settings: IxcProviderSettings) -> Mapping[str, str]:
        """Return the events of the tables that are polled."""
        return {
            kind: f"A record of the table {table} is new or has changed."
            for table, kind in settings.poll_tables.items()
        }

    @poll(every_s=300)
    async def changes(self, *, cursor: str | None) -> AsyncIterator[PollPage]:
        """Emit `customer.changed`, `contract.changed` and `login.changed` for records of `poll_tables`.

        These are what was changed since the last look; deletions leave no trace. The first look brings nothing; it only
        notes where to begin.

        Raises:
            InvalidAnswerError: the ERP's answer is not a complete, sorted list.
            RefusedError: a table is not granted, or has no ``ultima_atualizacao``.
        """
        reader = ChangeReader(self._client, self._walker, self.settings, self.context)
        marks = marks_of(cursor)
        for table, kind in self.settings.poll_tables.items():
            if table not in marks:
                marks[table] = await reader.first(table)
                yield PollPage(events=(), next=marks_text(marks))
                continue
            async for records, mark in reader.after(table, marks[table]):
                marks[table] = mark
                yield PollPage(events=[self._event(table, kind, one) for one in records], next=marks_text(marks))

    def _event(self, table: str, kind: str, record: Record) -> Event:
        record_id = str(link(record.get("id")) or "")
        facts = _FACTS.get(table)
        return Event(
            type=kind,
            subject=record_id,
            data={"id": link(record.get("id")), "table": table, **(facts(record) if facts is not None else {})},
            time=event_time(record, self.settings, self.clock.now()),
            key=f"{table}:{record_id}:{digest_of(record)}",
        )


def _customer(record: Record) -> dict[str, Json]:
    return {"active": flag(record.get("ativo"))}


def _contract(record: Record) -> dict[str, Json]:
    status, access = text(record.get("status")), text(record.get("status_internet"))
    return {
        "id_cliente": link(record.get("id_cliente")),
        "status": status,
        "status_internet": access,
        "service_should_work": service_should_work(status, access),
    }


def _login(record: Record) -> dict[str, Json]:
    return {
        "login": text(record.get("login")),
        "id_cliente": link(record.get("id_cliente")),
        "id_contrato": link(record.get("id_contrato")),
        "id_grupo": link(record.get("id_grupo")),
        "active": flag(record.get("ativo")),
        "online": flag(record.get("online")),
    }


_FACTS: Mapping[str, Callable[[Record], dict[str, Json]]] = {
    "cliente": _customer,
    "cliente_contrato": _contract,
    "radusuarios": _login,
}
