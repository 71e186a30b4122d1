from __future__ import annotations

import re

import pytest

from sandbox.client import Isp, Json


def online(isp: Isp) -> dict[str, str]:
    """A login that is online."""
    return next(row for row in isp.erp_rows("radusuarios", "radusuarios.ativo", "=", "S") if row["online"] == "S")


def login(isp: Isp, record: str) -> dict[str, str]:
    row: dict[str, str] = isp.erp_page("radusuarios", "radusuarios.id", "=", record)["registros"][0]
    return row


def onu(isp: Isp, id_login: str) -> dict[str, str]:
    table = "radpop_radio_cliente_fibra"
    row: dict[str, str] = isp.erp_page(table, f"{table}.id_login", "=", id_login)["registros"][0]
    return row


def press(isp: Isp, button: str, **body: str) -> Json:
    return isp.erp("POST", button, body).json()


def test_onus_show_the_levels_of_the_acs_in_the_form_of_their_olt(isp: Isp) -> None:
    isp.switch("acs", optical_drift_db=0, optical_units={})
    table = "radpop_radio_cliente_fibra"
    onus = list(isp.erp_rows(table, f"{table}.id", ">", "0"))
    assert {row["sinal_rx"] for row in onus} >= {""}
    assert any("," in row["sinal_rx"] for row in onus)
    assert any(row["id_contrato"] == "0" for row in onus)
    serials = {device["serialNumber"]: device for device in isp.devices()}
    same = [row for row in onus if row["mac"] in serials]
    assert same
    for row in same:
        info = serials[row["mac"]]["deviceInfo"]
        rx = float(info["rx"]) if "rx" in info else None
        assert (float(row["sinal_rx"].replace(",", ".")) if row["sinal_rx"] else None) == rx
    forms = {"".join("H" if c.isdigit() else "a" if c.islower() else "A" for c in row["mac"][:4]) for row in onus}
    assert {"AAAA", "aaaa"} <= forms
    assert any(row["mac"].startswith("02:00:") for row in onus)
    for row in onus:
        found = isp.erp_page(table, f"{table}.mac", "=", row["mac"])["registros"]
        assert row["id"] in [hit["id"] for hit in found]


def test_radacct_answers_in_flexigrid_form_and_follows_a_disconnect(isp: Isp) -> None:
    row = online(isp)
    page = isp.erp_page("radacct", "radacct.username", "=", row["login"])
    (entry,) = page["rows"]
    assert (page["page"], page["total"], page["tot"], "registros" in page) == ("1", 1, [], False)
    assert entry["autoincrement"] == {"campo": "radacctid", "valor": entry["id"]}
    assert (entry["cell"][1], entry["cell"][3], entry["cell"][7]) == (row["login"], row["ip"], "")
    assert re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", entry["cell"][6])
    press(isp, "desconectar_clientes", id=row["id"])
    (entry,) = isp.erp_page("radacct", "radacct.username", "=", row["login"])["rows"]
    assert entry["cell"][7] != ""
    assert login(isp, row["id"])["online"] == "N"
    isp.pass_time(21)
    again = login(isp, row["id"])
    assert (again["online"], again["ultima_conexao_final"]) == ("S", "0000-00-00 00:00:00")
    assert again["ultima_atualizacao"] > row["ultima_atualizacao"]
    assert len(isp.erp_page("radacct", "radacct.username", "=", row["login"])["rows"]) == 2
    assert isp.erp("DELETE", f"radacct/{entry['id']}").json()["type"] == "error"


def test_plan_products_have_a_decimal_comma(isp: Isp) -> None:
    table = "view_vd_contratos_produtos_gen"
    rows = isp.erp_page(table, f"{table}.id_vd_contrato", "=", "2")["rows"]
    assert [row["cell"][1] for row in rows] == ["2"]
    assert re.fullmatch(r"\d+,\d\d", rows[0]["cell"][4])


def test_waiting_onus_are_listed_by_their_bare_column_and_authorised_by_their_opaque_id(isp: Isp) -> None:
    def waiting(olt: str) -> Json:
        body = {"qtype": "id_olt", "query": olt, "oper": "=", "page": "1", "rp": "20"}
        return isp.erp("POST", "fh_onu_nao_autorizadas", body, listing=True).json()

    first = waiting("1")["rows"][0]
    answer = press(isp, "fh_onu_nao_autorizadas_22396", get_id=first["id"])
    assert answer["type"] == "success"
    table = "radpop_radio_cliente_fibra"
    (row,) = isp.erp_page(table, f"{table}.mac", "=", first["cell"][5])["registros"]
    assert (row["id"], row["id_transmissor"]) == (answer["id"], "1")
    assert press(isp, "fh_onu_nao_autorizadas_22396", get_id=first["id"])["type"] == "error"
    assert first["id"] not in [row["id"] for row in waiting("1")["rows"]]
    nothing = waiting("3")
    assert (nothing["type"], nothing["message"], nothing["total"]) == ("error", "Nenhuma ONU disponível", 0)


def test_the_optical_text_has_other_labels_and_decimals_by_maker(isp: Isp) -> None:
    table = "radpop_radio_cliente_fibra"
    seen = {}
    for row in isp.erp_rows(table, f"{table}.id", ">", "0"):
        answer = isp.erp("POST", "botao_rel_22991", {"id": row["id"]})
        assert answer.headers["content-type"] == "text/html; charset=ISO-8859-1"
        if row["sinal_rx"]:
            seen[row["id_transmissor"]] = (row["sinal_rx"].replace(",", "."), answer.text)
        if len(seen) == 3:
            break
    assert f"Sinal Rx: {seen['1'][0]} dBm" in seen["1"][1]
    assert f"RECV POWER   : {seen['2'][0].replace('.', ',')}" in seen["2"][1]
    assert f"<b>Tx olt</b>: {seen['3'][0]}" in seen["3"][1], "seen from the OLT"
    isp.switch("provider", optical_decimal="comma")
    first = next(isp.erp_rows(table, f"{table}.id_transmissor", "=", "1"))
    assert re.search(r"-\d+,\d", isp.erp("POST", "botao_rel_22991", {"id": first["id"]}).text)


def test_rebooting_an_onu_takes_its_login_offline_for_a_while(isp: Isp) -> None:
    row = online(isp)
    unit = onu(isp, row["id"])
    for button in ("radpop_radio_cliente_fibra_26379", "radpop_radio_cliente_fibra_24699"):
        assert press(isp, button, id=unit["id"])["type"] == "success"
        assert login(isp, row["id"])["online"] == "N"
        isp.pass_time(30)
        assert login(isp, row["id"])["online"] == "S"


@pytest.mark.parametrize("number", ["24700", "22952", "28120", "24701", "22407", "26379"])
def test_the_onu_buttons_know_whether_the_onu_exists(isp: Isp, number: str) -> None:
    unit = onu(isp, "5001")
    known = isp.erp("POST", f"radpop_radio_cliente_fibra_{number}", {"id": unit["id"]})
    assert known.text.startswith("interface") or known.json()["type"] == "success"
    assert press(isp, f"radpop_radio_cliente_fibra_{number}", id="1")["type"] == "error"


def test_an_onu_can_be_removed_from_its_olt_and_provisioned_again(isp: Isp) -> None:
    unit = onu(isp, online(isp)["id"])
    assert press(isp, "botao_excluir_dispositivo_22434", id=unit["id"])["type"] == "success"
    assert onu(isp, unit["id_login"])["onu_numero"] == ""
    assert press(isp, "botao_gravar_dispositivo_22408", id=unit["id"])["type"] == "success"
    assert onu(isp, unit["id_login"])["onu_numero"] != ""
    assert press(isp, "sincronizar_olt_22397", transmissor="1")["type"] == "success"
    assert press(isp, "sincronizar_olt_22397", transmissor="99")["type"] == "error"


def test_the_push_button_sends_the_login_s_wifi_to_the_acs(isp: Isp) -> None:
    serial = isp.control("GET", "acs/fixtures")["plain"]
    name = isp.control("GET", f"acs/devices/{serial}")["pppoe_login"]
    row = isp.control("GET", f"provider/logins/{name}")
    isp.control("POST", f"provider/logins/{name}", {"ssid_router_wifi": "Do ERP", "senha_rede_sem_fio": "erp-secret"})
    created = isp.erp("POST", "acs_device_grid", {"serial_number": serial, "id_login": row["id"]}).json()
    assert press(isp, "botaoAjax_30774", id=str(created["id"]))["type"] == "success"
    isp.pass_time(5)
    wifi = isp.control("GET", f"acs/devices/{serial}")["wifi"]
    assert (wifi["2.4"]["w1"]["ssid"], wifi["2.4"]["w1"]["password"]) == ("Do ERP", "erp-secret")
    assert wifi["5.8"]["w5"]["ssid"] == row["ssid_router_wifi_5ghz"]
    unlinked = isp.erp("POST", "acs_device_grid", {"serial_number": serial, "id_login": "0"}).json()
    assert press(isp, "botaoAjax_30774", id=str(unlinked["id"]))["type"] == "error"


def test_small_tables_can_be_listed(isp: Isp) -> None:
    for resource, table in (
        ("vd_contratos", "vd_contratos"),
        ("radpop_radio", "radpop_radio"),
        ("radpop_radio_porta_fibra", "radpop_radio_porta"),
        ("rad_caixa_ftth", "rad_caixa_ftth"),
        ("cidade", "cidade"),
        ("su_oss_assunto", "su_oss_assunto"),
        ("su_ticket_setor", "su_ticket_setor"),
        ("funcionarios", "funcionarios"),
        ("fn_areceber", "fn_areceber"),
    ):
        assert isp.erp_page(resource, f"{table}.id", ">", "0")["registros"], resource
    contract = isp.erp_page("cliente_contrato", "cliente_contrato.id", ">", "0")["registros"][0]
    plan = isp.erp_page("vd_contratos", "vd_contratos.id", "=", contract["id_vd_contrato"])["registros"][0]
    assert contract["contrato"] == plan["descricao"]
