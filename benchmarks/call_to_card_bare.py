"""The raw limit: the very requests of a lookup, sent by the HTTP transport alone, without connectors and workflows."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import httpx

from backhaul.plugins.http_transport import AiohttpTransport
from backhaul.testing import connection_for
from backhaul_connectors.ispcrm import IspCrm
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_provider import IxcProvider
from benchmarks.call_to_card_office import ask, settings_of

Requests: TypeAlias = Sequence[httpx.Request]
FAST = {"use_uvloop": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The requests of one lookup.

    Attributes:
        phone: the searches for the number, sent together.
        logins: sent after them.
        beside: sent together after that.
        acs: sent at the same time as those, one after the other.
    """

    phone: Requests
    logins: Requests
    beside: Requests
    acs: Requests


@dataclass(frozen=True, slots=True)
class Measured:
    """What lookups took: milliseconds until the end of each, and of processor time for each."""

    took_ms: list[float]
    cpu_ms: float


class _Recorder(AiohttpTransport):
    """Notes the requests that it carries."""

    def __init__(self, sent: list[httpx.Request]) -> None:
        super().__init__()
        self._sent = sent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/token/" not in request.url.path:
            self._sent.append(request)
        return await super().handle_async_request(request)


class _Systems:
    """The connections to a sandbox, and the requests that they have sent."""

    def __init__(self, provider: IxcProvider, acs: IxcAcs, crm: IspCrm, sent: list[httpx.Request]) -> None:
        self.provider = provider
        self.acs = acs
        self.crm = crm
        self._sent = sent

    async def requests(self, *questions: Awaitable[object]) -> Requests:
        """Return the requests that questions make, asked one after the other."""
        self._sent.clear()
        for one in questions:
            await one
        return tuple(self._sent)


@asynccontextmanager
async def _systems(sandbox: str) -> AsyncIterator[_Systems]:
    settings, sent = settings_of(sandbox), list[httpx.Request]()
    async with (
        connection_for(IxcProvider, settings["provider"], transport=_Recorder(sent)) as provider,
        connection_for(IxcAcs, settings["acs"], transport=_Recorder(sent)) as acs,
        connection_for(IspCrm, settings["crm"], transport=_Recorder(sent)) as crm,
    ):
        yield _Systems(provider, acs, crm, sent)


async def _lookup(systems: _Systems, sandbox: str, index: int) -> Lookup:
    who = ask(f"{sandbox}/_sandbox/subscribers/{index}")
    provider, acs, customer = systems.provider, systems.acs, int(who["provider"]["customer_id"])
    login = (await provider.search_logins(id_cliente=customer))[0]
    plan = {"login": login.login} if login.id_grupo is None else {"id_grupo": login.id_grupo}
    contract = {"login": login.login} if login.id_contrato is None else {"id": login.id_contrato}
    devices = await acs.search_devices(by="pppoe_login", text=login.login)
    return Lookup(
        phone=await systems.requests(provider.find_customer(phone="+" + who["numbers"][0])),
        logins=await systems.requests(provider.search_logins(id_cliente=customer)),
        beside=await systems.requests(
            provider.get_contract(**contract),
            provider.get_plan(**plan),
            systems.crm.get_user(id=login.login),
        ),
        acs=await systems.requests(
            acs.search_devices(by="pppoe_login", text=login.login),
            *(acs.get_speed_test(serial=one.serial) for one in devices[:1]),
        ),
    )


async def _lookups(sandbox: str, indexes: Sequence[int]) -> list[Lookup]:
    async with _systems(sandbox) as systems:
        return [await _lookup(systems, sandbox, index) for index in indexes]


async def _send(transport: AiohttpTransport, request: httpx.Request) -> None:
    answer = await transport.handle_async_request(request)
    await answer.aread()
    await answer.aclose()
    if not answer.is_success:
        raise SystemExit(f"{request.url} answered {answer.status_code}")


async def _in_order(transport: AiohttpTransport, requests: Requests) -> None:
    for one in requests:
        await _send(transport, one)


async def _look_up(transport: AiohttpTransport, lookup: Lookup) -> None:
    for together in (lookup.phone, lookup.logins):
        async with anyio.create_task_group() as group:
            for one in together:
                group.start_soon(_send, transport, one)
    async with anyio.create_task_group() as group:
        group.start_soon(_in_order, transport, lookup.acs)
        for one in lookup.beside:
            group.start_soon(_send, transport, one)


async def _measured(rounds: Sequence[Sequence[Lookup]]) -> Measured:
    transport, took_ms = AiohttpTransport(), list[float]()

    async def one(lookup: Lookup, began: float) -> None:
        await _look_up(transport, lookup)
        took_ms.append((time.monotonic() - began) * 1000)

    cpu = time.process_time()
    for lookups in rounds:
        async with anyio.create_task_group() as group:
            for lookup in lookups:
                group.start_soon(one, lookup, time.monotonic())
    cpu_ms = (time.process_time() - cpu) * 1000 / len(took_ms)
    await transport.aclose()
    return Measured(took_ms, cpu_ms)


def lookups_of(sandbox: str, indexes: Sequence[int]) -> list[Lookup]:
    """Return the requests that the workflow makes when these subscribers call."""
    return anyio.run(_lookups, sandbox, indexes, backend_options=FAST)


def bare_lookups(rounds: Sequence[Sequence[Lookup]]) -> Measured:
    """Send the requests of lookups, those of a round at once."""
    return anyio.run(_measured, rounds, backend_options=FAST)
