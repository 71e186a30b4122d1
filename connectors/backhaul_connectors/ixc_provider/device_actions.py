"""Actions on the devices that the ERP knows through its ACS integration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from backhaul.sdk import Change, ConnectorContext, Effect, Json, NotFoundError, Page, Personal, RefusedError, action
from backhaul_connectors.ixc_provider import device_descriptions as descriptions
from backhaul_connectors.ixc_provider.base import ErpConnector, RecordId, Text
from backhaul_connectors.ixc_provider.client import ListQuery
from backhaul_connectors.ixc_provider.device_records import DeviceRecords, SerialMatch
from backhaul_connectors.ixc_provider.models import (
    AcsDevice,
    AcsDeviceChange,
    Done,
    Removal,
    Skipped,
    acs_device_of,
)
from backhaul_connectors.ixc_provider.settings import IxcProviderSettings
from backhaul_connectors.ixc_provider.values import link

__all__ = ["DeviceActions", "Notified", "Unlinkable"]

Unlinkable: TypeAlias = Literal["refuse", "skip"]
"""What to do with a device whose login cannot be linked to: fail, or leave it and say so in the result."""


class Notified(BaseModel):
    """An event of the ACS that the ERP has received."""

    model_config = ConfigDict(frozen=True)

    event: str
    serial: str


class DeviceActions(ErpConnector):
    """ACS devices."""

    def __init__(self, settings: IxcProviderSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._devices = DeviceRecords(self._client, settings, context)

    @action(effect=Effect.READ)
    async def list_acs_devices(self, *, cursor: str | None = None) -> AsyncIterator[Page[AcsDevice]]:
        """List the devices that the ERP knows through its ACS integration, by id, with their logins' texts.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
            RefusedError: the token's user may not read the devices or the logins.
        """
        query = ListQuery(table=self.settings.acs_device_resource, size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                ids = (link(record.get("id_login")) for record in page.items)
                logins = await self._logins.by_ids(found for found in ids if found is not None)
                items = [acs_device_of(record, logins, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.READ)
    async def get_acs_device(self, *, id: RecordId) -> AcsDevice:  # noqa: A002  (the vendor's name of the column)
        """Return a device's record as `list_acs_devices` shows it.

        Args:
            id: id of the device's record.

        Raises:
            NotFoundError: there is no such record.
        """
        record = await self._existing(self.settings.acs_device_resource, id)
        id_login = link(record.get("id_login"))
        logins = {} if id_login is None else await self._logins.by_ids((id_login,))
        return acs_device_of(record, logins, self.settings.zone)

    @action(effect=Effect.WRITE, describe="describe_add_acs_device")
    async def add_acs_device(
        self,
        *,
        serial_number: Text,
        login: Personal[str | None] = None,
        id_login: Annotated[int, Field(ge=0)] | None = None,
        match: SerialMatch = "exact",
        unlinkable: Unlinkable = "refuse",
    ) -> AcsDeviceChange:
        """Have a device in the ERP, linked to a login: look first, then insert, change the link, or do nothing.

        The insert is never sent twice; when its answer is lost, the record is looked for. Without a login, an existing
        link is left alone.

        Args:
            serial_number: the device's serial number.
            login: text of the active login to link to; empty is the same as none.
            id_login: id of the login to link to, active or not, instead of its text; 0 unlinks.
            match: ``exact``, or ``alias`` to take a record that writes the serial number in another way for this
                device's. With ``alias`` compare by `serial_key` in a reconcile too, or it deletes that record.
            unlinkable: with ``skip``, a device without login, or whose login the ERP does not have or has inactive, is
                left as it is (result ``skipped``); with ``refuse``, such a login is an error.

        Raises:
            RefusedError: the login is unknown, inactive or ambiguous, or the ERP said no; nothing was changed.
            RetryableError: the insert was not confirmed and its record is not there; repeating is safe.
        """
        target = await self._target(login, id_login, unlinkable)
        if isinstance(target, Skipped):
            return AcsDeviceChange(id=None, done=Done.SKIPPED, reason=target)
        return await self._devices.ensure(serial_number, target, match)

    async def describe_add_acs_device(
        self,
        *,
        serial_number: str,
        login: str | None,
        id_login: int | None,
        match: SerialMatch,
        unlinkable: Unlinkable,
    ) -> Change:
        """Say which login a device would be linked to, and which one it has."""
        target = await self._target(login, id_login, unlinkable)
        if isinstance(target, Skipped):
            return Change(text=f"leave device {serial_number} alone: {target}")
        record = await self._devices.find(serial_number, match)
        if record is None:
            return await descriptions.added(serial_number, target, self._logins)
        return await descriptions.linked(record, target, self._logins)

    @action(effect=Effect.WRITE, describe="describe_update_acs_device")
    async def update_acs_device(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name of the column)
        login: Personal[str | None] = None,
        id_login: Annotated[int, Field(ge=0)] | None = None,
        unlinkable: Unlinkable = "refuse",
    ) -> AcsDeviceChange:
        """Link a device of the ERP to a login; nothing is sent when it is linked to it already.

        The whole record is read and written back with the new link, as the ERP demands; a change that somebody makes
        in the same moment is lost.

        Args:
            id: id of the device's record.
            login: text of the active login to link to; empty or none changes nothing.
            id_login: id of the login to link to, active or not, instead of its text; 0 unlinks.
            unlinkable: as of `add_acs_device`.

        Raises:
            NotFoundError: there is no such record.
            RefusedError: the login is unknown, inactive or ambiguous, or the ERP said no.
            InvalidAnswerError: the ERP confirmed the change but did not store it.
        """
        target = await self._target(login, id_login, unlinkable)
        if isinstance(target, Skipped):
            return AcsDeviceChange(id=id, done=Done.SKIPPED, reason=target)
        return await self._devices.relink(id, target)

    async def describe_update_acs_device(
        self,
        *,
        id: int,  # noqa: A002  (the vendor's name of the column)
        login: str | None,
        id_login: int | None,
        unlinkable: Unlinkable,
    ) -> Change:
        """Say which login a device would be linked to, and which one it has."""
        target = await self._target(login, id_login, unlinkable)
        record = await self._devices.get(id)
        if isinstance(target, Skipped) or record is None:
            why = target if isinstance(target, Skipped) else "there is no such record"
            return Change(text=f"leave device record {id} alone: {why}")
        return await descriptions.linked(record, target, self._logins)

    @action(effect=Effect.DELETE, describe="describe_remove_acs_device")
    async def remove_acs_device(self, *, id: RecordId) -> Removal:  # noqa: A002  (the vendor's name of the column)
        """Remove a device from the ERP; one that is gone already is no error.

        Args:
            id: id of the device's record.

        Raises:
            RefusedError: the ERP does not remove it.
        """
        return await self._devices.remove(id)

    async def describe_remove_acs_device(self, *, id: int) -> Change:  # noqa: A002  (the vendor's name of the column)
        """Say which device would be removed, and its login."""
        return await descriptions.removed(await self._devices.get(id), id, self._logins)

    @action(effect=Effect.DELETE)
    async def notify_acs_event(
        self, *, event: Text, serial: Text, pppoe_login: Personal[str | None] = None
    ) -> Notified:
        """Tell the ERP an event of the ACS, as the ACS itself does; of a removed device it drops its record (S3).

        Its effect counts as a deletion, since that is the worst that it does. The body is `acs_webhook_body`, since
        the vendor documents none.

        Args:
            event: the ACS's word for what happened, such as ``device.removed``.
            serial: serial number of the device.
            pppoe_login: PPPoE login of the device, if it has one.

        Raises:
            NotFoundError: the ERP has no such path (`acs_webhook_path`).
            RefusedError: the ERP said no.
        """
        values = {
            "event": event,
            "serial": serial,
            "login": pppoe_login or "",
            "time": self.clock.now().astimezone(UTC).isoformat(),
        }
        body = _filled(self.settings.acs_webhook_body, values)
        path = self.settings.acs_webhook_path
        await self._client.notify(path, body, with_token=self.settings.acs_webhook_token)
        return Notified(event=event, serial=serial)

    async def _target(self, login: str | None, id_login: int | None, unlinkable: Unlinkable) -> int | Skipped | None:
        """Return the id of the login to link to (0: none, None: leave the link alone), or why to skip."""
        named = (login or "").strip()
        if named and id_login is not None:
            raise RefusedError("give login or id_login, not both; nothing was changed")
        skipping = unlinkable == "skip"
        if not named:
            return Skipped.NO_LOGIN if skipping and id_login is None else id_login
        found = await self._logins.linkable(named)
        if isinstance(found, int) or skipping:
            return found
        if found is Skipped.UNKNOWN_LOGIN:
            raise NotFoundError("the ERP has no login with this text (radusuarios.login), so nothing was changed")
        raise RefusedError("the login to link to is not active in the ERP (ativo is not S), so nothing was changed")


def _filled(template: Json, values: dict[str, str]) -> Any:
    """Return a template with ``{name}`` replaced in all its texts."""
    if isinstance(template, dict):
        return {name: _filled(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template
