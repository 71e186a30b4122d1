from __future__ import annotations

import base64

import httpx
import pytest

from sandbox.client import Isp, Json

LENT = "movimento_produtos"


def press(isp: Isp, button: str, **body: str) -> Json:
    return isp.erp("POST", button, body).json()


def rows(isp: Isp, resource: str, column: str, value: str) -> list[dict[str, str]]:
    return list(isp.erp_rows(resource, column, "=", value))


def attach(isp: Isp, table: str, fields: dict[str, str], content: bytes, name: str = "foto.png") -> Json:
    basic = base64.b64encode(isp.erp_token.encode()).decode()
    return isp.http.post(
        f"/provider/webservice/v1/{table}",
        headers={"Authorization": f"Basic {basic}"},
        data=fields,
        files={"local_arquivo": (name, content)},
    ).json()


def test_a_month_is_the_sum_of_its_days_and_inactive_logins_use_nothing(isp: Isp) -> None:
    for login in ("5001", "5100"):
        days = rows(isp, "radusuarios_consumo_d", "radusuarios_consumo_d.id_login", login)
        months = rows(isp, "radusuarios_consumo_m", "radusuarios_consumo_m.id_login", login)
        (sample,) = rows(isp, "radusuarios_consumo", "radusuarios_consumo.id_login", login)
        assert [day["data"] for day in days] == [f"2024-12-{day} 00:00:00" for day in (29, 30, 31)]
        used = [int(day["consumo"]) for day in days]
        assert 0 < sum(used) <= int(months[1]["consumo"])
        assert int(sample["consumo"]) <= used[2]
    inactive = next(isp.erp_rows("radusuarios", "radusuarios.ativo", "=", "N"))["id"]
    months = rows(isp, "radusuarios_consumo_m", "radusuarios_consumo_m.id_login", inactive)
    assert {month["consumo"] for month in months} == {"0"}


def test_counters_are_inserted_changed_and_deleted_like_rows(isp: Isp) -> None:
    body = {"id_login": "5001", "data": "20/06/2031", "consumo": "200", "consumo_upload": "20"}
    made = isp.erp("POST", "radusuarios_consumo_d", body).json()["id"]
    table = "radusuarios_consumo_d"
    (kept,) = rows(isp, table, f"{table}.id", made)
    assert kept["data"] == "2031-06-20"
    assert isp.erp("PUT", f"{table}/{made}", {**body, "consumo": "300"}).json()["type"] == "success"
    assert rows(isp, table, f"{table}.id", made)[0]["consumo"] == "300"
    assert isp.erp("DELETE", f"{table}/{made}").json()["type"] == "success"
    assert isp.erp("POST", table, {**body, "id_login": ""}).json()["type"] == "error"


def test_every_device_is_an_asset_that_its_subscriber_has(isp: Isp) -> None:
    subscriber = isp.control("GET", "subscribers/4")
    (lent,) = rows(isp, "cliente_contrato_comodato", f"{LENT}.id_contrato", subscriber["provider"]["contract_id"])
    assert (lent["status_comodato"], lent["id_login"]) == ("E", subscriber["provider"]["login_id"])
    (asset,) = rows(isp, "patrimonio", "patrimonio.id", lent["id_patrimonio"])
    assert (asset["serial"], asset["id_movimento_produto"]) == (lent["numero_serie"], lent["id"])
    index = isp.control("GET", f"subscribers?serial={asset['serial']}")["index"]
    assert index == 4
    assert "red" in isp.erp("POST", "patrimonio", {"qtype": "x.id"}, listing=True).text
    assert isp.erp("DELETE", f"patrimonio/{asset['id']}").json()["type"] == "error"
    denied = isp.erp("POST", "cliente_contrato_comodato", {"qtype": "cliente_contrato_comodato.id"}, listing=True)
    assert "<div" in denied.text
    assert isp.erp("POST", LENT, {}, listing=True).json()["type"] == "error"


def test_an_asset_comes_back_and_is_lent_again_to_one_contract_only(isp: Isp) -> None:
    (lent,) = rows(isp, "cliente_contrato_comodato", f"{LENT}.id_contrato", "2005")
    again = {**lent, "id_contrato": "2006", "id_login": "5006"}
    assert isp.erp("POST", "cliente_contrato_comodato", again).json()["type"] == "error"
    back = {"id": lent["id"], "id_almox": "2", "id_filial_baixa": "1"}
    assert press(isp, "baixar_comodato_23069", **{**back, "id_almox": ""})["type"] == "error"
    assert press(isp, "baixar_comodato_23069", **back)["type"] == "success"
    assert press(isp, "baixar_comodato_23069", **back)["type"] == "error"
    (asset,) = rows(isp, "patrimonio", "patrimonio.id", lent["id_patrimonio"])
    assert (asset["id_movimento_produto"], asset["id_almoxarifado"]) == ("0", "2")
    made = isp.erp("POST", "cliente_contrato_comodato", again).json()["id"]
    (asset,) = rows(isp, "patrimonio", "patrimonio.id", lent["id_patrimonio"])
    assert asset["id_movimento_produto"] == made
    assert isp.erp("POST", "cliente_contrato_comodato", {**again, "id_patrimonio": "9"}).json()["type"] == "error"


@pytest.mark.parametrize(
    ("table", "owner", "view", "method"),
    [
        ("cliente_arquivos", "id_cliente", "cliente_arquivo", "POST"),
        ("su_oss_chamado_arquivos", "id_oss_chamado", "visualizar_arquivo_os", "GET"),
    ],
)
def test_a_file_is_kept_as_it_was_sent(isp: Isp, table: str, owner: str, view: str, method: str) -> None:
    content = bytes(range(256)) * 40
    answer = attach(isp, table, {"descricao": "Foto", owner: "101"}, content, "C:\\fotos\\olá.png")
    assert answer["type"] == "success"
    (kept,) = rows(isp, table, f"{table}.id", answer["id"])
    assert (kept["nome_arquivo"], kept["descricao"], kept[owner]) == ("olá.png", "Foto", "101")
    assert kept["data_envio"] > "2025"
    shown = isp.erp(method, view, {"id": answer["id"]}, listing=method == "GET")
    assert base64.b64decode(shown.content) == content
    assert isp.erp("DELETE", f"{table}/{answer['id']}").json()["type"] == "success"
    assert isp.erp(method, view, {"id": answer["id"]}).json()["type"] == "error"


def test_a_file_needs_its_content_and_the_seeded_one_is_a_document(isp: Isp) -> None:
    assert isp.erp("POST", "su_ticket_arquivos", {"descricao": "Foto", "id_ticket": "1"}).json()["type"] == "error"
    signed = next(isp.erp_rows("cliente_arquivos", "cliente_arquivos.id_contrato", "=", "2004"))
    shown = isp.erp("POST", "cliente_arquivo", {"id": signed["id"]})
    assert base64.b64decode(shown.content).startswith(b"%PDF")


def test_products_name_their_plan_or_their_contract(isp: Isp) -> None:
    table = "vd_contratos_produtos"
    own = rows(isp, table, f"{table}.id_vd_contrato", "0")
    plans = rows(isp, table, f"{table}.id_contrato", "0")
    assert len(plans) == 6
    assert own
    for product in own[:5]:
        (contract,) = rows(isp, "cliente_contrato", "cliente_contrato.id", product["id_contrato"])
        (plan,) = rows(isp, "vd_contratos", "vd_contratos.id", contract["id_vd_contrato"])
        assert float(product["valor_unit"]) == float(plan["valor_contrato"])
    isp.switch("provider", denied=[table])
    assert isp.erp_page(table, f"{table}.id", ">", "0")["message"].endswith("não está disponível!")


def test_prospects_are_customers_that_the_crm_knows(isp: Isp) -> None:
    seeded = rows(isp, "crm_canditados", "cliente.ativo", "S")
    everybody = rows(isp, "cliente", "cliente.ativo", "S")
    assert 0 < len(seeded) < len(everybody)
    assert {row["crm"] for row in seeded} == {"S"}
    offered = list(isp.erp_rows("crm_negociacoes", "crm_negociacoes.status", "=", "N"))
    assert {row["id_cliente"] for row in offered} == {row["id"] for row in seeded}
    body = {"razao": "Ana", "status_prospeccao": "N", "tipo_pessoa": "F", "ativo": "S", "cidade": "1", "crm": "S"}
    assert isp.erp("POST", "crm_canditados", body).json()["type"] == "error"
    made = isp.erp("POST", "crm_canditados", {**body, "telefone_celular": "(11) 90000-0000"}).json()["id"]
    assert rows(isp, "cliente", "cliente.id", made)[0]["razao"] == "Ana"
    assert rows(isp, "crm_canditados", "cliente.id", made)
    assert "<div" in isp.erp("POST", "crm_canditados", {"qtype": "crm_canditados.id"}, listing=True).text


def test_a_negotiation_is_won_or_lost_once(isp: Isp) -> None:
    form = {"data_vencemos": "19/12/2031", "id_responsavel": "1", "id_cliente": "108", "id": "8008"}
    wrong = isp.erp("PUT", "crm_negociacoes_simplificado/8008", {**form, "id_cliente": "101"}).json()
    assert wrong["type"] == "error"
    assert isp.erp("PUT", "crm_negociacoes_simplificado/8008", form).json()["type"] == "success"
    (won,) = rows(isp, "crm_negociacoes", "crm_negociacoes.id", "8008")
    assert (won["status"], won["data_vencemos"]) == ("V", "2031-12-19")
    lost = isp.erp("PUT", "crm_negociacoes_perdemos_data/8008", {**form, "data_perdemos": "20/12/2031"}).json()
    assert lost["type"] == "error"
    assert isp.erp("POST", "crm_negociacoes_simplificado", form).json()["type"] == "error"


def test_changes_are_logged_without_passwords(isp: Isp) -> None:
    (login,) = rows(isp, "radusuarios", "radusuarios.id", "5001")
    isp.erp("PUT", "radusuarios/5001", {**login, "obs": "novo", "senha": "segredo123"})
    logged = rows(isp, "ixc_logs", "ixc_logs.tabela", "radusuarios")[-1]
    assert (logged["tipo"], logged["id_tabela"]) == ("editou", "5001")
    assert "obs: novo" in logged["campos"]
    assert "segredo123" not in logged["campos"]
    assert isp.erp("DELETE", f"ixc_logs/{logged['id']}").json()["type"] == "error"


def test_levels_of_the_past_are_the_onu_s_and_can_be_deleted(isp: Isp) -> None:
    table = "radpop_radio_cliente_fibra_historico"
    onu = next(row for row in isp.erp_rows("radpop_radio_cliente_fibra", "radpop_radio_cliente_fibra.id", ">", "0")
               if row["sinal_rx"])  # fmt: skip
    (level,) = rows(isp, table, f"{table}.id_cliente_fibra", onu["id"])
    assert (level["sinal_rx"], level["data_sinal"]) == (onu["sinal_rx"], onu["data_sinal"])
    assert isp.erp("POST", table, level).json()["type"] == "error"
    assert isp.erp("DELETE", f"{table}/{level['id']}").json()["type"] == "success"


@pytest.mark.parametrize(
    "table", ["radpop", "radpop_radio_cliente_fibra_perfil", "contas", "fn_areceber_mot_cancelamento"]
)
def test_the_other_catalogues_are_there(isp: Isp, table: str) -> None:
    assert list(isp.erp_rows(table, f"{table}.id", ">", "0"))


def test_coverage_needs_a_place(isp: Isp) -> None:
    assert press(isp, "viabilidade_tecnica", cep="01000-000")["type"] == "error"
    assert press(isp, "viabilidade_tecnica", estado="SP", cep="01000-000")["type"] == "success"
    assert press(isp, "viabilidade_tecnica", latitude="-16.3", longitude="-39.0")["type"] == "success"


@pytest.mark.parametrize(
    "body",
    [b"[" * 50_000, b'{"a":' * 50_000, b"[" * 900 + b"]" * 900, b'{"event":' + b"[" * 50_000 + b"]" * 50_000 + b"}"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api-module/acs/webhook"),
        ("POST", "/webservice/v1/su_ticket"),
        ("POST", "/webservice/v1/cliente_arquivos"),
        ("GET", "/webservice/v1/get_pix"),
        ("POST", "/webservice/v1/botao_pagar_26409"),
        ("PUT", "/webservice/v1/radusuarios/5001"),
        ("PUT", "/webservice/v1/fn_areceber_recebimentos/300001"),
    ],
)
def test_json_nested_50000_deep_is_refused_without_a_failure(isp: Isp, method: str, path: str, body: bytes) -> None:
    basic = base64.b64encode(isp.erp_token.encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
    before = isp.control("GET", "world")["counts"]
    answer = isp.http.send(httpx.Request(method, f"{isp.base_url}/provider{path}", content=body, headers=headers))
    assert 400 <= answer.status_code < 500
    assert isp.control("GET", "world")["counts"] == before
