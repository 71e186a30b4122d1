"""Tables without actions of their own are reached through the record actions; the README's examples run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import backhaul_connectors.ixc_provider as package
from backhaul.sdk import RefusedError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_provider import IxcProvider
from backhaul_connectors.ixc_provider.filters import Filter
from connector_kit.sandbox import Sandbox

pytestmark = pytest.mark.anyio

README = (Path(inspect.getfile(package)).parent / "README.md").read_text()
TABLES = [
    "vd_contratos",
    "vd_contratos_produtos",
    "patrimonio",
    "cliente_contrato_comodato",
    "crm_canditados",
    "crm_negociacoes",
    "crm_planos_negociacoes",
    "cliente_arquivos",
    "fn_areceber",
    "fn_areceber_altera",
    "fn_apagar",
    "contas",
    "fn_areceber_mot_cancelamento",
    "radusuarios_consumo",
    "radusuarios_consumo_d",
    "radusuarios_consumo_m",
    "radpop",
    "radpop_radio",
    "radpop_radio_porta_fibra",
    "rad_caixa_ftth",
    "radpop_radio_cliente_fibra_perfil",
    "radpop_radio_cliente_fibra_historico",
    "su_oss_assunto",
    "su_ticket_setor",
    "su_diagnostico",
    "empresa",
    "filial",
    "cidade",
    "uf",
    "usuarios",
    "funcionarios",
]
EMPTY = ["su_mensagens", "su_oss_chamado_mensagem", "su_ticket_arquivos", "su_oss_chamado_arquivos", "ixc_logs"]


def examples() -> list[dict[str, Any]]:
    """Return the calls of the README's example of tables without actions of their own."""
    (block,) = [text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "crm_canditados" in text]
    calls: list[dict[str, Any]] = YAML(typ="safe").load(block)
    return calls


@pytest.mark.parametrize("table", [*TABLES, *EMPTY])
async def test_every_table_of_the_vendor_is_listed_and_read(sandbox: Sandbox, table: str) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        pages = [page async for page in erp.list_records(table=table)]
        records = [record for page in pages for record in page.items]
        assert bool(records) == (table in TABLES)
        for record in records[:1]:
            assert (await erp.get_record(table=table, id=int(str(record["id"]))))["id"] == record["id"]
    assert f"`{table}`" in README or table.rpartition("_")[0] in README


async def test_the_examples_of_the_readme_run(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        await erp.return_lent_equipment(id=60_001, id_almox=1)
        await erp.update_record(table="radusuarios", id=5001, fields={"obs": "visto"})
        for example in examples():
            action, parameters = example["call"].removeprefix("provider."), example["with"]
            if "filters" in parameters:
                parameters["filters"] = [Filter(**condition) for condition in parameters["filters"]]
            called = getattr(erp, action)(**parameters)
            if action == "list_records":
                assert [record async for page in called for record in page.items], example
            else:
                await called
        lent = [one async for page in erp.list_lent_equipment(id_contrato=2003) for one in page.items]
        won = await erp.get_record(table="crm_negociacoes", id=8008)
        prospects = [record async for page in erp.list_records(table="crm_canditados") for record in page.items]
    assert 50_001 in [one.id_patrimonio for one in lent]
    assert (won["status"], won["data_vencemos"]) == ("V", "2031-01-10")
    assert prospects[-1]["razao"] == "Ana"


async def test_a_negotiation_is_lost_and_coverage_is_asked_for(sandbox: Sandbox) -> None:
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        fields = {"data_perdemos": "10/01/2031", "id_responsavel": "1", "id_cliente": "108"}
        await erp.press_button(button="negotiation_lost", id="8008", fields=fields)
        with pytest.raises(RefusedError, match="finalizada"):
            await erp.press_button(button="negotiation_lost", id="8008", fields=fields)
        asked = await erp.press_button(button="check_coverage", id="01000-000", fields={"estado": "SP"})
    assert asked.answer["viabilidade"] == "S"


@pytest.mark.parametrize(
    "table",
    [
        "fn_areceber_recebimentos",
        "fn_areceber_recebimentos_baixas_novo",
        "cancelar_financeiro",
        "cliente_arquivo",
        "visualizar_arquivo_os",
        "viabilidade_tecnica",
        "crm_negociacoes_simplificado",
        "crm_negociacoes_perdemos_data",
        "baixar_comodato_23069",
    ],
)
async def test_what_acts_is_no_table(sandbox: Sandbox, table: str) -> None:
    """Trap 6: a listing that loses its header would press it."""
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        with pytest.raises(RefusedError, match="acts when it is called"):
            await anext(erp.list_records(table=table))
        with pytest.raises(RefusedError, match="acts when it is called"):
            await erp.insert_record(table=table, fields={"id": "1"})
        with pytest.raises(RefusedError, match="acts when it is called"):
            await erp.delete_record(table=table, id=1)
    assert sandbox.operations("provider") == []


async def test_a_table_that_is_not_granted_says_so(sandbox: Sandbox) -> None:
    """Trap 15: a working call on one table proves nothing for another."""
    sandbox.switch("provider", denied=["vd_contratos_produtos"])
    async with connection_for(IxcProvider, sandbox.provider()) as erp:
        assert (await anext(erp.list_records(table="vd_contratos"))).items
        with pytest.raises(RefusedError, match="vd_contratos_produtos"):
            await anext(erp.list_records(table="vd_contratos_produtos"))
