"""The parameters of a device in its own data model: TR-098 or TR-181 (tr069.md sections 1, 2 and 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.ixc_acs import registers
from backhaul_connectors.sandbox.ixc_acs.optical import levels_dbm, thousandths
from backhaul_connectors.sandbox.world import World

__all__ = ["SECRETS", "Parameter", "tree", "wifi_instances"]

SECRETS = ("Password", "KeyPassphrase", "PreSharedKey")
"""Last names of parameters that read back as an empty text."""

_INFO = "Manufacturer ManufacturerOUI ModelName ProductClass SerialNumber HardwareVersion SoftwareVersion UpTime"
_SERVER: Final = {
    "URL": "https://acs.example.net/cwmp",
    "Username": "cpe",
    "Password": "",
    "PeriodicInformEnable": True,
    "PeriodicInformInterval": 300,
    "ConnectionRequestUsername": "acs",
    "ConnectionRequestPassword": "",
}


class Parameter(NamedTuple):
    """What a parameter reads as, and whether it may be written; ``current``: what is written shows in `value`."""

    value: object
    writable: bool = False
    current: bool = False


def tree(world: World, slot: int, *, drift_db: float = 0.0) -> dict[str, Parameter]:
    """Return every parameter of a device by its whole path; ``drift_db`` is the drift of its optical levels.

    Which objects there are depends on the device: no PPP without a login, no second radio with an empty band, optical
    objects with fibre only, a vendor extension with a v3 package only. Fibre is told by the vendor's own object in
    TR-098, which has no standard one.
    """
    modern = registers.datamodel(world, slot) == "TR-181"
    root = "Device." if modern else "InternetGatewayDevice."
    groups = [*_device(world, slot), *(_modern(world, slot) if modern else _old(world, slot))]
    groups += _optical(world, slot, drift_db, modern=modern)
    found = {f"{root}{group}{name}": value for group, values in groups for name, value in values.items()}
    live = world.live.get(slot)
    for name, value in (live.parameters if live is not None else {}).items():
        if name in found and not found[name].current and not name.endswith(SECRETS):
            found[name] = Parameter(value, writable=True)
    return found


def wifi_instances(world: World, slot: int) -> dict[int, str]:
    """Return the Wi-Fi id of each instance: 1 and 5 on most TR-098 devices, 1 and 2 on the others."""
    second = 5 if registers.datamodel(world, slot) == "TR-098" and mix(world.options.seed, slot) % 3 else 2
    present = {wifi_id for interfaces in registers.wifi_settings(world, slot).values() for wifi_id in interfaces}
    return {number: wifi_id for number, wifi_id in {1: "w1", second: "w5"}.items() if wifi_id in present}


_Group = tuple[str, Mapping[str, Parameter]]


def _fixed(**values: object) -> dict[str, Parameter]:
    return {name: Parameter(value) for name, value in values.items()}


def _open(values: Mapping[str, object], *, current: bool = False) -> dict[str, Parameter]:
    return {name: Parameter(value, writable=True, current=current) for name, value in values.items()}


def _shown(fields: Mapping[str, object], **names: str) -> dict[str, Parameter]:
    return _open({name: fields[field] for name, field in names.items()}, current=True)


def _device(world: World, slot: int) -> Iterator[_Group]:
    info = _info(world, slot)
    model = str(info["modelName"])
    told = (info["manufacturer"], "020000", model, model.split("-")[0], world.devices.serial(slot))
    versions = (info["hardwareVersion"], info["softwareVersion"], info["uptime"])
    yield "DeviceInfo.", _fixed(**dict(zip(_INFO.split(), (*told, *versions), strict=True)))
    yield "ManagementServer.", _open(_SERVER)
    address = f"http://198.51.100.{slot % 254 + 1}:7547/"
    yield "ManagementServer.", _fixed(ConnectionRequestURL=address)
    if info["packageVersion"] == "v3":
        yield f"X_{str(info['manufacturer']).upper()}_", _open({"LedEnable": True})


def _old(world: World, slot: int) -> Iterator[_Group]:
    """Yield what only TR-098 has."""
    login = world.devices.login(slot)
    if login is not None:
        ppp = "WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1."
        yield ppp, _open({"Enable": True, "Password": ""}) | _open({"Username": login}, current=True)
        yield ppp, _fixed(**_connection(world, slot), ConnectionStatus=_status(world, slot))
    for number, fields in _interfaces(world, slot).items():
        wlan = f"LANDevice.1.WLANConfiguration.{number}."
        yield wlan, _shown(fields, Enable="enable", Channel="channel", SSID="ssid")
        yield wlan, _open({"AutoChannelEnable": False, "Standard": "n", "SSIDAdvertisementEnabled": True})
        yield wlan, _open({"BeaconType": "11i", "KeyPassphrase": "", "PreSharedKey.1.KeyPassphrase": ""})
        yield wlan, _open({"PreSharedKey.1.PreSharedKey": ""})
        yield wlan, _fixed(TotalAssociations=slot % 9, BSSID=f"02:00:00:00:{number:02d}:{slot % 100:02d}")


def _modern(world: World, slot: int) -> Iterator[_Group]:
    """Yield what only TR-181 has."""
    login = world.devices.login(slot)
    if login is not None:
        yield "PPP.Interface.1.", _open({"Username": login}, current=True)
        yield "PPP.Interface.1.", _open({"Enable": True, "Password": "", "Reset": False})
        status = _status(world, slot)
        yield "PPP.Interface.1.", _fixed(Status="Up", ConnectionStatus=status, LastConnectionError="ERROR_NONE")
        told = _connection(world, slot)
        yield "PPP.Interface.1.IPCP.", _fixed(LocalIPAddress=told["ExternalIPAddress"], DNSServers=told["DNSServers"])
        yield "PPP.Interface.1.IPCP.", _fixed(RemoteIPAddress="192.0.2.1")
    for number, fields in _interfaces(world, slot).items():
        radio, ssid, access = (f"WiFi.{name}.{number}." for name in ("Radio", "SSID", "AccessPoint"))
        band, channels = ("2.4GHz", "1-13") if number == 1 else ("5GHz", "36-64")
        yield radio, _shown(fields, Enable="enable", Channel="channel")
        yield radio, _open({"AutoChannelEnable": False, "OperatingChannelBandwidth": "20MHz"})
        yield radio, _open({"OperatingStandards": "n"})
        yield radio, _fixed(OperatingFrequencyBand=band, PossibleChannels=channels)
        yield ssid, _shown(fields, Enable="enable", SSID="ssid")
        yield ssid, _fixed(LowerLayers=f"Device.{radio}", BSSID=f"02:00:00:00:{number:02d}:{slot % 100:02d}")
        yield access, _fixed(SSIDReference=f"Device.{ssid}")
        yield f"{access}Security.", _fixed(ModesSupported="None,WPA2-Personal")
        yield f"{access}Security.", _open({"ModeEnabled": "WPA2-Personal", "KeyPassphrase": "", "PreSharedKey": ""})


def _optical(world: World, slot: int, drift_db: float, *, modern: bool) -> Iterator[_Group]:
    levels = levels_dbm(world, slot, _info(world, slot), drift_db)
    if levels is None:
        return
    if not modern:
        yield (
            f"X_{str(_info(world, slot)['manufacturer']).upper()}_Optical.",
            _fixed(RxPower=f"{levels[0]:.2f}", TxPower=f"{levels[1]:.2f}"),
        )
        return
    rx, tx = map(thousandths, levels)
    interface = "Optical.Interface.1."
    yield interface, _fixed(Status="Up", OpticalSignalLevel=rx, TransmitOpticalLevel=tx)
    yield interface, _fixed(LowerOpticalThreshold=-28_000, UpperOpticalThreshold=-8_000)


def _info(world: World, slot: int) -> Mapping[str, object]:
    info = registers.register(world, slot)["deviceInfo"]
    return info if isinstance(info, dict) else {}


def _interfaces(world: World, slot: int) -> dict[int, Mapping[str, object]]:
    by_id = {key: fields for band in registers.wifi_settings(world, slot).values() for key, fields in band.items()}
    return {number: by_id[wifi_id] for number, wifi_id in wifi_instances(world, slot).items()}


def _status(world: World, slot: int) -> str:
    return "Connected" if registers.is_online(world, slot) else "Disconnected"


def _connection(world: World, slot: int) -> dict[str, object]:
    return {
        "ExternalIPAddress": f"100.64.{slot // 250 % 250}.{slot % 250 + 1}",
        "MACAddress": "02:00:" + slot.to_bytes(4, "big").hex(":").upper(),
        "Uptime": registers.uptime_s(world, slot),
        "DNSServers": "192.0.2.53,198.51.100.53",
        "LastConnectionError": "ERROR_NONE",
    }
