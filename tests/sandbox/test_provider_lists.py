from __future__ import annotations

import base64
import json

import httpx
import pytest

from sandbox.client import LISTING, Isp

URL = "/provider/webservice/v1/radusuarios"
BODY = {"qtype": "radusuarios.id", "oper": ">", "query": "0", "page": "1", "rp": "2"}


def basic(isp: Isp, token: str | None = None) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode((token or isp.erp_token).encode()).decode()}


def total(isp: Isp, *conditions: dict[str, str], table: str = "radusuarios") -> int:
    resource = "acs_device_grid" if table == "acs_device" else table
    answer = isp.erp("POST", resource, {"grid_param": isp.grid(*conditions), "rp": "5"}, listing=True)
    return int(answer.json()["total"])


def test_only_basic_with_the_right_token_is_let_in(isp: Isp) -> None:
    for headers, status in (
        ({}, 401),
        (basic(isp, "7:" + "0" * 64), 401),
        ({"Authorization": "Bearer " + isp.erp_token}, 400),
        ({"Authorization": "Basic nonsense"}, 401),
        (basic(isp), 200),
    ):
        answer = isp.http.post(URL, json=BODY, headers={**headers, **LISTING})
        assert answer.status_code == status
        assert answer.text.startswith("{" if status == 200 else "<html>")


def test_an_address_outside_the_list_gets_the_vendor_s_json_error(isp: Isp) -> None:
    isp.switch("provider", allowed_ips=["10.0.0.0/8"])
    answer = isp.erp("POST", "empresa", BODY, listing=True)
    assert (answer.status_code, answer.json()["type"]) == (200, "error")
    assert "IP" in answer.json()["message"]


def test_get_with_a_body_and_post_with_the_header_list_the_same_with_and_without_a_slash(isp: Isp) -> None:
    answers = [
        isp.http.request(method, URL + slash, json=BODY, headers={**basic(isp), **LISTING})
        for method in ("GET", "POST")
        for slash in ("", "/")
    ]
    assert len({answer.text for answer in answers}) == 1
    assert len(answers[0].json()["registros"]) == 2


def test_get_without_the_header_is_404_and_post_without_it_is_an_insert(isp: Isp) -> None:
    assert isp.erp("GET", "radusuarios", BODY).status_code == 404
    answer = isp.erp("POST", "radusuarios", BODY)
    assert answer.json()["type"] == "error"
    assert isp.log("effect=once")[0]["operation"] == "radusuarios.insert"
    isp.switch("provider", get_listing=False)
    assert isp.erp("GET", "radusuarios", BODY, listing=True).status_code == 404


def test_forms_multipart_and_mislabelled_json_are_read(isp: Isp) -> None:
    form = isp.http.post(URL, data=BODY, headers={**basic(isp), **LISTING})
    files = {name: (None, value) for name, value in BODY.items()}
    multipart = isp.http.post(URL, files=files, headers={**basic(isp), **LISTING})
    label = {"Content-Type": "application/x-www-form-urlencoded"}
    mislabelled = isp.http.post(URL, content=json.dumps(BODY), headers={**basic(isp), **LISTING, **label})
    numbers = isp.http.post(URL, json={**BODY, "page": 1, "rp": 2, "query": 0}, headers={**basic(isp), **LISTING})
    assert [a.json() for a in (multipart, mislabelled, numbers)] == [form.json()] * 3


def test_every_value_is_a_string_and_the_headers_are_odd(isp: Isp) -> None:
    answer = isp.erp("POST", "radusuarios", BODY, listing=True)
    assert answer.headers["content-type"] == "text/x-json; charset=utf-8"
    assert answer.headers["set-cookie"] == "Path=/; HttpOnly; Secure"
    assert answer.headers["last-modified"].endswith("GMT")
    assert not answer.headers["last-modified"].endswith(" GMT")
    body = answer.json()
    assert (body["page"], body["total"]) == ("1", "309")
    for table, resource in (
        ("cliente", "cliente"),
        ("cliente_contrato", "cliente_contrato"),
        ("radgrupos", "radgrupos"),
    ):
        row = isp.erp_page(resource, f"{table}.id", ">", "0")["registros"][0]
        assert all(isinstance(value, str) for value in row.values())
    row = body["registros"][0]
    assert row["ultima_conexao_final"] == "0000-00-00 00:00:00"
    assert row["senha"].startswith("ppp")
    assert "f_tecnico" in row


def test_nothing_found_has_no_registros_and_total_may_be_a_number(isp: Isp) -> None:
    assert isp.erp_page("cliente", "cliente.id", "=", "999999") == {"page": "1", "total": "0"}
    isp.switch("provider", total_as="int")
    assert isp.erp_page("cliente", "cliente.id", "=", "999999") == {"page": "1", "total": 0}


@pytest.mark.parametrize("qtype", ["id", "cliente.id", "radusuarios.nothing", "radusuarios.id; drop"])
def test_a_bare_foreign_or_unknown_column_is_a_red_div_with_200(isp: Isp, qtype: str) -> None:
    answer = isp.erp("POST", "radusuarios", {**BODY, "qtype": qtype}, listing=True)
    assert (answer.status_code, answer.text[:24]) == (200, '<div style="color: red;"')
    isp.switch("provider", red_status=500)
    assert isp.erp("POST", "radusuarios", {**BODY, "sortname": qtype}, listing=True).status_code == 500


def test_the_device_grid_has_its_own_table_prefix_and_case_is_tolerated(isp: Isp) -> None:
    assert isp.erp_page("acs_device_grid", "ACS_DEVICE.ID", ">", "0")["total"] != "0"
    assert isp.erp("POST", "acs_device_grid", {**BODY, "qtype": "acs_device_grid.id"}, listing=True).text[:4] == "<div"
    assert isp.erp_page("acs_device", "acs_device.id", ">", "0")["type"] == "error"


def test_unknown_and_closed_tables_read_the_same(isp: Isp) -> None:
    isp.switch("provider", denied=["cliente", "radgrupos:list"])
    texts = []
    for name in ("plano_acesso", "cliente"):
        body = isp.erp_page(name, f"{name}.id", ">", "0")
        assert body["type"] == "error"
        texts.append(body["message"].replace(name, "xyz"))
    assert texts == ["Recurso xyz não está disponível!"] * 2
    assert isp.erp_page("radgrupos", "radgrupos.id", ">", "0")["type"] == "error"
    assert isp.erp("POST", "radgrupos", {}).json()["message"].startswith("Preencha")


def test_too_large_pages_time_out_if_switched(isp: Isp) -> None:
    isp.switch("provider", rp_max=100)
    answer = isp.erp("POST", "radusuarios", {**BODY, "rp": "101"}, listing=True)
    assert (answer.status_code, answer.text[:6]) == (504, "<html>")


def test_limits_can_be_switched_on_although_the_vendor_documents_none(isp: Isp) -> None:
    isp.switch("provider", per_day=1)
    assert isp.erp("POST", "empresa", {}, listing=True).status_code == 200
    assert isp.erp("POST", "empresa", {}, listing=True).status_code == 429


def test_the_documented_operators_select_as_they_say(isp: Isp) -> None:
    rows = list(isp.erp_rows("radusuarios", "radusuarios.id", ">", "0"))
    ids = [int(row["id"]) for row in rows]
    for operator, value, high, expected in (
        ("=", "5003", "", [5003]),
        ("!=", "5003", "", [i for i in ids if i != 5003]),
        (">", "5200", "", [i for i in ids if i > 5200]),
        (">=", "5200", "", [i for i in ids if i >= 5200]),
        ("<", "5010", "", [i for i in ids if i < 5010]),
        ("<=", "5010", "", [i for i in ids if i <= 5010]),
        ("IN", "5003, 5007,1", "", [5003, 5007]),
        ("NI", "5003,5007", "", [i for i in ids if i not in (5003, 5007)]),
        ("BE", "5003", "5007", [5003, 5004, 5005, 5006, 5007]),
        ("NBE", "5003", "5007", [i for i in ids if not 5003 <= i <= 5007]),
    ):
        condition = {"TB": "radusuarios.id", "OP": operator, "P": value, "P2": high}
        body = isp.erp("POST", "radusuarios", {"grid_param": isp.grid(condition), "rp": "500"}, listing=True).json()
        assert [int(row["id"]) for row in body["registros"]] == expected, operator
        assert body["total"] == str(len(expected))
    contains = {"TB": "radusuarios.login", "OP": "L", "P": "LOJA"}
    assert total(isp, contains) == sum("loja" in row["login"] for row in rows)
    assert total(isp, {**contains, "OP": "NL"}) == sum("loja" not in row["login"] for row in rows)


@pytest.mark.parametrize("operator", ["<>", "GE", "like"])
def test_guessed_operators_are_a_red_div(isp: Isp, operator: str) -> None:
    condition = isp.grid({"TB": "radusuarios.id", "OP": operator, "P": "1"})
    assert isp.erp("POST", "radusuarios", {"grid_param": condition}, listing=True).text[:4] == "<div"


def test_grid_param_must_be_a_json_string_and_its_conditions_are_anded(isp: Isp) -> None:
    active = {"TB": "radusuarios.ativo", "OP": "=", "P": "S"}
    shop = {"TB": "radusuarios.login", "OP": "L", "P": "loja"}
    both = total(isp, active, shop)
    assert 0 < both < min(total(isp, active), total(isp, shop))
    rows = isp.erp_rows("radusuarios", "radusuarios.id", ">", "0")
    assert both == sum(row["ativo"] == "S" and row["login"].startswith("loja") for row in rows)
    assert isp.erp("POST", "radusuarios", {"grid_param": "not json"}, listing=True).text[:4] == "<div"


def test_dates_are_accepted_in_both_forms_and_zero_dates_slip_through_ranges(isp: Isp) -> None:
    def since(operator: str, value: str, high: str = "") -> int:
        return total(isp, {"TB": "radusuarios.ultima_conexao_final", "OP": operator, "P": value, "P2": high})

    assert since(">=", "01/06/2024") == since(">=", "2024-06-01 00:00:00") > 0
    closed = sum(
        not row["ultima_conexao_final"].startswith("0000")
        for row in isp.erp_rows("radusuarios", "radusuarios.id", ">", "0")
    )
    assert since(">=", "2020-01-01") == closed
    assert since("BE", "2020-01-01", "2030-01-01") == 309, "every open connection slips through"


def test_rows_are_sorted_by_any_column_both_ways(isp: Isp) -> None:
    for column, order in (("login", "asc"), ("login", "desc"), ("id_grupo", "asc"), ("id", "desc")):
        body = {"sortname": f"radusuarios.{column}", "sortorder": order, "rp": "500"}
        rows = isp.erp("POST", "radusuarios", body, listing=True).json()["registros"]
        values: list[str] | list[int] = [row[column] for row in rows]
        if column != "login":
            values = [int(value) for value in values]
        assert values == sorted(values, reverse=order == "desc")


def test_pages_by_number_and_by_last_id_give_every_row_once(isp: Isp) -> None:
    by_number = [row["id"] for row in isp.erp_rows("acs_device_grid", "acs_device.id", ">", "0", rp=17)]
    by_id: list[str] = []
    while True:
        rows = isp.erp_page("acs_device_grid", "acs_device.id", ">", by_id[-1] if by_id else "0", rp="17").get(
            "registros", []
        )
        if not rows:
            break
        by_id += [row["id"] for row in rows]
    assert by_number == by_id
    assert len(by_id) == len(set(by_id)) == isp.control("GET", "world")["counts"]["acs_device"]


def test_devices_carry_the_state_of_their_contract(isp: Isp) -> None:
    rows = list(isp.erp_rows("acs_device_grid", "acs_device.id", ">", "0"))
    logins = {row["id"]: row for row in isp.erp_rows("radusuarios", "radusuarios.id", ">", "0")}
    contracts = {row["id"]: row for row in isp.erp_rows("cliente_contrato", "cliente_contrato.id", ">", "0")}
    for row in rows:
        if row["id_login"] == "0":
            assert row["status_contrato"] == ""
        else:
            contract = contracts[logins[row["id_login"]]["id_contrato"]]
            assert row["status_contrato"] == contract["status"]
            assert row["status_internet_contrato"] == contract["status_internet"]


def test_a_login_leads_to_its_plan_and_customer(isp: Isp) -> None:
    login = isp.erp_page("radusuarios", "radusuarios.id", "=", "5005")["registros"][0]
    plan = isp.erp_page("radgrupos", "radgrupos.id", "=", login["id_grupo"])["registros"][0]
    assert plan["download"][-1] in "MGk"
    customer = isp.erp_page("cliente", "cliente.id", "=", login["id_cliente"])["registros"][0]
    assert len(customer["cnpj_cpf"]) == 14
    found = isp.erp_page("radusuarios", "radusuarios.id_cliente", "=", customer["id"])["registros"]
    assert [row["id"] for row in found] == ["5005"]


def test_a_wrong_path_is_html(isp: Isp) -> None:
    answer: httpx.Response = isp.http.get("/provider/anything", headers=basic(isp))
    assert (answer.status_code, answer.text[:6]) == (404, "<html>")
