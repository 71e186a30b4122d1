from __future__ import annotations

import base64

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.client import Isp

junk = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"{}",
            b"[]",
            b"null",
            b'{"qtype": "radusuarios.id", "query": {}, "rp": null}',
            b'{"grid_param": "[{}]"}',
            b'{"grid_param": "[1]"}',
            b'{"grid_param": [{"TB": "radusuarios.id", "OP": "=", "P": "1"}]}',
            b'{"qtype": "radusuarios.id", "query": "nan", "oper": ">"}',
            b'{"qtype": "radusuarios.id", "query": "1e999", "oper": "BE", "rp": "99999999999999999999"}',
            b'{"client_id": 1, "client_secret": []}',
            b'{"event": [], "serialNumber": 5}',
            b'{"username": "\\ud800", "name": "\\ud800", "ID": "\\ud800"}',
            b'{"Description": "\\ud800", "Policies": null}',
            b'{"from": "\\ud800", "parameters": {"a": "\\ud800"}}',
            b'{"parameters": {"call_id": "1", "\\u0000": "2"}}',
            b'{"ssid": "\\ud800"}',
            b'{"fileSizes": {"download": {"size2": 1' + b"0" * 400 + b"}}}",
            b'[{"parameter": "Device.X", "value": NaN, "type": "xsd:int"}]',
            b"[" * 5000,
            b'{"id_receber": "300001", "id_pagar": "1", "id": "300001", "data": [], "valor_total_pago": "1e999"}',
            b'--x\r\nContent-Disposition: form-data; name="local_arquivo"; filename="\xff"\r\n\r\n1\r\n--x--',
            b'{"id": "5001", "get_id": "20001", "id_contrato": "2001", "id_chamado": "1"}',
            b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--",
        ]
    ),
)
types = st.sampled_from(
    [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "é",
    ]
)
paths = st.sampled_from(
    [
        "/provider/webservice/v1/radusuarios",
        "/provider/webservice/v1/radusuarios/5001",
        "/provider/webservice/v1/acs_device_grid/",
        "/provider/webservice/v1/desconectar_clientes",
        "/provider/api-module/acs/webhook",
        "/acs/api/v1/token/oauth",
        "/acs/api/v2/devices/views/natural?pagination%5BpageSize%5D=%FF&filters%5B9999%5D%5B1%5D%5Btype%5D=string",
        "/acs/api/v2/devices/%00/wifi",
        "/provider/webservice/v1/su_ticket",
        "/provider/webservice/v1/fh_onu_nao_autorizadas",
        "/provider/webservice/v1/fh_onu_nao_autorizadas_22396",
        "/provider/webservice/v1/botaoAjax_30774",
        "/provider/webservice/v1/desbloqueio_confianca",
        "/provider/webservice/v1/cliente_arquivos",
        "/provider/webservice/v1/visualizar_arquivo_os",
        "/provider/webservice/v1/fn_areceber_recebimentos_baixas_novo",
        "/provider/webservice/v1/fn_areceber_recebimentos/300001",
        "/provider/webservice/v1/botao_pagar_26409",
        "/provider/webservice/v1/cliente_contrato_comodato",
        "/provider/webservice/v1/crm_canditados",
        "/provider/webservice/v1/crm_negociacoes_simplificado/8008",
        "/acs/api/v1/token",
        "/acs/api/v2/devices/{serial}/wifi/w1",
        "/acs/api/v2/devices/{serial}/parameters/update",
        "/acs/api/v2/devices/{serial}/diagnostics/speedTest/start",
        "/acs/api/v2/devices/{serial}/diagnostics/speedTest/state",
        "/acs/api/v2/devices/{serial}/reset",
        "/_sandbox/acs/devices/{serial}/line",
        "/_sandbox/acs/erp_client",
        "/_sandbox/faults",
        "/_sandbox/settings",
        "/_sandbox/acs/devices",
        "/_sandbox/acs/mass_delete",
        "/akixi/CCS/API/v1/login",
        "/akixi/CCS/API/v1/admin/telsys/426/partition/1/device/%2B442046034983/integratorClient/",
        "/akixi/CCS/API/v1/admin/telsys/%D9%A1/partition/-1/device/%FF/integratorClient/%00?limit=%C2%B2&sort=%27",
        "/crm/api/v1/users?page=%C2%B2",
        "/crm/api/v1/users/%ED%A0%80",
        "/phone/centrex/v1/call?account_id=acc-%C2%B2&number=%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1&api_key=%FF",
        "/phone/centrex/v1/set_callback?api_key=sandbox-axialys-key&url=http://127.0.0.1:99999/%FF",
        "/_sandbox/akixi/clients",
        "/_sandbox/crm/users/20",
        "/_sandbox/crm/tokens",
        "/_sandbox/axialys/incoming_call",
        "/_sandbox/axialys/events",
        "/_sandbox/subscribers?number=%C2%B2",
    ]
)


@pytest.mark.parametrize("listing", [True, False])
def test_no_input_makes_the_sandbox_fail(isp: Isp, listing: bool) -> None:
    basic = base64.b64encode(isp.erp_token.encode()).decode()
    bearer = isp.token().json()["access_token"]
    serial = isp.control("GET", "acs/fixtures")["plain"]

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]), paths, junk, types)
    def call(method: str, path: str, body: bytes, content_type: str) -> None:
        authorization = f"Bearer {bearer}" if path.startswith("/acs") else f"Basic {basic}"
        authorization = "Bearer sandbox-crm-token" if path.startswith("/crm") else authorization
        headers = [
            (b"Content-Type", content_type.encode("latin-1")),
            (b"Authorization", authorization.encode()),
            (b"x-api-key", b"sandbox-akixi-key"),
            *([(b"ixcsoft", b"listar")] if listing else []),
        ]
        request = httpx.Request(method, isp.base_url + path.replace("{serial}", serial), content=body, headers=headers)
        answer = isp.http.send(request)
        assert answer.status_code != 500, (method, path, body, content_type)
        if path.startswith("/_sandbox"):
            isp.control("DELETE", "faults")
            isp.switch("acs", blocked=False)

    call()
    isp.pass_time(1000)
    assert isp.devices(), "what was accepted did no harm when it was due"
