"""Raw TR-069 parameters: what a device takes, refuses, and how they show in its Wi-Fi (tr069.md section 2)."""

from __future__ import annotations

import re
from typing import Literal

from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.ixc_acs.registers import datamodel
from backhaul_connectors.sandbox.world import World

__all__ = ["SECRETS", "apply_parameter", "set_wifi"]

SECRETS = ("Password", "KeyPassphrase", "PreSharedKey")
"""Last names of parameters that read back as an empty text."""

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
Fault = Literal["", "9005", "9006", "9007"]
"""CWMP faults: 9005 invalid parameter name, 9006 invalid type, 9007 invalid value; "" is none."""


def apply_parameter(world: World, slot: int, name: str, value: object, kind: str) -> Fault:
    """Write one parameter on a device. A name of the other data model, or an unknown instance, is refused."""
    root = "Device." if datamodel(world, slot) == "TR-181" else "InternetGatewayDevice."
    if not name.startswith(root) or name.endswith("."):
        return "9005"
    fault = _type_fault(value, kind)
    match = (_TR181 if root == "Device." else _TR098).fullmatch(name)
    if fault or match is None:
        if not fault:
            world.live.of(slot).parameters[name] = value
        return fault
    wifi_id = _instances(world, slot).get(int(match[1]))
    if wifi_id is None:
        return "9005"
    field = _FIELDS.get(match[2])
    if field is not None:
        set_wifi(world, slot, wifi_id, {field: value})
    world.live.of(slot).parameters[name] = value
    return ""


def set_wifi(world: World, slot: int, wifi_id: str, fields: dict[str, object]) -> None:
    """Change fields of one Wi-Fi interface: ``ssid``, ``password``, ``enable``, ``channel``."""
    world.live.of(slot).wifi.setdefault(wifi_id, {}).update(fields)


def _instances(world: World, slot: int) -> dict[int, str]:
    """Return the Wi-Fi id of each instance: 1 and 5 on most TR-098 devices, 1 and 2 on the others."""
    second = 5 if datamodel(world, slot) == "TR-098" and mix(world.options.seed, slot) % 3 else 2
    return {1: "w1", second: "w5"}


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
