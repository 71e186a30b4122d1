"""Wi-Fi and parameters: what is changed, what is never shown, what happens in doubt."""

from __future__ import annotations

import json

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError

from backhaul.errors import InputError
from backhaul.plugins.action import actions_of
from backhaul.sdk import InvalidAnswerError, NotFoundError, RefusedError, RetryableError
from backhaul.testing import connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from backhaul_connectors.ixc_acs.parameters import Parameter
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {
    "base_url": "https://acs.example.net",
    "client_id": "650000000000000000000001",
    "client_secret": "no-secret",
}
TOKEN = httpx.Response(200, json={"access_token": "token-1", "expires_in": 3600})
ACCEPTED = httpx.Response(202, text="")
HTML = httpx.Response(200, text="<html><body>proxy</body></html>")
PASSPHRASE = "correct horse 8"


def wifi(ssid: str = "Casa 12", five: object = ()) -> httpx.Response:
    return httpx.Response(200, json={"2.4": [{"id": "w1", "enable": True, "ssid": ssid}], "5.8": five, "extra": None})


def parameter(path: str, value: bool | int | str, kind: str | None = None) -> Parameter:
    return Parameter.model_validate({"parameter": path, "value": value, "type": kind})


async def test_a_new_name_reaches_the_device(sandbox: Sandbox) -> None:
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        pages = acs.list_devices(online=True)
        device = (await anext(pages)).items[0]
        interface = next(one for one in await acs.get_wifi(serial=device.serial) if one.enabled)
        change = await acs.set_wifi(serial=device.serial, id=interface.id, ssid="Nova", password=PASSPHRASE)
        sandbox.advance(600)
        now = {one.id: one.ssid for one in await acs.get_wifi(serial=device.serial)}
    assert (change.done, change.ssid_changed, change.passphrase_changed) == ("accepted", True, True)
    assert now[interface.id] == "Nova"
    assert PASSPHRASE not in repr(change)


async def test_the_five_gigahertz_band_is_called_5_8_and_may_be_empty(script: ScriptMaker) -> None:
    """Trap 11."""
    vendor = script(TOKEN, wifi(), wifi(five=[{"id": "w5", "enable": True}]), ACCEPTED)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(NotFoundError, match="band '5'"):
            await acs.set_wifi(serial="A1", band="5", ssid="X")
        assert (await acs.set_wifi(serial="A1", band="5", ssid="X")).id == "w5"
    assert (vendor.requests[-1].method, vendor.requests[-1].url.path) == ("PATCH", "/api/v2/devices/A1/wifi/w5")


async def test_several_interfaces_of_a_band_need_an_id(script: ScriptMaker) -> None:
    five = [{"id": "w5", "enable": True}, {"id": "w6", "enable": True}, {"id": "w7", "enable": False}]
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, wifi(five=five)).transport) as acs:
        with pytest.raises(RefusedError, match="w5, w6"):
            await acs.set_wifi(serial="A1", band="5", ssid="X")
        with pytest.raises(RefusedError, match="one of the two"):
            await acs.set_wifi(serial="A1", ssid="X")
        with pytest.raises(RefusedError, match="nothing is to be changed"):
            await acs.set_wifi(serial="A1", id="w5")


async def test_only_what_changes_is_sent_and_nothing_when_nothing_does(script: ScriptMaker) -> None:
    vendor = script(TOKEN, wifi(), wifi(), ACCEPTED)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        same = await acs.set_wifi(serial="A1", id="w1", ssid="Casa 12")
        assert (same.done, len(vendor.requests)) == ("unchanged", 2)
        await acs.set_wifi(serial="A1", id="w1", ssid="Casa 12", password=PASSPHRASE)
    assert json.loads(vendor.requests[-1].content) == {"password": PASSPHRASE}


async def test_in_doubt_the_interface_is_read_before_anything_is_repeated(script: ScriptMaker) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut", request=request)

    vendor = script(TOKEN, wifi(), cut, wifi("Nova"), wifi(), cut, wifi())
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        assert (await acs.set_wifi(serial="A1", id="w1", ssid="Nova")).done == "accepted"
        with pytest.raises(RetryableError, match="repeating is safe") as caught:
            await acs.set_wifi(serial="A1", id="w1", ssid="Nova", password=PASSPHRASE)
    assert [request.method for request in vendor.requests].count("PATCH") == 2
    assert PASSPHRASE not in str(caught.value)


async def test_the_passphrase_is_in_no_error_although_the_acs_echoes_it(
    script: ScriptMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trap 15: log the intent, never the passphrase."""
    vendor = script(TOKEN, wifi(), httpx.Response(422, json={"message": f"bad password {PASSPHRASE}"}))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(RefusedError) as caught:
            await acs.set_wifi(serial="A1", id="w1", password=PASSPHRASE)
    assert PASSPHRASE not in str(caught.value)
    assert PASSPHRASE not in "".join(capsys.readouterr())
    schema = next(one for one in actions_of(IxcAcs)["set_wifi"].parameters if one.name == "password").schema
    assert "writeOnly" in json.dumps(schema)


@pytest.mark.parametrize("password", ["***", "short", "x" * 64, "acentuação"])
def test_what_is_no_passphrase_is_refused_without_being_quoted(password: str) -> None:
    with pytest.raises(InputError) as caught:
        actions_of(IxcAcs)["set_wifi"].arguments({"serial": "A1", "id": "w1", "password": password})
    assert password not in str(caught.value)


@pytest.mark.parametrize("body", [[], {"2.4": "x"}, {"2.4": [{"enable": True}]}, {"2.4": [5]}])
async def test_a_malformed_wifi_answer_is_an_error(script: ScriptMaker, body: object) -> None:
    async with connection_for(
        IxcAcs, SETTINGS, transport=script(TOKEN, httpx.Response(200, json=body)).transport
    ) as acs:
        with pytest.raises(InvalidAnswerError):
            await acs.get_wifi(serial="A1")


async def test_paths_of_the_other_data_model_are_refused(script: ScriptMaker) -> None:
    """Trap 12: the data model tells, never habit."""
    told = httpx.Response(200, json={"device": {"datamodel": "TR-181"}})
    vendor = script(TOKEN, told)
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        wanted = [parameter("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel", 6)]
        with pytest.raises(RefusedError, match=r"TR-181.*TR-098"):
            await acs.update_parameters(serial="A1", parameters=wanted)
        with pytest.raises(RefusedError, match="one data model"):
            await acs.update_parameters(serial="A1", parameters=[*wanted, parameter("Device.WiFi.Radio.1.Channel", 6)])
    assert {request.method for request in vendor.requests[1:]} == {"GET"}


async def test_parameters_are_sent_with_their_types(script: ScriptMaker) -> None:
    vendor = script(TOKEN, ACCEPTED)
    root = "Device.WiFi.Radio.1."
    wanted = [
        parameter(root + "Channel", 6),
        parameter(root + "AutoChannelEnable", False),
        parameter(root + "Power", -3),
        parameter(root + "Name", "6"),
        parameter(root + "Enable", "1", "xsd:boolean"),
    ]
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        done = await acs.update_parameters(serial="A1", parameters=wanted, check_data_model=False)
    assert done.data_model == "TR-181"
    assert [(entry["value"], entry["type"]) for entry in json.loads(vendor.requests[-1].content)] == [
        (6, "xsd:unsignedInt"),
        (False, "xsd:boolean"),
        (-3, "xsd:int"),
        ("6", "xsd:string"),
        (True, "xsd:boolean"),
    ]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (-1, "xsd:unsignedInt"),
        (2**32, "xsd:unsignedInt"),
        ("x", "xsd:int"),
        ("maybe", "xsd:boolean"),
        ("5", "xsd:dateTime"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(value: int | str, kind: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Parameter).validate_python({"parameter": "Device.X.Y", "value": value, "type": kind})


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("plain", "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel"),
        ("tr181", "Device.WiFi.Radio.1.Channel"),
    ],
)
async def test_parameters_reach_a_device_of_the_sandbox(sandbox: Sandbox, kind: str, path: str) -> None:
    serial = sandbox.control.get("/acs/fixtures").json()[kind]
    sandbox.control.post(f"/acs/devices/{serial}/online", json={"online": True}).raise_for_status()
    async with connection_for(IxcAcs, sandbox.acs()) as acs:
        done = await acs.update_parameters(serial=serial, parameters=[parameter(path, 11)])
    assert done.parameters == (path,)
    sandbox.advance(600)
    assert sandbox.control.get(f"/acs/devices/{serial}/tree").json()[path]["value"] == 11


async def test_a_command_answered_with_a_page_for_people_is_a_doubt(script: ScriptMaker) -> None:
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, HTML).transport) as acs:
        with pytest.raises(RetryableError, match="HTML"):
            await acs.update_parameters(serial="A1", parameters=[parameter("Device.X.Y", 1)], check_data_model=False)
