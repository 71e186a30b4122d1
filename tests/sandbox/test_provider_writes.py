from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sandbox.client import Isp, Json


def insert(isp: Isp, serial: str, **fields: str) -> Json:
    answer = isp.erp("POST", "acs_device_grid", {"serial_number": serial, "id_login": "5001", **fields})
    return answer.json()


def test_an_insert_answers_the_id_of_the_new_row(isp: Isp) -> None:
    body = insert(isp, "NEWX00000001", manufacturer="Brasanet", unknown_column="x", status="online")
    assert body["type"] == "success"
    row = isp.erp_row("NEWX00000001")
    assert row["id"] == body["id"]
    assert (row["id_login"], row["manufacturer"], row["status"]) == ("5001", "Brasanet", "offline")
    assert "unknown_column" not in row
    isp.switch("provider", id_as="int")
    assert insert(isp, "NEWX00000002")["id"] == int(body["id"]) + 1


@pytest.mark.parametrize(
    "body", [{"id_login": "5001"}, {"serial_number": "X1"}, {"serial_number": "X1", "id_login": ""}]
)
def test_an_insert_without_a_required_field_is_an_application_error(isp: Isp, body: dict[str, str]) -> None:
    answer = isp.erp("POST", "acs_device_grid", body)
    assert (answer.status_code, answer.json()["type"]) == (200, "error")
    assert answer.json()["message"].startswith("Preencha o campo")
    assert isp.log("effect=once")[-1]["completed"] is False


def test_a_device_can_be_registered_unlinked_but_not_with_a_login_that_does_not_exist(isp: Isp) -> None:
    assert insert(isp, "NEWX00000001", id_login="0")["type"] == "success"
    assert insert(isp, "NEWX00000002", id_login="999999")["type"] == "error"


def test_a_second_row_for_the_same_serial_number_is_accepted(isp: Isp) -> None:
    first, second = insert(isp, "NEWX00000001"), insert(isp, "NEWX00000001")
    assert first["id"] != second["id"]
    found = isp.erp_page("acs_device_grid", "acs_device.serial_number", "=", "NEWX00000001")
    assert [row["id"] for row in found["registros"]] == [first["id"], second["id"]]


def test_an_update_needs_every_writable_column(isp: Isp) -> None:
    record = insert(isp, "NEWX00000001")["id"]
    partial = isp.erp("PUT", f"acs_device_grid/{record}", {"id_login": "5002"})
    assert (partial.status_code, partial.text[:4]) == (200, "<div")
    assert isp.erp_row("NEWX00000001")["id_login"] == "5001"
    row = isp.erp_row("NEWX00000001")
    whole = isp.erp("PUT", f"acs_device_grid/{record}", {**row, "id_login": "5002", "status": "hacked"})
    assert (whole.json()["type"], whole.json()["id"]) == ("success", record)
    after = isp.erp_row("NEWX00000001")
    assert after["id_login"] == "5002"
    assert after["status"] == row["status"], "read-only columns are ignored"


def test_an_update_of_a_seeded_row_moves_it_in_every_index(isp: Isp) -> None:
    row = isp.erp_page("acs_device_grid", "acs_device.id", ">", "0", rp="1")["registros"][0]
    isp.erp("PUT", f"acs_device_grid/{row['id']}", {**row, "serial_number": "MOVED0000001", "id_login": "5099"})
    assert isp.erp_page("acs_device_grid", "acs_device.serial_number", "=", row["serial_number"])["total"] == "0"
    assert isp.erp_row("MOVED0000001")["id"] == row["id"]
    linked = isp.erp_page("acs_device_grid", "acs_device.id_login", "=", "5099")["registros"]
    assert row["id"] in [found["id"] for found in linked]
    old = isp.erp_page("acs_device_grid", "acs_device.id_login", "=", row["id_login"]).get("registros", [])
    assert row["id"] not in [found["id"] for found in old]


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "America/Manaus", "Asia/Tokyo"])
def test_a_write_stamps_the_row_in_the_server_s_local_time(isp: Isp, zone: str) -> None:
    isp.switch("provider", zone=zone)
    row = isp.erp_page("radusuarios", "radusuarios.id", "=", "5001")["registros"][0]
    isp.erp("PUT", "radusuarios/5001", {**row, "obs": "visited"})
    after = isp.erp_page("radusuarios", "radusuarios.id", "=", "5001")["registros"][0]
    assert after["obs"] == "visited"
    stamp = datetime.fromisoformat(after["ultima_atualizacao"]).replace(tzinfo=ZoneInfo(zone))
    assert abs((datetime.now(ZoneInfo(zone)) - stamp).total_seconds()) < 60
    changed = isp.erp_page("radusuarios", "radusuarios.ultima_atualizacao", ">", row["ultima_atualizacao"], rp="500")
    assert "5001" in [found["id"] for found in changed["registros"]]


def test_a_delete_removes_the_row_and_a_second_one_says_that_it_is_gone(isp: Isp) -> None:
    record = insert(isp, "NEWX00000001")["id"]
    assert isp.erp("DELETE", f"acs_device_grid/{record}").json()["type"] == "success"
    assert isp.erp("DELETE", f"acs_device_grid/{record}").json()["type"] == "error"
    assert isp.control("GET", "provider/devices/NEWX00000001")["items"] == []
    first, second = isp.log("effect=delete")
    assert (first["key"], first["record"], first["completed"]) == ("NEWX00000001", record, True)
    assert (second["outcome"], second["completed"]) == ("refused", False)


def test_a_row_that_others_refer_to_is_not_deleted(isp: Isp) -> None:
    linked = next(row for row in isp.erp_rows("acs_device_grid", "acs_device.id", ">", "0") if row["id_login"] != "0")
    login = isp.erp_page("radusuarios", "radusuarios.id", "=", linked["id_login"])["registros"][0]
    for path in (
        f"radusuarios/{login['id']}",
        f"cliente_contrato/{login['id_contrato']}",
        f"cliente/{login['id_cliente']}",
        f"radgrupos/{login['id_grupo']}",
    ):
        assert isp.erp("DELETE", path).json()["type"] == "error", path
    for row in isp.erp_page("acs_device_grid", "acs_device.id_login", "=", login["id"])["registros"]:
        isp.erp("DELETE", f"acs_device_grid/{row['id']}")
    for path in (
        f"radusuarios/{login['id']}",
        f"cliente_contrato/{login['id_contrato']}",
        f"cliente/{login['id_cliente']}",
    ):
        assert isp.erp("DELETE", path).json()["type"] == "success", path


def test_a_login_s_name_is_unique(isp: Isp) -> None:
    row = isp.erp_page("radusuarios", "radusuarios.id", "=", "5001")["registros"][0]
    copy = {**row, "login": row["login"]}
    assert isp.erp("POST", "radusuarios", copy).json()["type"] == "error"
    created = isp.erp("POST", "radusuarios", {**copy, "login": "novo1.ppp"}).json()
    assert isp.erp_page("radusuarios", "radusuarios.login", "=", "novo1.ppp")["registros"][0]["id"] == created["id"]
    renamed = isp.erp("PUT", f"radusuarios/{created['id']}", {**row, "login": "novo2.ppp"})
    assert renamed.json()["type"] == "success"


@pytest.mark.parametrize("path", ["acs_device_grid/999999999", "cliente/1"])
def test_writing_to_a_row_that_does_not_exist_is_an_application_error(isp: Isp, path: str) -> None:
    for method in ("PUT", "DELETE"):
        assert isp.erp(method, path, {}).json()["type"] == "error"


def test_the_buttons_answer_in_their_odd_ways(isp: Isp) -> None:
    online = next(row for row in isp.erp_rows("radusuarios", "radusuarios.ativo", "=", "S") if row["online"] == "S")
    assert isp.erp("POST", "desconectar_clientes", {"id": online["id"]}).json()["msg"][0]["type"] == "success"
    assert isp.erp("POST", "desconectar_clientes", {"id": online["id"]}).json()["msg"][0]["type"] == "error"
    assert isp.erp("POST", "radusuarios_25452", {"get_id": online["id"]}).json()["type"] == "success"
    after = isp.erp_page("radusuarios", "radusuarios.id", "=", online["id"])["registros"][0]
    assert (after["online"], after["mac"]) == ("N", "")
    assert isp.erp("POST", "radusuarios_25452", {"get_id": "1"}).json()["type"] == "error"


def test_blocking_a_contract_takes_its_login_offline_and_button_numbers_are_a_switch(isp: Isp) -> None:
    login = next(row for row in isp.erp_rows("radusuarios", "radusuarios.ativo", "=", "S") if row["online"] == "S")
    isp.switch("provider", buttons={"block": "cliente_contrato_99999"})
    assert isp.erp("POST", "cliente_contrato_15300", {"id_contrato": login["id_contrato"]}).json()["type"] == "error"
    assert isp.erp("POST", "cliente_contrato_99999", {"id_contrato": login["id_contrato"]}).json()["type"] == "success"
    contract = isp.erp_page("cliente_contrato", "cliente_contrato.id", "=", login["id_contrato"])["registros"][0]
    assert contract["status_internet"] == "CM"
    assert isp.erp_page("radusuarios", "radusuarios.id", "=", login["id"])["registros"][0]["online"] == "N"
