"""Commands to devices: accepted at once, carried out at the device's next contact (ixc_acs.md sections 6 and 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import NamedTuple

from backhaul_connectors.sandbox.face import Answer, Call, json_answer
from backhaul_connectors.sandbox.ixc_acs.bodies import json_body
from backhaul_connectors.sandbox.ixc_acs.contacts import Contacts
from backhaul_connectors.sandbox.ixc_acs.diagnostics import Diagnostics
from backhaul_connectors.sandbox.ixc_acs.parameters import apply_parameter, set_wifi
from backhaul_connectors.sandbox.ixc_acs.registers import wifi_settings
from backhaul_connectors.sandbox.ixc_acs.switches import DIAGNOSTICS, Permission
from backhaul_connectors.sandbox.request_log import Effect

__all__ = ["Command", "Commands"]

_WIFI = re.compile(r"/devices/(?P<serial>[^/]+)/wifi/(?P<id>[^/]+)")
_PARAMETERS = re.compile(r"/devices/(?P<serial>[^/]+)/parameters/update")
_LENGTHS = {"ssid": (1, 32), "password": (8, 63)}
_CHANGED = "device.parameters_changed"


class Command(NamedTuple):
    """What a path asks for; ``carry_out`` gets the slot of the device and the call."""

    name: str
    effect: Effect
    permission: Permission
    serial: str
    carry_out: partial[Answer]


class Commands:
    """Recognises commands and accepts them."""

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts
        self._world = contacts.world
        self._diagnostics = Diagnostics(contacts)

    def find(self, method: str, path: str) -> Command | None:
        """Return the command of a path, or None."""
        paths = self._contacts.switches().paths
        if method == "PATCH" and (match := _WIFI.fullmatch(path)):
            return Command("set_wifi", "write", "wifi", match["serial"], partial(self._set_wifi, match["id"]))
        if method == "POST" and (match := _PARAMETERS.fullmatch(path)):
            update = partial(self._update_parameters)
            return Command("update_parameters", "write", "parameters", match["serial"], update)
        if method == "POST" and (match := _pattern(paths["reboot"]).fullmatch(path)):
            return Command("reboot", "once", "reboot", match["serial"], partial(self._restart, False))
        if method == "POST" and (match := _pattern(paths["reset"]).fullmatch(path)):
            return Command("reset", "once", "reset", match["serial"], partial(self._restart, True))
        return self._diagnostic(method, path, "start" if method == "POST" else "state")

    def push(self, slot: int, wifi: Mapping[str, Mapping[str, str]]) -> None:
        """Queue what the ERP's button sends: by band, the first interface gets ``ssid`` and ``password``."""
        for band, fields in wifi.items():
            for wifi_id in list(wifi_settings(self._world, slot).get(band, {}))[:1]:
                self._contacts.give(slot, partial(self._apply_wifi, wifi_id, dict(fields)))

    def _diagnostic(self, method: str, path: str, verb: str) -> Command | None:
        template = self._contacts.switches().paths["diagnostic_start" if verb == "start" else "diagnostic_state"]
        match = _pattern(template).fullmatch(path)
        name = next((known for known in DIAGNOSTICS if match and match["name"] == known), None)
        if match is None or name is None or method not in ("GET", "POST"):
            return None
        if verb == "start":
            begin = partial(lambda slot, call: self._diagnostics.start(slot, name, call.body))
            return Command(f"start_{name}", "once", "diagnostics", match["serial"], begin)
        look = partial(lambda slot, _: self._diagnostics.state(slot, name))
        return Command(f"{name}_state", "read", "diagnostics", match["serial"], look)

    def _set_wifi(self, wifi_id: str, slot: int, call: Call) -> Answer:
        """Accept ``{"ssid"?, "password"?}`` for one interface."""
        fields = json_body(call.body)
        if not isinstance(fields, dict) or not fields or not set(fields) <= set(_LENGTHS):
            return json_answer({"message": "Invalid body: give ssid, password or both"}, 400)
        for name, value in fields.items():
            low, high = _LENGTHS[name]
            if not isinstance(value, str) or not low <= len(value.encode()) <= high:
                return json_answer({"message": f"Invalid {name}"}, 400)
        if not any(wifi_id in interfaces for interfaces in wifi_settings(self._world, slot).values()):
            return json_answer({"message": "Wi-Fi interface not found"}, 404)
        self._contacts.give(slot, partial(self._apply_wifi, wifi_id, fields))
        return json_answer({"message": "accepted", "id": wifi_id})

    def _apply_wifi(self, wifi_id: str, fields: dict[str, object], slot: int, _: float) -> None:
        set_wifi(self._world, slot, wifi_id, fields)
        self._contacts.events.emit(_CHANGED, "parameters", slot)

    def _update_parameters(self, slot: int, call: Call) -> Answer:
        """Accept a list of ``{parameter, value, type}``; the device takes or refuses each at its contact."""
        items = json_body(call.body)
        if not isinstance(items, list) or not items or not all(_is_parameter(item) for item in items):
            return json_answer({"message": "Invalid body: give a list of parameter, value, type"}, 400)
        self._contacts.give(slot, partial(self._apply_parameters, items))
        return json_answer({"message": "accepted"})

    def _apply_parameters(self, items: list[dict[str, object]], slot: int, _: float) -> None:
        applied = 0
        for item in items:
            name = str(item["parameter"])
            fault = apply_parameter(self._world, slot, name, item["value"], str(item["type"]))
            if fault:
                self._world.live.of(slot).rejected.append({"parameter": name, "fault": fault})
            applied += not fault
        if applied:
            self._contacts.events.emit(_CHANGED, "parameters", slot)

    def _restart(self, reset: bool, slot: int, _: Call) -> Answer:
        self._contacts.give(slot, lambda of, at: self._contacts.restart(of, at, reset=reset))
        return json_answer({"message": "accepted"})


@lru_cache(maxsize=64)
def _pattern(template: str) -> re.Pattern[str]:
    """Return what recognises a path template with ``{serial}`` and ``{name}``."""
    text = re.escape(template).replace(r"\{serial\}", "(?P<serial>[^/]+)").replace(r"\{name\}", "(?P<name>[^/]+)")
    return re.compile(text)


def _is_parameter(item: object) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("parameter"), str)
        and isinstance(item.get("type"), str)
        and isinstance(item.get("value"), str | int | float | bool)
    )
