"""Actions that find customers and their contracts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from backhaul.sdk import Effect, NotFoundError, Page, Personal, RefusedError, action
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.base import ErpConnector, RecordId, Text
from backhaul_connectors.ixc_provider.client import ListQuery
from backhaul_connectors.ixc_provider.contracts import (
    PHONE_COLUMNS,
    Contract,
    Customer,
    contract_of,
    customer_of,
)
from backhaul_connectors.ixc_provider.filters import Filter, Operator
from backhaul_connectors.ixc_provider.identity import identity_forms, phone_forms, same_digits, same_phone
from backhaul_connectors.ixc_provider.values import text

__all__ = ["CustomerActions"]

CUSTOMERS = "cliente"
CONTRACTS = "cliente_contrato"


class CustomerActions(ErpConnector):
    """Customers and contracts."""

    @action(effect=Effect.READ)
    async def find_customer(
        self,
        *,
        cnpj_cpf: Personal[Text | None] = None,
        razao: Personal[Text | None] = None,
        phone: Personal[Text | None] = None,
        login: Personal[Text | None] = None,
        id: RecordId | None = None,  # noqa: A002  (the vendor's name)
    ) -> Customer:
        """Return the one customer with a CPF or CNPJ, name, phone, login or id. Give exactly one of them.

        Args:
            cnpj_cpf: CPF or CNPJ, masked or bare; checked by its digits before anything is asked.
            razao: name, or a part of it; one whose whole name it is goes before others.
            phone: telephone number in any form, with or without +55.
            login: text of one of the customer's logins.
            id: id of the customer.

        Raises:
            NotFoundError: there is none.
            RefusedError: there are several (their ids are in the text), or the CPF or CNPJ is not valid.
        """
        given = {"cnpj_cpf": cnpj_cpf, "razao": razao, "phone": phone, "login": login, "id": id}
        named = [name for name, value in given.items() if value is not None]
        if len(named) != 1:
            raise RefusedError("give exactly one of cnpj_cpf, razao, phone, login and id")
        records = await self._customers(cnpj_cpf, razao, phone, login, id)
        customers = {one.id: one for one in (customer_of(record, self.settings.zone) for record in records)}
        if not customers:
            raise NotFoundError(f"the ERP has no customer with this {named[0]}")
        if len(customers) > 1:
            active = [one for one in customers.values() if one.active]
            if len(active) == 1 and named[0] != "razao":
                return active[0]
            ids = ", ".join(str(one) for one in sorted(customers)[:20])
            raise RefusedError(f"the ERP has {len(customers)} customers with this {named[0]} (ids {ids}): use the id")
        return next(iter(customers.values()))

    @action(effect=Effect.READ)
    async def list_customers(
        self, *, active: bool | None = None, razao: Personal[Text | None] = None, cursor: str | None = None
    ) -> AsyncIterator[Page[Customer]]:
        """List customers by id.

        Args:
            active: only customers that are (true) or are not (false) active.
            razao: only customers whose name contains this.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        filters = []
        if active is not None:
            filters.append(Filter(column="ativo", operator=Operator.EQUAL if active else Operator.NOT_EQUAL, value="S"))
        if razao is not None:
            filters.append(Filter(column="razao", operator=Operator.CONTAINS, value=razao))
        query = ListQuery(table=CUSTOMERS, filters=tuple(filters), size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                items = [customer_of(record, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.READ)
    async def list_contracts(
        self,
        *,
        id_cliente: RecordId | None = None,
        status: Sequence[str] = (),
        status_internet: Sequence[str] = (),
        cursor: str | None = None,
    ) -> AsyncIterator[Page[Contract]]:
        """List contracts by id.

        Args:
            id_cliente: only those of this customer.
            status: only those with one of these states (``P``, ``A``, ``I``, ``N``, ``D``).
            status_internet: only those with one of these states (``A``, ``D``, ``CM``, ``CA``, ``FA``, ``AA``).

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        filters = []
        if id_cliente is not None:
            filters.append(Filter(column="id_cliente", value=str(id_cliente)))
        for column, values in (("status", status), ("status_internet", status_internet)):
            if values:
                filters.append(Filter(column=column, operator=Operator.IN, value=list(values)))
        query = ListQuery(table=CONTRACTS, filters=tuple(filters), size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                items = [contract_of(record, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.READ)
    async def get_contract(self, *, id: RecordId | None = None, login: Personal[Text | None] = None) -> Contract:  # noqa: A002
        """Return a contract, with `service_should_work` computed from both of its states.

        A login without a contract of its own (``id_contrato`` 0) has that of its customer: the one that is active.

        Args:
            id: id of the contract.
            login: text of a login instead.

        Raises:
            NotFoundError: there is no such contract or login.
            RefusedError: the login has no contract of its own, and its customer has several active ones, or none.
        """
        if (id is None) == (login is None):
            raise RefusedError("give id or login, one of the two")
        if login is not None:
            return await self._contract_of_login(login)
        return contract_of(await self._existing(CONTRACTS, id or 0), self.settings.zone)

    async def _contract_of_login(self, login: str) -> Contract:
        found = await self._logins.get(login)
        if found.id_contrato is not None:
            return contract_of(await self._existing(CONTRACTS, found.id_contrato), self.settings.zone)
        if found.id_cliente is None:
            raise NotFoundError(f"login {found.id} has neither contract nor customer in the ERP")
        records = await self._matching(CONTRACTS, Filter(column="id_cliente", value=str(found.id_cliente)))
        contracts = [contract_of(record, self.settings.zone) for record in records]
        active = [one for one in contracts if one.status == "A"]
        chosen = active or contracts
        if len(chosen) != 1:
            ids = ", ".join(str(one.id) for one in contracts)
            raise RefusedError(
                f"login {found.id} has no contract of its own, and its customer {found.id_cliente} has not exactly one "
                f"(ids {ids or 'none'}): use the id"
            )
        return chosen[0]

    async def _customers(
        self, cnpj_cpf: str | None, razao: str | None, phone: str | None, login: str | None, customer_id: int | None
    ) -> list[Record]:
        if cnpj_cpf is not None:
            return await self._by_identity(cnpj_cpf)
        if phone is not None:
            return await self._by_phone(phone)
        if razao is not None:
            condition = Filter(column="razao", operator=Operator.CONTAINS, value=razao)
            hits = await self._matching(CUSTOMERS, condition)
            exact = [one for one in hits if (text(one.get("razao")) or "").casefold() == razao.casefold()]
            return exact or list(hits)
        if login is not None:
            customer_id = (await self._logins.get(login)).id_cliente
        record = await self._record(CUSTOMERS, customer_id) if customer_id is not None else None
        return [record] if record is not None else []

    async def _by_identity(self, cnpj_cpf: str) -> list[Record]:
        """Look for the masked form, then for the bare one: the ERP stores what was typed."""
        for form in identity_forms(cnpj_cpf):
            hits = await self._matching(CUSTOMERS, Filter(column="cnpj_cpf", value=form))
            same = [one for one in hits if same_digits(text(one.get("cnpj_cpf")), cnpj_cpf)]
            if same:
                return same
        return []

    async def _by_phone(self, phone: str) -> list[Record]:
        """Look in all columns at the same time, since somebody waits while the telephone rings."""
        forms = list(phone_forms(phone))
        filters = [Filter(column=column, operator=Operator.IN, value=forms) for column in PHONE_COLUMNS]
        searches = [self._matching(CUSTOMERS, one) for one in filters]
        found: list[Record] = []
        for column, hits in zip(PHONE_COLUMNS, await asyncio.gather(*searches, return_exceptions=True), strict=True):
            if isinstance(hits, BaseException):
                raise hits
            found += [one for one in hits if same_phone(text(one.get(column)), phone)]
        return found
