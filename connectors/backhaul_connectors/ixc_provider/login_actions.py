"""Actions on logins: list, find, plan, sessions, disconnect, clear the MAC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta

from backhaul.sdk import AttemptInfo, Change, Effect, Page, Personal, RefusedError, Verdict, action
from backhaul_connectors.ixc_provider.base import RecordId, Text
from backhaul_connectors.ixc_provider.button_presser import ButtonPresser
from backhaul_connectors.ixc_provider.buttons import Pressed
from backhaul_connectors.ixc_provider.client import ListQuery
from backhaul_connectors.ixc_provider.contracts import Plan, plan_of
from backhaul_connectors.ixc_provider.filters import Filter, Operator
from backhaul_connectors.ixc_provider.flexigrid import Session, session_of
from backhaul_connectors.ixc_provider.logins import LOGIN_TABLE
from backhaul_connectors.ixc_provider.models import Login, login_of
from backhaul_connectors.ixc_provider.values import flag, moment, text

__all__ = ["LoginActions"]


class LoginActions(ButtonPresser):
    """Logins (``radusuarios``)."""

    @action(effect=Effect.READ)
    async def list_logins(
        self, *, active: bool | None = None, linked: bool | None = None, cursor: str | None = None
    ) -> AsyncIterator[Page[Login]]:
        """List logins by id.

        Args:
            active: only logins that may (true) or may not (false) log in.
            linked: only logins that are (true) or are not (false) tied to a customer [assumed meaning].

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        filters = []
        if active is not None:
            filters.append(Filter(column="ativo", operator=Operator.EQUAL if active else Operator.NOT_EQUAL, value="S"))
        if linked:
            filters.append(Filter(column="id_cliente", operator=Operator.GREATER, value="0"))
        query = ListQuery(table=LOGIN_TABLE, filters=tuple(filters), size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                logins = [login_of(record, self.settings.zone) for record in page.items]
                kept = [
                    login
                    for login in logins
                    if (active is None or (login.active is True) is active)
                    and (linked is None or login.linked is linked)
                ]
                yield Page(items=kept, next=page.next, total=None if linked is False else page.total)

    @action(effect=Effect.READ)
    async def find_login(self, *, login: Personal[Text]) -> Login:
        """Return the login with exactly this text; of several the one that is active.

        Args:
            login: text with which the customer's equipment logs in.

        Raises:
            NotFoundError: there is none.
            RefusedError: there are several, and not exactly one of them is active.
        """
        return await self._logins.get(login)

    @action(effect=Effect.READ)
    async def search_logins(self, *, id_cliente: RecordId) -> list[Login]:
        """Return all logins of a customer, by id; none when the ERP does not know the customer.

        Args:
            id_cliente: id of the customer.

        Raises:
            InvalidAnswerError: the answer is not complete.
        """
        records = await self._matching(LOGIN_TABLE, Filter(column="id_cliente", value=str(id_cliente)))
        logins = [login_of(record, self.settings.zone) for record in records]
        return sorted((one for one in logins if one.id_cliente == id_cliente), key=lambda one: one.id)

    @action(effect=Effect.READ)
    async def get_plan(
        self,
        *,
        login: Personal[Text | None] = None,
        id_login: RecordId | None = None,
        id_grupo: RecordId | None = None,
    ) -> Plan:
        """Return the contracted speed of a login: what its speed plan (``radgrupos``) gives, in Mbit/s.

        A plan is often set some per cent above what was sold; the sold plan's name is in `contrato`.

        Args:
            login: text of the login.
            id_login: id of the login instead of its text.
            id_grupo: id of the speed plan instead of a login, when it is known: one request in place of three, and no
                `contrato`.

        Raises:
            NotFoundError: there is no such login or speed plan.
            RefusedError: the login has no speed plan, or not exactly one of the three was given.
        """
        if id_grupo is not None:
            if login is not None or id_login is not None:
                raise RefusedError("give login, id_login or id_grupo, one of the three")
            return plan_of(await self._existing("radgrupos", id_grupo), None)
        found = await self._named(login, id_login)
        if found.id_grupo is None:
            raise RefusedError(f"login {found.id} has no speed plan (id_grupo) in the ERP")
        group = await self._existing("radgrupos", found.id_grupo)
        contract = await self._record("cliente_contrato", found.id_contrato) if found.id_contrato else None
        return plan_of(group, contract)

    @action(effect=Effect.READ)
    async def list_sessions(self, *, login: Personal[Text], cursor: str | None = None) -> AsyncIterator[Page[Session]]:
        """List the connections of a login from the RADIUS accounting (``radacct``), the latest first.

        Args:
            login: text of the login.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        condition = Filter(column=self.settings.radacct_login_column, value=login)
        query = ListQuery(
            table="radacct", filters=(condition,), sort="radacctid", descending=True, size=self.settings.page_size
        )
        async with aclosing(self._walker.by_page(query, cursor)) as pages:
            async for page in pages:
                sessions = [session_of(row, self.settings.radacct_cells, self.settings.zone) for row in page.items]
                mine = [one for one in sessions if one.login == login]
                yield Page(items=mine, next=page.next, total=page.total)

    @action(effect=Effect.ONCE, verify="verify_disconnect", describe="describe_disconnect")
    async def disconnect(self, *, id_login: RecordId) -> Pressed:
        """Disconnect a login that is online; the customer's equipment dials in again.

        Args:
            id_login: id of the login.

        Raises:
            RefusedError: the ERP said no, such as when it is not online.
            UnknownOutcomeError: it may have been done.
        """
        return await self._press("disconnect", str(id_login))

    async def describe_disconnect(self, *, id_login: int) -> Change:
        """Say whose connection would be cut."""
        record = await self._existing(LOGIN_TABLE, id_login)
        return Change(text=f"disconnect login {text(record.get('login'))}")

    async def verify_disconnect(self, *, id_login: int, attempt: AttemptInfo) -> Verdict:
        """Tell whether a login was disconnected: it is offline, or its connection began after the attempt."""
        record = await self._existing(LOGIN_TABLE, id_login)
        begun = moment(record.get("ultima_conexao_inicial"), self.settings.zone)
        tolerance = timedelta(seconds=self.settings.clock_tolerance_s)
        if flag(record.get("online")) is False or (begun is not None and begun > attempt.started_at + tolerance):
            return Verdict.done(Pressed(button="disconnect", id=str(id_login)))
        return Verdict.unknown(f"login {id_login} is online, and whether it dialled in anew cannot be told")

    @action(effect=Effect.ONCE, verify="verify_clear_mac", describe="describe_clear_mac")
    async def clear_mac(self, *, id_login: RecordId) -> Pressed:
        """Forget the MAC address that a login is bound to, so that other equipment can dial in.

        Args:
            id_login: id of the login.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done.
        """
        return await self._press("clear_mac", str(id_login))

    async def describe_clear_mac(self, *, id_login: int) -> Change:
        """Say which address would be forgotten."""
        record = await self._existing(LOGIN_TABLE, id_login)
        name, mac = text(record.get("login")), text(record.get("mac"))
        return Change(text=f"forget the MAC address of login {name}", before={"mac": mac}, after={"mac": None})

    async def verify_clear_mac(self, *, id_login: int, attempt: AttemptInfo) -> Verdict:
        """Tell whether the MAC address was cleared: it is empty."""
        record = await self._existing(LOGIN_TABLE, id_login)
        if text(record.get("mac")) is None:
            return Verdict.done(Pressed(button="clear_mac", id=str(id_login)))
        return Verdict.unknown(f"login {id_login} has a MAC address, which may be a new one")

    async def _named(self, login: str | None, id_login: int | None) -> Login:
        if (login is None) == (id_login is None):
            raise RefusedError("give login or id_login, one of the two")
        if login is not None:
            return await self._logins.get(login)
        return login_of(await self._existing(LOGIN_TABLE, id_login or 0), self.settings.zone)
