"""Raw TR-069 parameters: what a device takes, refuses, and how they show in its Wi-Fi (tr069.md section 2)."""

from __future__ import annotations

import re
from typing import Literal

from backhaul_connectors.sandbox.ixc_acs.data_model import tree, wifi_instances
from backhaul_connectors.sandbox.world import World

__all__ = ["apply_parameter", "set_wifi"]

_TR098 = re.compile(r"InternetGatewayDevice\.LANDevice\.1\.WLANConfiguration\.(\d+)\.([\w.]+)")
_TR181 = re.compile(r"Device\.WiFi\.(?:SSID|Radio|AccessPoint)\.(\d+)\.([\w.]+)")
_FIELDS = {
    "SSID": "ssid",
    "Enable": "enable",
    "Channel": "channel",
    "KeyPassphrase": "password",
    "PreSharedKey.1.KeyPassphrase": "password",
    "PreSharedKey.1.PreSharedKey": "password",
    "Security.KeyPassphrase": "password",
    "Security.PreSharedKey": "password",
}
_NUMBER_RANGES = {"xsd:unsignedInt": (0, 2**32 - 1), "xsd:int": (-(2**31), 2**31 - 1)}
_PPP_LOGIN = (
    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.Username",
    "Device.PPP.Interface.1.Username",
)
Fault = Literal["", "9005", "9006", "9007", "9008"]
"""CWMP faults: 9005 unknown parameter, 9006 wrong type, 9007 wrong value, 9008 not writable; "" is none."""


def apply_parameter(world: World, slot: int, name: str, value: object, kind: str) -> Fault:
    """Write one parameter on a device. What its own data model does not have is refused."""
    known = tree(world, slot).get(name)
    if known is None:
        return "9005"
    if not known.writable:
        return "9008"
    fault = _type_fault(value, kind)
    if fault:
        return fault
    match = _TR098.fullmatch(name) or _TR181.fullmatch(name)
    field = _FIELDS.get(match[2]) if match else None
    if match and field is not None:
        set_wifi(world, slot, wifi_instances(world, slot)[int(match[1])], {field: value})
    if name in _PPP_LOGIN:
        world.devices.set_login(slot, str(value) or None)
    world.live.of(slot).parameters[name] = value
    return ""


def set_wifi(world: World, slot: int, wifi_id: str, fields: dict[str, object]) -> None:
    """Change fields of one Wi-Fi interface: ``ssid``, ``password``, ``enable``, ``channel``."""
    world.live.of(slot).wifi.setdefault(wifi_id, {}).update(fields)


def _type_fault(value: object, kind: str) -> Fault:
    text = str(value)
    if kind == "xsd:boolean":
        return "" if text.lower() in ("true", "false", "1", "0") else "9006"
    if kind in _NUMBER_RANGES:
        low, high = _NUMBER_RANGES[kind]
        if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,11}", text):
            return "9006"
        return "" if low <= int(text) <= high else "9007"
    return "" if kind in ("xsd:string", "xsd:dateTime") else "9006"
