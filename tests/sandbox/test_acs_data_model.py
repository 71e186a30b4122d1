"""The parameters of a device: the tree of one data model, with what the device has and nothing else."""

from __future__ import annotations

import pytest

from sandbox.client import Isp, Json
from sandbox.test_acs_commands import plain, really, register

OLD, NEW = "InternetGatewayDevice.", "Device."
OLD_PPP = "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1."


def tree(isp: Isp, serial: str) -> dict[str, Json]:
    parameters: dict[str, Json] = isp.control("GET", f"acs/devices/{serial}/tree")
    return {path: one["value"] for path, one in parameters.items()}


def of_model(isp: Isp, datamodel: str, *, fibre: bool) -> str:
    """A reachable device of a data model, with a login, with or without fibre."""
    for device in isp.devices(size=300):
        serial: str = device["serialNumber"]
        known = really(isp, serial)
        if (known["datamodel"], "rx" in device["deviceInfo"]) == (datamodel, fibre) and "connection" in device:
            isp.control("POST", f"acs/devices/{serial}/online", {"online": True})
            return serial
    raise AssertionError(f"no device with {datamodel}, fibre {fibre}")


def write(isp: Isp, serial: str, values: dict[str, Json]) -> list[str]:
    """Write parameters, given by the ends of their paths, and return the faults."""
    paths = {end: next(path for path in tree(isp, serial) if path.endswith(f".{end}")) for end in values}
    kinds = {bool: "xsd:boolean", int: "xsd:unsignedInt", str: "xsd:string"}
    items = [{"parameter": paths[end], "value": value, "type": kinds[type(value)]} for end, value in values.items()]
    before = len(really(isp, serial)["rejected"])
    assert isp.acs_command("POST", f"/devices/{serial}/parameters/update", items).is_success
    isp.pass_time(400)
    return [refused["fault"] for refused in really(isp, serial)["rejected"][before:]]


@pytest.mark.parametrize(("datamodel", "root"), [("TR-098", OLD), ("TR-181", NEW)])
def test_a_device_has_the_tree_of_its_own_data_model(isp: Isp, datamodel: str, root: str) -> None:
    serial = of_model(isp, datamodel, fibre=True)
    values = tree(isp, serial)
    assert all(path.startswith(root) for path in values)
    info = register(isp, serial)["deviceInfo"]
    assert values[f"{root}DeviceInfo.SerialNumber"] == serial
    assert values[f"{root}DeviceInfo.ModelName"] == info["modelName"]
    assert abs(values[f"{root}DeviceInfo.UpTime"] - info["uptime"]) <= 5
    user = f"{OLD_PPP}Username" if root == OLD else "Device.PPP.Interface.1.Username"
    assert values[user] == register(isp, serial)["connection"]["pppoeLogin"]


def test_optical_objects_are_there_with_fibre_only(isp: Isp) -> None:
    isp.switch("acs", optical_drift_db=3)
    new = of_model(isp, "TR-181", fibre=True)
    values, info = tree(isp, new), register(isp, new)["deviceInfo"]
    assert values["Device.Optical.Interface.1.OpticalSignalLevel"] == pytest.approx(1000 * float(info["rx"]), abs=2)
    assert values["Device.Optical.Interface.1.TransmitOpticalLevel"] == pytest.approx(1000 * float(info["tx"]), abs=2)
    old = of_model(isp, "TR-098", fibre=True)
    (vendor,) = [value for path, value in tree(isp, old).items() if path.endswith("_Optical.RxPower")]
    assert float(vendor) == float(register(isp, old)["deviceInfo"]["rx"])
    for datamodel in ("TR-098", "TR-181"):
        without = of_model(isp, datamodel, fibre=False)
        assert not [path for path in tree(isp, without) if "Optical" in path]


def test_bridges_have_no_ppp_empty_bands_no_interface_and_v2_packages_no_extension(isp: Isp) -> None:
    assert not [path for path in tree(isp, plain(isp, "no_login")) if "PPP" in path]
    single = [path for path in tree(isp, plain(isp, "empty_band")) if path.endswith(".SSID")]
    assert len(single) == 1
    assert len([path for path in tree(isp, plain(isp)) if path.endswith(".SSID")]) == 2
    assert not [path for path in tree(isp, plain(isp, "v2_package")) if path.endswith("_LedEnable")]
    assert [path for path in tree(isp, plain(isp)) if path.endswith("_LedEnable")]


@pytest.mark.parametrize("datamodel", ["TR-098", "TR-181"])
def test_what_is_written_is_read_back_but_secrets(isp: Isp, datamodel: str) -> None:
    serial = of_model(isp, datamodel, fibre=True)
    given: dict[str, Json] = {"PeriodicInformInterval": 900, "SSID": "Nova", "Channel": 11, "AutoChannelEnable": True}
    assert write(isp, serial, {**given, "KeyPassphrase": "senha-nova", "1.Username": "novo.ppp"}) == []
    values = tree(isp, serial)
    for end, value in {**given, "KeyPassphrase": "", "1.Username": "novo.ppp"}.items():
        assert value in [told for path, told in values.items() if path.endswith(f".{end}")]
    assert "senha-nova" not in values.values()
    assert register(isp, serial)["connection"] == {"pppoeLogin": "novo.ppp"}
    isp.acs_command("PATCH", f"/devices/{serial}/wifi/w1", {"ssid": "Outra"})
    isp.pass_time(400)
    ssids = [value for path, value in tree(isp, serial).items() if path.endswith(".SSID")]
    assert ("Outra" in ssids, "Nova" in ssids) == (True, False)


@pytest.mark.parametrize("datamodel", ["TR-098", "TR-181"])
def test_what_may_not_be_written_is_refused(isp: Isp, datamodel: str) -> None:
    serial = of_model(isp, datamodel, fibre=True)
    assert write(isp, serial, {"SerialNumber": "X", "BSSID": "02:00:00:00:00:09"}) == ["9008", "9008"]
    assert really(isp, serial)["parameters"] == {}


def test_a_name_that_no_device_has_is_refused(isp: Isp) -> None:
    serial = of_model(isp, "TR-181", fibre=False)
    names = ["Device.X_Nobody_Level", "Device.Optical.Interface.1.Enable", "Device.WiFi.SSID.9.SSID", "Device.WiFi."]
    items = [{"parameter": name, "value": "x", "type": "xsd:string"} for name in names]
    isp.acs_command("POST", f"/devices/{serial}/parameters/update", items)
    isp.pass_time(400)
    assert [one["fault"] for one in really(isp, serial)["rejected"]] == ["9005"] * len(names)
