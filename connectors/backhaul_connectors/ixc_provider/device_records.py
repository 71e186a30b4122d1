"""Changes of the ERP's device records (``acs_device``): look first, write only what differs, never insert twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio

from backhaul.sdk import (
    ConnectorContext,
    InvalidAnswerError,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul_connectors.ixc_acs.serials import serial_forms, serial_key
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.client import ErpClient, ListQuery
from backhaul_connectors.ixc_provider.filters import Filter, Operator
from backhaul_connectors.ixc_provider.models import AcsDeviceChange, Done, Removal
from backhaul_connectors.ixc_provider.values import link, text

if TYPE_CHECKING:
    from backhaul_connectors.ixc_provider.settings import IxcProviderSettings

__all__ = ["DeviceRecords", "SerialMatch"]

_NAMESAKES = 100
_UNLINKED = "0"


SerialMatch: TypeAlias = Literal["exact", "alias"]
"""Which record counts as that of a serial number: with the same text, or, failing that, with another spelling of it."""


class DeviceRecords:
    """Reads and changes single device records of one connection."""

    def __init__(self, client: ErpClient, settings: IxcProviderSettings, context: ConnectorContext) -> None:
        self._client = client
        self._settings = settings
        self._table = settings.acs_device_resource
        self._log = context.log
        self._busy: dict[str, _Turn] = {}

    async def ensure(self, serial: str, id_login: int | None, match: SerialMatch) -> AcsDeviceChange:
        """Have one record for a serial number, linked to a login.

        Calls for the same device take turns, so that two at once do not both insert.

        Args:
            serial: the serial number.
            id_login: login to link to; 0 unlinks; None leaves the link of a record alone and inserts an unlinked one.
            match: which records count.

        Raises:
            RetryableError: the insert was not answered properly and its record is not there; repeating is safe.
        """
        async with self._turn(serial_key(serial)):
            record = await self._of_serial(serial, match)
            if record is not None:
                return await self._link(record, id_login)
            try:
                record_id = await self._insert(serial, id_login)
            except (UnknownOutcomeError, InvalidAnswerError) as error:
                record = await self._of_serial(serial, match)
                if record is None:
                    raise RetryableError(
                        f"the ERP did not confirm the insert of a device, and its record is not there; repeating looks "
                        f"first. What came back: {error}"
                    ) from error
                return (await self._link(record, id_login)).model_copy(update={"done": Done.CREATED})
            return AcsDeviceChange(id=record_id, done=Done.CREATED, id_login=id_login or None)

    async def find(self, serial: str, match: SerialMatch) -> Record | None:
        """Return the record that counts as that of a serial number, or None."""
        return await self._of_serial(serial, match)

    async def get(self, record_id: int) -> Record | None:
        """Return a record, or None."""
        return await self._of_id(record_id)

    async def relink(self, record_id: int, id_login: int | None) -> AcsDeviceChange:
        """Link a record to a login (0 unlinks, None changes nothing).

        Raises:
            NotFoundError: there is no such record.
        """
        return await self._link(await self._get(record_id), id_login)

    async def remove(self, record_id: int) -> Removal:
        """Remove a record; one that is gone already is no error.

        Raises:
            RefusedError: the ERP does not remove it although it is there.
        """
        try:
            await self._client.delete(self._table, record_id)
        except (RefusedError, InvalidAnswerError):
            # Gone and refused differ only in their wording, which is not to be relied on: look.
            if await self._of_id(record_id) is not None:
                raise
            return Removal(id=record_id, removed=False)
        return Removal(id=record_id, removed=True)

    async def _insert(self, serial: str, id_login: int | None) -> int:
        fields = {
            **self._settings.acs_device_insert,
            "serial_number": serial,
            "id_login": str(id_login) if id_login else _UNLINKED,
        }
        record_id = await self._client.insert(self._table, fields)
        if record_id is None:
            raise InvalidAnswerError("the ERP confirmed the insert of a device without telling its id")
        return record_id

    async def _link(self, record: Record, id_login: int | None) -> AcsDeviceChange:
        record_id = link(record.get("id"))
        linked = link(record.get("id_login"))
        if record_id is None:
            raise InvalidAnswerError(f"list of {self._table}: a record has no id")
        if id_login is None or linked == (id_login or None):
            return AcsDeviceChange(id=record_id, done=Done.UNCHANGED, id_login=linked)
        # PUT replaces the whole record: all of it goes back as it came, but for the link.
        not_sent = {"id", *self._settings.acs_device_not_sent}
        fields = {column: value for column, value in record.items() if column not in not_sent}
        await self._client.update(self._table, record_id, {**fields, "id_login": str(id_login)})
        # The ERP confirms an update even when it has dropped fields that this user may not write.
        now = link((await self._get(record_id)).get("id_login"))
        if now != (id_login or None):
            raise InvalidAnswerError(
                f"the ERP confirmed the new link of device record {record_id}, but did not store it. Check that the "
                "token's user may change id_login"
            )
        return AcsDeviceChange(id=record_id, done=Done.UPDATED, id_login=now)

    async def _get(self, record_id: int) -> Record:
        record = await self._of_id(record_id)
        if record is None:
            raise NotFoundError(f"the ERP has no device record {record_id} ({self._table})")
        return record

    async def _of_id(self, record_id: int) -> Record | None:
        condition = Filter(column="id", value=str(record_id))
        answer = await self._client.read(ListQuery(table=self._table, filters=(condition,), size=1))
        return next((record for record in answer.records if link(record.get("id")) == record_id), None)

    async def _of_serial(self, serial: str, match: SerialMatch) -> Record | None:
        """Return the record with the lowest id; records with the same text go before other spellings."""
        condition = Filter(column="serial_number", value=serial)
        if match == "alias" and "," not in serial:
            condition = Filter(column="serial_number", operator=Operator.IN, value=list(serial_forms(serial)))
        answer = await self._client.read(ListQuery(table=self._table, filters=(condition,), size=_NAMESAKES))
        if answer.total > len(answer.records):
            raise InvalidAnswerError(f"list of {self._table}: {answer.total} records match, not all of them came")
        key = serial_key(serial)
        same = [record for record in answer.records if text(record.get("serial_number")) == serial]
        if not same and match == "alias":
            same = [record for record in answer.records if serial_key(text(record.get("serial_number")) or "") == key]
        if len(same) > 1:
            self._log.warning("several device records have one serial number; the oldest counts", records=len(same))
        return min(same, key=lambda record: link(record.get("id")) or 0, default=None)

    @asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        turn = self._busy.setdefault(key, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._busy[key]


class _Turn:
    """A lock and how many hold or await it."""

    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.waiting = 0
