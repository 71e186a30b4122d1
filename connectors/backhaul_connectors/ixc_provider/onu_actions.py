"""Actions on ONUs: list, find, signal, reboot, provisioning. They go through the OLT, not through TR-069."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Literal

from backhaul.sdk import Effect, NotFoundError, Page, Personal, RefusedError, action
from backhaul_connectors.ixc_acs.serials import serial_forms, serial_key
from backhaul_connectors.ixc_provider.base import RecordId, Text
from backhaul_connectors.ixc_provider.button_presser import ButtonPresser
from backhaul_connectors.ixc_provider.buttons import ButtonName, Pressed
from backhaul_connectors.ixc_provider.client import ListQuery
from backhaul_connectors.ixc_provider.filters import Filter, Operator
from backhaul_connectors.ixc_provider.flexigrid import WaitingOnu, waiting_onu_of
from backhaul_connectors.ixc_provider.onus import Onu, OnuText, OpticalSummary, onu_of, optical_summary_of

__all__ = ["OnuActions"]

ONUS = "radpop_radio_cliente_fibra"
_PASSWORD = re.compile(r"((?:password|passwd|senha|psk|secret)\S*\s*[:=]?\s*)\S+", re.IGNORECASE)
_SCRIPTS: dict[str, ButtonName] = {"onu": "onu_script", "olt": "olt_script"}
_CHANGES: dict[str, ButtonName] = {
    "reset": "reset_onu",
    "write_config": "write_onu",
    "change_credentials": "onu_credentials",
    "open_web_access": "open_onu_web",
    "provision": "provision_onu",
    "remove_from_olt": "remove_onu",
}


class OnuActions(ButtonPresser):
    """Customers' ONUs."""

    @action(effect=Effect.READ)
    async def list_onus(
        self, *, id_transmissor: RecordId | None = None, id_login: RecordId | None = None, cursor: str | None = None
    ) -> AsyncIterator[Page[Onu]]:
        """List ONUs by id, with their last levels.

        Args:
            id_transmissor: only those of this OLT.
            id_login: only those of this login.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        given = {"id_transmissor": id_transmissor, "id_login": id_login}
        filters = tuple(Filter(column=name, value=str(value)) for name, value in given.items() if value is not None)
        query = ListQuery(table=ONUS, filters=filters, size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                items = [onu_of(record, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.READ)
    async def get_onu(
        self,
        *,
        login: Personal[Text | None] = None,
        serial: Personal[Text | None] = None,
        id: RecordId | None = None,  # noqa: A002
    ) -> Onu:
        """Return the ONU of a login, with a serial number in any spelling, or with an id. Give exactly one.

        Args:
            login: text of the login.
            serial: serial number or MAC address: letters or hex, any case, with or without separators.
            id: id of the ONU.

        Raises:
            NotFoundError: there is none.
            RefusedError: there are several.
        """
        if sum(value is not None for value in (login, serial, id)) != 1:
            raise RefusedError("give exactly one of login, serial and id")
        if id is not None:
            return onu_of(await self._existing(ONUS, id), self.settings.zone)
        if login is not None:
            found = await self._logins.get(login)
            records = await self._matching(ONUS, Filter(column="id_login", value=str(found.id)))
        else:
            wanted = serial_key(serial or "")
            forms = [form for form in _mac_forms(serial or "") if "," not in form]
            hits = await self._matching(ONUS, Filter(column="mac", operator=Operator.IN, value=forms))
            records = [one for one in hits if onu_of(one, self.settings.zone).serial_key == wanted]
        if not records:
            raise NotFoundError("the ERP has no ONU with this " + ("login" if login is not None else "serial number"))
        if len(records) > 1:
            ids = ", ".join(str(onu_of(one, self.settings.zone).id) for one in records)
            raise RefusedError(f"the ERP has several such ONUs (ids {ids}): use the id")
        return onu_of(records[0], self.settings.zone)

    @action(effect=Effect.READ)
    async def get_onu_optical(self, *, id: RecordId) -> OpticalSummary:  # noqa: A002  (the vendor's name)
        """Return the levels that the OLT reads from an ONU now, out of the ERP's text.

        Args:
            id: id of the ONU.

        Raises:
            RefusedError: the ERP said no.
        """
        known = self.settings.button("onu_optical")
        return optical_summary_of(id, await self._client.report(known, {known.key: str(id)}))

    @action(effect=Effect.READ)
    async def get_onu_script(self, *, id: RecordId, of: Literal["onu", "olt"] = "onu") -> OnuText:  # noqa: A002
        """Return the script with which the ERP would configure an ONU, or its OLT for it.

        Args:
            id: id of the ONU.
            of: ``onu`` or ``olt``.

        Raises:
            RefusedError: the ERP said no.
        """
        known = self.settings.button(_SCRIPTS[of])
        said = await self._client.report(known, {known.key: str(id)})
        return OnuText(id=id, text=_PASSWORD.sub(r"\1***", said))

    @action(effect=Effect.ONCE)
    async def reboot_onu(self, *, id: RecordId) -> Pressed:  # noqa: A002  (the vendor's name)
        """Reboot an ONU through its OLT (OMCI); this is not the TR-069 reboot of ``ixc_acs`` [assumed].

        Args:
            id: id of the ONU.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done; the ERP shows no trace to tell by.
        """
        return await self._press("reboot_onu", str(id))

    @action(effect=Effect.ONCE)
    async def change_onu(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name)
        change: Literal[
            "reset", "write_config", "change_credentials", "open_web_access", "provision", "remove_from_olt"
        ],
    ) -> Pressed:
        """Reset an ONU, write its configuration, change its credentials, open its web page, or set it up on the OLT.

        Args:
            id: id of the ONU.
            change: ``reset``, ``write_config``, ``change_credentials``, ``open_web_access``, ``provision`` (the row is
                written to the OLT) or ``remove_from_olt``.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        return await self._press(_CHANGES[change], str(id))

    @action(effect=Effect.READ)
    async def list_waiting_onus(
        self, *, id_olt: RecordId, cursor: str | None = None
    ) -> AsyncIterator[Page[WaitingOnu]]:
        """List the ONUs that an OLT hears and that nobody has authorised yet; none is an empty list.

        Args:
            id_olt: id of the OLT.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        query = ListQuery(
            table="fh_onu_nao_autorizadas",
            filters=(Filter(column="id_olt", value=str(id_olt)),),
            sort="id_olt",
            size=self.settings.page_size,
        )
        async with aclosing(self._walker.by_page(query, cursor)) as pages:
            async for page in pages:
                items = [waiting_onu_of(row, self.settings.waiting_onu_cells) for row in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.ONCE)
    async def authorise_onu(self, *, row_id: Text) -> Pressed:
        """Authorise an ONU that is waiting; the ERP makes its record.

        Args:
            row_id: key of the row as `list_waiting_onus` gave it, untouched.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done: look with `get_onu`.
        """
        return await self._press("authorise_onu", row_id)

    @action(effect=Effect.ONCE)
    async def sync_olt(self, *, id_transmissor: RecordId) -> Pressed:
        """Have the ERP read an OLT anew.

        Args:
            id_transmissor: id of the OLT.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        return await self._press("sync_olt", str(id_transmissor))


def _mac_forms(serial: str) -> tuple[str, ...]:
    """Return the spellings to look for: those of a serial number, and those of a MAC address when it can be one."""
    bare = re.sub(r"[^0-9A-Za-z]", "", serial).upper()
    forms = list(serial_forms(serial))
    if re.fullmatch(r"[0-9A-F]{12}", bare):
        pairs = [bare[index : index + 2] for index in range(0, 12, 2)]
        forms += [":".join(pairs), ":".join(pairs).lower(), "-".join(pairs), "-".join(pairs).lower()]
    return tuple(dict.fromkeys(forms))
