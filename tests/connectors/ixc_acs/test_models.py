"""Values of the ACS's records, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.sdk import InvalidAnswerError
from backhaul_connectors.ixc_acs.models import Device, device_of, moment
from backhaul_connectors.ixc_acs.optical import OpticalScale, OpticalUnit
from backhaul_connectors.ixc_acs.reading import decimal
from backhaul_connectors.ixc_acs.serials import serial_forms, serial_key

SCALE = OpticalScale(believed_dbm=(-60.0, 15.0))
REGISTER = {
    "serialNumber": "ACME00A1B2C3",
    "status": True,
    "created": "2030-05-01T10:00:00.000Z",
    "lastInform": "2031-01-10T11:58:00.000-03:00",
    "macs": ["02:00:00:00:00:01"],
    "connection": {"pppoeLogin": "casa12.ppp", "password": "hidden"},
    "deviceInfo": {
        "manufacturer": "ACME",
        "modelName": "AX-1",
        "hardwareVersion": "1.0",
        "softwareVersion": "2.3",
        "packageVersion": "v3",
        "uptime": 86400,
        "rx": -19.4,
        "tx": "2,1",
        "ipv6": "",
    },
    "wifi": {"password": "hidden"},
    "cpf": "hidden",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def test_a_register_becomes_a_typed_device() -> None:
    device = device_of(REGISTER, SCALE)
    assert device == Device(
        serial="ACME00A1B2C3",
        serial_key="ACME00A1B2C3",
        online=True,
        pppoe_login="casa12.ppp",
        manufacturer="ACME",
        model="AX-1",
        hardware_version="1.0",
        software_version="2.3",
        package_version="v3",
        uptime_s=86400,
        rx_dbm=-19.4,
        tx_dbm=2.1,
        macs=("02:00:00:00:00:01",),
        created=datetime(2030, 5, 1, 10, tzinfo=UTC),
        last_inform=datetime(2031, 1, 10, 14, 58, tzinfo=UTC),
    )
    assert "hidden" not in device.model_dump_json()


def test_a_bridge_has_no_login() -> None:
    assert device_of({"serialNumber": "X"}, SCALE).pppoe_login is None
    assert device_of({"serialNumber": "X", "connection": {"pppoeLogin": ""}}, SCALE).pppoe_login is None


@pytest.mark.parametrize("status", ["online", "S", 1, None])
def test_online_is_a_boolean_here_and_anything_else_unknown(status: object) -> None:
    """Trap 9."""
    assert device_of({"serialNumber": "X", "status": status}, SCALE).online is None


@pytest.mark.parametrize(
    ("value", "level", "suspect"),
    [
        (-19.4, -19.4, False),
        ("-19.4", -19.4, False),
        ("-19,4 dBm", -19.4, False),
        (0, None, False),
        ("0.00", None, False),
        (None, None, False),
        ("", None, False),
        (-80, None, True),
        (-19400, None, True),
        ("32767", None, True),
        ("N/A", None, True),
        (True, None, True),
        (float("nan"), None, True),
    ],
)
def test_an_optical_level_is_believed_or_marked(value: object, level: float | None, suspect: bool) -> None:
    device = device_of({"serialNumber": "X", "deviceInfo": {"rx": value}}, SCALE)
    assert (device.rx_dbm, device.optical_suspect) == (level, suspect)


@pytest.mark.parametrize(
    ("model", "value", "level", "suspect"),
    [
        ("F670", -19400, -19.4, False),
        ("F670", "-19400", -19.4, False),
        ("F670", -1200.0, -1.2, False),
        ("F670", "-19.4 dBm", -19.4, False),
        ("F670", 0, None, False),
        ("F670", -194000, None, True),
        ("T5", -194, -19.4, False),
        ("T7", -1940, -19.4, False),
        ("NL-G1", 11.48, -19.4, False),
        ("NL-G1", -1, None, True),
        ("AX-1", -1940, -19.4, False),
        (None, -1940, -19.4, False),
    ],
)
def test_a_raw_level_is_read_in_the_unit_of_its_model(
    model: str | None, value: object, level: float | None, suspect: bool
) -> None:
    units: dict[str, OpticalUnit] = {"F670": "dBm/1000", "T5": "dBm/10", "T7": "dBm/100", "NL-G1": "uW", "*": "dBm/100"}
    scale = OpticalScale(believed_dbm=(-60.0, 15.0), units=units)
    device = device_of({"serialNumber": "X", "deviceInfo": {"rx": value, "modelName": model}}, scale)
    assert device.rx_dbm == (None if level is None else pytest.approx(level, abs=0.002))
    assert device.optical_suspect is suspect


OTHER_FIELDS = {name: JSON for name in REGISTER if name != "serialNumber"}


@given(register=st.fixed_dictionaries({"serialNumber": JSON | st.text(min_size=1)}, optional=OTHER_FIELDS))
def test_every_record_with_a_serial_number_becomes_a_device_or_a_clear_error(register: dict[str, object]) -> None:
    try:
        device = device_of(register, SCALE)
    except InvalidAnswerError:
        assert not isinstance(register["serialNumber"], str) or not register["serialNumber"].strip()
        return
    assert Device.model_validate(device.model_dump()) == device


@given(value=JSON)
def test_reading_values_never_fails(value: object) -> None:
    when = moment(value)
    assert when is None or when.tzinfo is UTC
    assert isinstance(decimal(value), float | None)


@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2030-05-01T10:00:00", "soon"]
)
def test_a_time_without_zone_or_out_of_range_is_unknown(value: str) -> None:
    assert moment(value) is None


@pytest.mark.parametrize(
    "text",
    ["ACME00A1B2C3", "acme00a1b2c3", "ACME-00A1B2C3", "AC:ME:00:A1:B2:C3", " acme 00a1b2c3 ", "41434D4500A1B2C3"],
)
def test_all_spellings_of_a_serial_number_have_one_key(text: str) -> None:
    """Trap 10."""
    assert serial_key(text) == "ACME00A1B2C3"


@pytest.mark.parametrize("text", ["0123456789ABCDEF", "12345678", "ÀCME00A1B2C3", "", "-"])
def test_other_texts_keep_their_own_key(text: str) -> None:
    assert serial_key(text) == text


@given(text=st.text() | st.from_regex(r"[A-Fa-f0-9]{16}", fullmatch=True))
def test_a_key_is_its_own_key_and_that_of_all_its_forms(text: str) -> None:
    assert serial_key(serial_key(text)) == serial_key(text)
    assert {serial_key(form) for form in serial_forms(text)} == {serial_key(text)}
    assert serial_forms(text)[0] == text
