"""Other tables: conditions in the ERP's words, chosen columns, no secrets, no buttons."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from backhaul.sdk import InvalidAnswerError, Page, RefusedError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.filters import Filter, Operator, grid_param
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://provider.example.net", "token": "7:" + "0a1b2c3d" * 8, "page_size": 2}
EMPTY = httpx.Response(200, json={"page": "1", "total": "0"})


async def ids_of(pages: AsyncIterator[Page[Any]]) -> list[int]:
    return [item.id if hasattr(item, "id") else int(item["id"]) async for page in pages for item in page.items]


async def test_records_come_without_secrets(sandbox: Sandbox) -> None:
    """Trap 22."""
    async with connection_for(IxcProvider, sandbox.provider(secret_columns=["obs"])) as erp:
        for table in ("radusuarios", "acs_device_grid", "cliente"):
            first = (await anext(aiter(erp.list_records(table=table)))).items[0]
            assert "id" in first
            assert not [column for column in first if "senha" in column or column == "obs"]


async def test_other_tables_are_listed_with_conditions_and_chosen_columns(sandbox: Sandbox) -> None:
    active = Filter(column="ativo", value="S")
    some = Filter(column="radusuarios.id", operator=Operator.BETWEEN, value="5001", value2="5040")
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        found = [
            record
            async for page in erp.list_records(table="radusuarios", filters=[active, some], columns=["ativo", "senha"])
            for record in page.items
        ]
    assert found
    assert {tuple(sorted(record)) for record in found} == {("ativo", "id")}
    assert {record["ativo"] for record in found} == {"S"}


async def test_an_unknown_column_is_a_clear_error(sandbox: Sandbox) -> None:
    """Trap 9."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(InvalidAnswerError, match="does not know a column"):
            await ids_of(erp.list_records(table="radusuarios", filters=[Filter(column="inventado", value="1")]))


async def test_secrets_can_be_neither_searched_nor_sorted_by(script: ScriptMaker) -> None:
    async with connection_for(IxcProvider, SETTINGS, transport=script(EMPTY).transport) as erp:
        with pytest.raises(RefusedError, match="holds secrets"):
            await ids_of(
                erp.list_records(table="cliente", filters=[Filter(column="cliente.senha", operator="L", value="a")])
            )
        with pytest.raises(RefusedError, match="holds secrets"):
            await ids_of(erp.list_records(table="usuarios", sort="acesso_token"))


@pytest.mark.parametrize("button", ["botaoAjax_30774", "desconectar_clientes", "su_oss_chamado_fechar", "get_boleto"])
async def test_a_button_is_not_pressed_by_a_listing(script: ScriptMaker, button: str) -> None:
    """Trap 17."""
    vendor = script(EMPTY)
    async with connection_for(IxcProvider, SETTINGS, transport=vendor.transport) as erp:
        with pytest.raises(RefusedError, match="acts when it is called"):
            await ids_of(erp.list_records(table=button))
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("radusuarios", "login", "radusuarios.login"),
        ("radusuarios", "cliente.razao", "cliente.razao"),
        ("acs_device_grid", "id_login", "acs_device.id_login"),
        ("radpop_radio_porta_fibra", "id", "radpop_radio_porta.id"),
        ("crm_canditados", "id", "cliente.id"),
        ("cliente_contrato_comodato", "id", "movimento_produtos.id"),
        ("fh_onu_nao_autorizadas", "id_olt", "id_olt"),
        ("own_table", "id", "other.id"),
    ],
)
def test_columns_carry_the_tables_real_prefix(table: str, column: str, expected: str) -> None:
    """Trap 9."""
    text = grid_param(table, [Filter(column=column, value="1")], {"own_table": "other"})
    assert json.loads(text) == [{"TB": expected, "OP": "=", "P": "1"}]


def test_grid_param_is_a_json_text_of_all_conditions() -> None:
    """Trap 8."""
    conditions = [
        Filter(column="ativo", operator=Operator.IN, value=["S", "N"]),
        Filter(column="id", operator=Operator.BETWEEN, value=1, value2=9),
    ]
    text = grid_param("radusuarios", conditions, {})
    assert isinstance(text, str)
    assert json.loads(text) == [
        {"TB": "radusuarios.ativo", "OP": "IN", "P": "S,N"},
        {"TB": "radusuarios.id", "OP": "BE", "P": "1", "P2": "9"},
    ]


@pytest.mark.parametrize(
    "condition",
    [
        {"column": "ativo", "operator": "<>", "value": "S"},
        {"column": "ativo", "operator": "GE", "value": "S"},
        {"column": "ativo", "operator": "like", "value": "S"},
        {"column": "data", "operator": "BE", "value": "2031-01-01", "value2": "2031-02-01"},
        {"column": "data", "operator": "BE", "value": "01/01/2031", "value2": "01/02/2031"},
        {"column": "id", "operator": "BE", "value": "1"},
        {"column": "id", "operator": "=", "value": "1", "value2": "2"},
        {"column": "id", "operator": "=", "value": ["1"]},
        {"column": "id", "operator": "IN", "value": ["1,2"]},
        {"column": "id = 1 or 1", "value": "1"},
        {"column": "a.b.c", "value": "1"},
    ],
)
def test_undocumented_conditions_are_refused(condition: dict[str, object]) -> None:
    """Trap 11."""
    with pytest.raises(ValidationError):
        Filter.model_validate(condition)
