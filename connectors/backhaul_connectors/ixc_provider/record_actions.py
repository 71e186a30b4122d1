"""Actions on the records of any table."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import (
    AttemptInfo,
    Change,
    Effect,
    InvalidAnswerError,
    Json,
    Page,
    RefusedError,
    Secret,
    UnknownOutcomeError,
    Verdict,
    action,
)
from backhaul_connectors.ixc_provider.base import RecordId
from backhaul_connectors.ixc_provider.button_presser import ButtonPresser
from backhaul_connectors.ixc_provider.client import ListQuery, nothing_done_yet
from backhaul_connectors.ixc_provider.filters import Filter, is_button, is_secret_column
from backhaul_connectors.ixc_provider.models import Done, Removal
from backhaul_connectors.ixc_provider.settings import TableName
from backhaul_connectors.ixc_provider.values import link, text

__all__ = ["Inserted", "RecordActions", "RecordChange", "inserted_of"]

# Tables that answer in another form (rows with cells) and are not known to be searchable by id.
_FLEXIGRID = frozenset({"radacct", "view_vd_contratos_produtos_gen", "fh_onu_nao_autorizadas"})
# Columns that the ERP itself keeps and drops from what is sent.
_KEPT_BY_SERVER = frozenset({"id", "ultima_atualizacao"})


class Inserted(BaseModel):
    """A record that was inserted."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    table: str
    id: int
    filled: dict[str, Json] = {}
    """Columns that the ERP filled in by itself (``atualiza_campos``), such as ``protocolo``."""


class RecordChange(BaseModel):
    """What became of a change."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    table: str
    id: int
    done: Done
    dropped: tuple[str, ...] = ()
    """Columns that the ERP confirmed but did not store: this user may not write them, or they do not exist."""


class RecordActions(ButtonPresser):
    """Generic actions."""

    @action(effect=Effect.READ)
    async def list_records(
        self,
        *,
        table: TableName,
        filters: Sequence[Filter] = (),
        columns: Sequence[str] = (),
        sort: str = "id",
        descending: bool = False,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[dict[str, Json]]]:
        """List the records of any table, each value as the ERP writes it (texts, local times, zero dates).

        Columns that hold passwords or tokens are left out. By ascending id a listing is complete whatever changes
        meanwhile; in another order it is read by page number and fails when records disappear meanwhile.

        Args:
            table: the resource, such as ``cliente_contrato``.
            filters: conditions, joined with AND.
            columns: only these columns and the id; all when empty. Records hold personal data: take what you need.
            sort: column to sort by.
            descending: sort from the highest to the lowest.

        Raises:
            RefusedError: the ERP said no: the table does not exist or is not granted to the token's user.
            InvalidAnswerError: the answer is not a complete list.
        """
        if is_secret_column(sort):
            raise RefusedError(f"the column {sort} holds secrets and cannot be sorted by")
        query = ListQuery(
            table=table, filters=tuple(filters), sort=sort, descending=descending, size=self.settings.page_size
        )
        plain = sort == "id" and not descending and table not in _FLEXIGRID
        walk = self._walker.by_id if plain else self._walker.by_page
        async with aclosing(walk(query, cursor)) as pages:
            async for page in pages:
                items = [self._shown(record, columns) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.READ)
    async def get_record(
        self,
        *,
        table: TableName,
        id: RecordId,  # noqa: A002  (the vendor's name)
        columns: Sequence[str] = (),
    ) -> dict[str, Json]:
        """Return one record as the ERP writes it, without columns that hold passwords or tokens.

        Args:
            table: the resource, such as ``cliente_contrato``.
            id: the record's id.
            columns: only these columns and the id; all when empty. Records hold personal data: take what you need.

        Raises:
            NotFoundError: there is no such record.
            RefusedError: the ERP said no: the table does not exist or is not granted to the token's user.
        """
        return self._shown(await self._existing(table, id), columns)

    @action(effect=Effect.ONCE, verify="verify_insert_record")
    async def insert_record(
        self, *, table: TableName, fields: Mapping[str, str], unique: TableName | None = None
    ) -> Inserted:
        """Insert a record, never twice.

        With `unique`, a record with the same value in that column is refused before, and looked for when the insert
        is not answered. Without it, an insert that is not answered stays unknown until a person decides.

        Args:
            table: the resource.
            fields: the columns, all as texts; the ERP says which are required.
            unique: a column of `fields` that no other record has the same value in, such as ``login``.

        Raises:
            RefusedError: the ERP said no (its text says why), or a record with that value is there already.
            UnknownOutcomeError: no proper answer came back; it may have been inserted.
        """
        if is_button(table):
            raise RefusedError(f"{table} is not a table but acts when it is called; it cannot be inserted into")
        hidden = [Secret(value) for column, value in fields.items() if is_secret_column(column)]
        if unique is not None:
            with nothing_done_yet():
                found = await self._same(table, fields, unique)
            if found:
                raise RefusedError(f"{table} has a record with the same {unique} already (id {found[0].get('id')})")
        try:
            return await self._insert(table, fields)
        finally:
            hidden.clear()

    async def verify_insert_record(
        self, *, table: str, fields: Mapping[str, str], unique: str | None, attempt: AttemptInfo
    ) -> Verdict:
        """Tell by the unique column whether a record was inserted."""
        if unique is None:
            return Verdict.unknown(f"no unique column was given by which to find the record in {table}")
        await self.clock.sleep(self.settings.verify_after_s)
        found = await self._same(table, fields, unique)
        if not found:
            return Verdict.not_done()
        record_id = link(found[0].get("id"))
        if len(found) > 1 or record_id is None:
            return Verdict.unknown(f"{len(found)} records of {table} have the same {unique}")
        return Verdict.done(Inserted(table=table, id=record_id))

    @action(effect=Effect.WRITE, describe="describe_update_record")
    async def update_record(
        self,
        *,
        table: TableName,
        id: RecordId,  # noqa: A002  (the vendor's name)
        fields: Mapping[str, str],
    ) -> RecordChange:
        """Change columns of a record: read it, write it back whole with the changes, read it again.

        The ERP replaces whole records, and confirms changes that it has dropped. What somebody else changes between
        reading and writing is lost; the ERP offers no way to prevent that. Nothing is sent when nothing differs.

        Args:
            table: the resource.
            id: the record's id.
            fields: the columns to change, as texts.

        Raises:
            NotFoundError: there is no such record.
            RefusedError: the ERP said no, a column does not exist, or none of the changes was stored.
        """
        before = await self._existing(table, id)
        unknown = sorted(column for column in fields if column not in before)
        if unknown:
            raise RefusedError(f"{table} has no column {', '.join(unknown)}; nothing was changed")
        wanted = {column: value for column, value in fields.items() if (text(before[column]) or "") != value.strip()}
        if not wanted:
            return RecordChange(table=table, id=id, done=Done.UNCHANGED)
        hidden = [Secret(value) for column, value in wanted.items() if is_secret_column(column)]
        whole_record = {column: value for column, value in before.items() if column not in _KEPT_BY_SERVER}
        try:
            await self._client.update(table, id, {**whole_record, **wanted})
        finally:
            hidden.clear()
        after = await self._existing(table, id)
        # A password may be stored in another form than it was sent; any other column stays as it is written.
        dropped = tuple(
            column
            for column in sorted(wanted)
            if not is_secret_column(column) and text(after.get(column)) == text(before[column])
        )
        if len(dropped) == len(wanted):
            raise RefusedError(
                f"the ERP confirmed the change of {table} {id}, but stored none of {', '.join(dropped)}: the token's "
                "user may not write them"
            )
        return RecordChange(table=table, id=id, done=Done.UPDATED, dropped=dropped)

    async def describe_update_record(self, *, table: str, id: int, fields: Mapping[str, str]) -> Change:  # noqa: A002
        """Say which columns would change, and from what; passwords and tokens are not shown."""
        stored = await self._existing(table, id)
        before = {one: "***" if is_secret_column(one) else text(stored.get(one)) for one in fields}
        after = {one: "***" if is_secret_column(one) else value for one, value in fields.items()}
        return Change(text=f"change {table} {id}: {', '.join(sorted(fields))}", before=before, after=after)

    @action(effect=Effect.DELETE)
    async def delete_record(self, *, table: TableName, id: RecordId) -> Removal:  # noqa: A002  (the vendor's name)
        """Delete a record; one that is gone already is no error. What depends on it must be deleted before.

        Args:
            table: the resource.
            id: the record's id.

        Raises:
            RefusedError: the ERP does not delete it, such as because others depend on it.
        """
        if is_button(table):
            raise RefusedError(f"{table} is not a table but acts when it is called; nothing was deleted")
        try:
            await self._client.delete(table, id)
        except (RefusedError, InvalidAnswerError):
            if await self._record(table, id) is not None:
                raise
            return Removal(id=id, removed=False)
        return Removal(id=id, removed=True)

    async def _insert(self, table: str, fields: Mapping[str, str]) -> Inserted:
        """Insert a record; what is no proper answer leaves it unknown."""
        try:
            answer = await self._client.post(table, fields)
        except InvalidAnswerError as error:
            raise UnknownOutcomeError(f"{error}. It may have been inserted", status=error.status) from error
        return inserted_of(table, answer)

    async def _same(self, table: str, fields: Mapping[str, str], unique: str) -> list[Mapping[str, Json]]:
        value = fields.get(unique, "").strip()
        if not value:
            raise RefusedError(f"the unique column {unique} has no value in fields; nothing was inserted")
        records = await self._matching(table, Filter(column=unique, value=value))
        return [record for record in records if (text(record.get(unique)) or "") == value]

    def _shown(self, record: Mapping[str, Json], columns: Sequence[str]) -> dict[str, Json]:
        """Return a record without secrets, only the wanted columns and the id."""
        hidden = frozenset(self.settings.secret_columns)
        wanted = frozenset({"id", *columns}) if columns else None
        return {
            column: value
            for column, value in record.items()
            if (wanted is None or column in wanted) and column not in hidden and not is_secret_column(column)
        }


def inserted_of(table: str, answer: Mapping[str, Json]) -> Inserted:
    """Return what the ERP tells of a record that it has inserted.

    Raises:
        UnknownOutcomeError: it does not tell the id.
    """
    record_id = link(answer.get("id"))
    if record_id is None:
        raise UnknownOutcomeError(f"the ERP confirmed an insert into {table} without telling its id")
    entries = answer.get("atualiza_campos")
    filled = {
        name: entry.get("valor")
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and (name := text(entry.get("campo"))) and not is_secret_column(name)
    }
    return Inserted(table=table, id=record_id, filled=filled)
