"""Customers, contracts, plans, ONUs and sessions: found as people write them, typed as they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping

import httpx
import pytest

from backhaul.sdk import InvalidAnswerError, NotFoundError, RefusedError, RetryableError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.contracts import plan_of, rate_mbps, service_should_work
from backhaul_connectors.ixc_provider.flexigrid import session_of
from backhaul_connectors.ixc_provider.onus import onu_of, optical_summary_of
from backhaul_connectors.ixc_provider.settings import IxcProviderSettings
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8}
CPF = "529.982.247-25"
ZONE = IxcProviderSettings.model_validate(SETTINGS).zone


def found(*records: Mapping[str, object]) -> httpx.Response:
    body: dict[str, object] = {"page": "1", "total": str(len(records))}
    return httpx.Response(200, json={**body, "registros": list(records)} if records else body)


async def test_a_customer_is_found_by_each_of_its_names(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        customer = (await anext(erp.list_customers(active=True))).items[3]
        logins = [one async for page in erp.list_logins(active=True) for one in page.items]
        login = next(one for one in logins if one.id_cliente == customer.id)
        assert customer.cnpj_cpf is not None
        bare = "".join(sign for sign in customer.cnpj_cpf if sign.isdigit())
        assert (await erp.find_customer(cnpj_cpf=customer.cnpj_cpf)).id == customer.id
        assert (await erp.find_customer(cnpj_cpf=bare)).id == customer.id
        assert (await erp.find_customer(login=login.login)).id == customer.id
        assert (await erp.find_customer(id=customer.id)).razao == customer.razao
        by_phone = await erp.find_customer(phone="+55 " + customer.phones[0])
        assert by_phone.id == customer.id
        with pytest.raises(NotFoundError):
            await erp.find_customer(cnpj_cpf=CPF)


async def test_a_cpf_is_searched_masked_then_bare_and_checked_before(script: ScriptMaker) -> None:
    """Trap 12."""
    record = {"id": "17", "razao": "Ana", "cnpj_cpf": "52998224725", "ativo": "S"}
    vendor = script(found(), found(record))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert (await erp.find_customer(cnpj_cpf="52998224725")).id == 17
        with pytest.raises(RefusedError, match="check digits"):
            await erp.find_customer(cnpj_cpf="529.982.247-26")
    assert len(vendor.requests) == 2
    sent = [body["grid_param"] for body in vendor.bodies]
    assert CPF in sent[0]
    assert '"52998224725"' in sent[1]


async def test_a_number_is_looked_for_in_all_columns_at_the_same_time(script: ScriptMaker) -> None:
    ana = {"id": "17", "razao": "Ana", "ativo": "S", "whatsapp": "(11) 91234-5678"}
    anna = {"id": "18", "razao": "Anna", "ativo": "S", "fone": "11912345678"}

    def search(request: httpx.Request) -> httpx.Response:
        asked = json.loads(json.loads(request.content)["grid_param"])[0]["TB"]
        return found(*(one for one in (ana, anna) if asked.removeprefix("cliente.") in one))

    vendor = script(search)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(RefusedError, match="ids 17, 18"):
            await erp.find_customer(phone="+5511912345678")
    assert len(vendor.requests) == 4


async def test_a_number_that_could_not_be_looked_for_in_one_column_is_not_unknown(script: ScriptMaker) -> None:
    def search(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500) if b"whatsapp" in request.content else found()

    async with connection_for(IxcProvider, SETTINGS, transport=script(search).transport) as erp:
        with pytest.raises(RetryableError, match="500"):
            await erp.find_customer(phone="+5511912345678")


async def test_the_logins_of_a_customer_come_by_one_request(script: ScriptMaker) -> None:
    first = {"id": "41", "login": "a", "ativo": "N", "id_cliente": "17", "id_grupo": "3"}
    second = {"id": "42", "login": "b", "ativo": "S", "id_cliente": "17"}
    strange = {"id": "43", "login": "c", "ativo": "S", "id_cliente": "170"}
    vendor = script(found(second, first, strange), found())
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        logins = await erp.search_logins(id_cliente=17)
        assert [(one.id, one.active, one.id_grupo) for one in logins] == [(41, False, 3), (42, True, None)]
        assert await erp.search_logins(id_cliente=18) == []
    assert len(vendor.requests) == 2


async def test_not_all_logins_of_a_customer_are_an_error(script: ScriptMaker) -> None:
    login = {"id": "41", "login": "a", "ativo": "S", "id_cliente": "17"}
    cut = httpx.Response(200, json={"page": "1", "total": "2", "registros": [login]})
    async with connection_for(IxcProvider, SETTINGS, transport=script(cut).transport) as erp:
        with pytest.raises(InvalidAnswerError, match="2 records match"):
            await erp.search_logins(id_cliente=17)


async def test_a_plan_is_asked_for_by_one_thing_only(script: ScriptMaker) -> None:
    async with connection_for(IxcProvider, SETTINGS, transport=script(found()).transport) as erp:
        with pytest.raises(RefusedError, match="one of the three"):
            await erp.get_plan(login="a", id_grupo=3)
        with pytest.raises(NotFoundError):
            await erp.get_plan(id_grupo=3)


async def test_personal_data_is_in_no_url_and_no_error(script: ScriptMaker) -> None:
    """Trap 28."""
    vendor = script(found())
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        for given in ({"cnpj_cpf": CPF}, {"phone": "(11) 91234-5678"}, {"razao": "Ana Souza"}, {"login": "casa12.ppp"}):
            with pytest.raises(NotFoundError) as caught:
                await erp.find_customer(**given)  # type: ignore[arg-type]
            assert next(iter(given.values())) not in str(caught.value)
    for request in vendor.requests:
        assert not request.url.query
        assert request.url.path in ("/webservice/v1/cliente", "/webservice/v1/radusuarios")


async def test_several_customers_of_a_name_are_refused_but_a_whole_name_wins(script: ScriptMaker) -> None:
    ana, anna = {"id": "1", "razao": "Ana", "ativo": "S"}, {"id": "2", "razao": "Ana Maria", "ativo": "S"}
    async with connection_for(IxcProvider, SETTINGS, transport=script(found(ana, anna)).transport) as erp:
        assert (await erp.find_customer(razao="ana")).id == 1
        with pytest.raises(RefusedError, match="ids 1, 2"):
            await erp.find_customer(razao="An")
        with pytest.raises(RefusedError, match="exactly one"):
            await erp.find_customer()


@pytest.mark.parametrize(
    ("status", "access", "works"),
    [
        ("A", "A", True),
        ("A", "CM", False),
        ("A", "CA", False),
        ("A", "FA", False),
        ("A", "AA", False),
        ("A", "D", False),
        ("I", "A", False),
        ("P", "A", False),
        ("N", "D", False),
        ("A", None, None),
        ("A", "?", None),
        (None, "A", None),
    ],
)
def test_both_states_of_a_contract_matter(status: str | None, access: str | None, works: bool | None) -> None:
    """Trap 21."""
    assert service_should_work(status, access) is works


async def test_a_login_without_contract_has_that_of_its_customer(script: ScriptMaker) -> None:
    """Trap 18."""
    login = {"id": "41", "login": "casa12.ppp", "ativo": "S", "id_cliente": "17", "id_contrato": "0"}
    old = {"id": "32", "id_cliente": "17", "status": "I", "status_internet": "D"}
    new = {"id": "33", "id_cliente": "17", "status": "A", "status_internet": "CM", "data_ativacao": "0000-00-00"}
    vendor = script(found(login), found(old, new))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        contract = await erp.get_contract(login="casa12.ppp")
    assert (contract.id, contract.service_should_work, contract.data_ativacao) == (33, False, None)
    vendor = script(found(login), found({**old, "status": "A"}, new))
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(RefusedError, match="ids 32, 33"):
            await erp.get_contract(login="casa12.ppp")


@pytest.mark.parametrize(
    ("text", "mbps"),
    [
        ("310M", 310),
        ("1G", 1000),
        ("20480k", 20.48),
        ("1,5 M", 1.5),
        ("310", None),
        ("", None),
        ("x", None),
        (None, None),
    ],
)
def test_a_rate_is_read_off_its_text(text: str | None, mbps: float | None) -> None:
    assert rate_mbps(text) == mbps


async def test_the_plan_of_a_login_and_the_sold_name_beside_it(sandbox: Sandbox) -> None:
    """Trap 19: what `radgrupos` gives is not exactly what was sold; the sold plan is named by the contract."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        login = (await anext(erp.list_logins(active=True, linked=True))).items[0]
        plan = await erp.get_plan(login=login.login)
        assert await erp.get_plan(id_login=login.id) == plan
        assert login.id_grupo is not None
        assert await erp.get_plan(id_grupo=login.id_grupo) == plan.model_copy(update={"contrato": None})
        contract = await erp.get_contract(login=login.login)
    assert plan.download_mbps is not None
    assert plan.upload_mbps is not None
    assert plan.contrato == contract.contrato
    assert plan_of({"id": "1", "download": "310M"}, None).upload_mbps is None


async def test_contracts_of_the_sandbox_are_listed_by_state(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        everything = [one async for page in erp.list_contracts() for one in page.items]
        blocked = [one async for page in erp.list_contracts(status_internet=["CM", "CA", "FA"]) for one in page.items]
    assert {one.id for one in blocked} == {one.id for one in everything if one.status_internet in ("CM", "CA", "FA")}
    assert not any(one.service_should_work for one in blocked)


async def test_a_login_that_is_ss_is_neither_online_nor_offline(script: ScriptMaker) -> None:
    """Trap 20."""
    login = {"id": "41", "login": "a", "ativo": "S", "online": "SS"}
    async with connection_for(IxcProvider, SETTINGS, transport=script(found(login)).transport) as erp:
        assert (await erp.find_login(login="a")).online is None


@pytest.mark.parametrize(
    ("text", "level"),
    [("-19.40", -19.4), ("-19,40", -19.4), ("-19 dBm", -19.0), ("0", None), ("", None), ("80", None)],
)
def test_levels_are_numbers_with_point_or_comma(text: str, level: float | None) -> None:
    onu = onu_of({"id": "1", "mac": "ACME-00a1b2c3", "sinal_rx": text, "sinal_tx": text}, ZONE)
    assert (onu.rx_dbm, onu.tx_dbm, onu.serial_key) == (level, level, "ACME00A1B2C3")


@pytest.mark.parametrize(
    "said",
    [
        "RECV POWER : -19.40 (dBm) SEND POWER : 2,10 (dBm)",
        "Sinal Rx: -19,40 dBm Sinal Tx: 2.10 dBm Rx olt: -21,5 Tx olt: 3.1",
        "Tx olt: 3.1 Rx olt: -21,5 Sinal Tx (dBm): 2.10 Sinal Rx (dBm): -19.4",
    ],
)
def test_the_optical_summary_is_read_whatever_its_labels(said: str) -> None:
    summary = optical_summary_of(9, said)
    assert (summary.rx_dbm, summary.tx_dbm) == (-19.4, 2.1)
    if "olt" in said:
        assert (summary.olt_rx_dbm, summary.olt_tx_dbm) == (-21.5, 3.1)
    assert optical_summary_of(9, "nothing").rx_dbm is None


async def test_an_onu_is_found_by_login_and_by_any_spelling_of_its_serial(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        onus = (await anext(erp.list_onus())).items
        onu = next(one for one in onus if one.mac and one.id_login and len(one.serial_key) == 12)
        key = onu.serial_key
        for spelling in (onu.mac or "", key.lower(), f"{key[:4]}-{key[4:]}", key[:4].encode().hex() + key[4:]):
            assert (await erp.get_onu(serial=spelling)).id == onu.id
        assert (await erp.get_onu(id=onu.id)).id == onu.id
        optical = await erp.get_onu_optical(id=onu.id)
        with pytest.raises(NotFoundError):
            await erp.get_onu(serial="ACMEFFFFFFFF")
    assert [optical.rx_dbm, optical.tx_dbm, optical.olt_rx_dbm, optical.olt_tx_dbm] != [None] * 4


ROW = {
    "id": "9001",
    "autoincrement": {"campo": "radacctid", "valor": "9001"},
    "cell": [
        "9001", "casa12.ppp", "02:00:00:00:00:01", "100.64.0.9", "10.0.0.1", "PPPoE_X",
        "02/03/2031 08:15:00", "", "7200", "", "2001:db8:0:5::/64", "",
    ],
}  # fmt: skip


async def test_rows_of_cells_become_sessions(script: ScriptMaker) -> None:
    """Traps 3 and 13: `rows` instead of `registros`, dates in the server's own zone."""
    other = {"id": "9002", "cell": ["9002", "CASA12.ppp"]}  # a database may compare without regard to case
    answer = httpx.Response(200, json={"page": "1", "rows": [ROW, other], "total": 2, "tot": []})
    vendor = script(answer)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        (page,) = [page async for page in erp.list_sessions(login="casa12.ppp")]
    (session,) = page.items
    assert (session.id, session.up, session.duration_s, session.stopped) == ("9001", True, 7200, None)
    assert session.started is not None
    assert session.started.isoformat() == "2031-03-02T11:15:00+00:00"
    assert session.ipv6_prefix == "2001:db8:0:5::/64"
    assert vendor.bodies[0]["sortname"] == "radacct.radacctid"
    assert session_of({"id": "1", "cell": []}, {}, ZONE).login == ""


async def test_sessions_of_the_sandbox(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        login = (await anext(erp.list_logins(active=True))).items[0]
        sessions = [one async for page in erp.list_sessions(login=login.login) for one in page.items]
    assert sessions
    assert all(one.login == login.login for one in sessions)


async def test_no_waiting_onu_is_an_empty_list_and_a_row_goes_back_untouched(script: ScriptMaker) -> None:
    """Trap 25: "no ONU" looks like an error."""
    none = {"type": "error", "message": "Nenhuma ONU disponível", "page": "1", "total": "0"}
    row = {"id": "YToxOntzOjI6IklEIjt9==", "cell": ["OLT 1", "1", "2", "3", "AX-1", "ACME00A1B2C3"]}
    vendor = script(
        httpx.Response(200, json=none),
        httpx.Response(200, json={"page": "1", "total": 1, "rows": [row]}),
        httpx.Response(200, json={"type": "success", "message": "ok"}),
    )
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        assert [page.items async for page in erp.list_waiting_onus(id_olt=1)] == [[]]
        (page,) = [page async for page in erp.list_waiting_onus(id_olt=1)]
        assert (page.items[0].model, page.items[0].pon) == ("AX-1", "3")
        await erp.authorise_onu(row_id=page.items[0].row_id)
    assert vendor.bodies[0]["grid_param"] == '[{"TB": "id_olt", "OP": "=", "P": "1"}]'
    assert vendor.bodies[-1] == {"get_id": row["id"]}


async def test_waiting_onus_without_a_key_are_an_error(script: ScriptMaker) -> None:
    answer = httpx.Response(200, json={"total": 1, "rows": [{"cell": []}]})
    async with connection_for(IxcProvider, SETTINGS, transport=script(answer).transport) as erp:
        with pytest.raises(InvalidAnswerError, match="key"):
            await anext(erp.list_waiting_onus(id_olt=1))
