"""The case of `ixc_acs`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from backhaul.sdk import Event, Json, WebhookRequest
from backhaul.testing import ConnectorCase, ServedSandbox
from backhaul_connectors.ixc_acs import IxcAcs
from conformance.isp import Isp, served

__all__ = ["CASE"]

_BY_SERIAL = (
    "get_device",
    "get_ipv6",
    "get_ppp",
    "get_capabilities",
    "get_wifi",
    "start_speed_test",
    "get_speed_test",
    "run_speed_test",
    "start_neighbor_scan",
    "get_neighbor_scan",
    "run_neighbor_scan",
    "get_ping",
    "get_traceroute",
    "reboot",
    "factory_reset",
)
_TO_A_HOST = ("start_ping", "run_ping", "start_traceroute", "run_traceroute")
_NOW = datetime.now(UTC)


async def _events(since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
    serials = [f"ABCD0000{number:04}" for number in range(8)]
    kind = "device.removed"
    return [
        Event(
            type=kind,
            subject=one,
            data={"serial": one, "serial_key": one},
            time=_NOW,
            key=f"removed:{one}",
        )
        for one in serials
        if not types or kind in types
    ]


def _sandbox(isp: Isp) -> ServedSandbox:
    devices = isp.world.devices
    slots = range(len(devices))
    serial = devices.serial(3)

    async def state() -> Json:
        changed = {slot: isp.world.live.get(slot) for slot in slots}
        settings = {slot: [live.wifi, live.parameters] for slot, live in changed.items() if live is not None}
        return [[devices.serial(slot), devices.login(slot), settings.get(slot)] for slot in slots]

    return ServedSandbox(
        settings={
            "base_url": f"{isp.url}/acs",
            "client_id": isp.credentials["client_id"],
            "client_secret": isp.credentials["client_secret"],
            "page_size": 5,
        },
        examples={
            **{action: {"serial": serial} for action in _BY_SERIAL},
            **{action: {"serial": serial, "host": "192.0.2.1"} for action in _TO_A_HOST},
            "search_devices": {"by": "serial", "text": serial},
            "set_wifi": {"serial": serial, "band": "2.4", "ssid": "Casa"},
            "update_parameters": {
                "serial": serial,
                "parameters": [{"parameter": "Device.ManagementServer.PeriodicInformInterval", "value": "600"}],
            },
        },
        state=state,
        advance=isp.advance,
        events=_events,
    )


def _webhook(**body: Json) -> WebhookRequest:
    return WebhookRequest(
        method="POST",
        headers={"content-type": "application/json"},
        body=json.dumps(body).encode(),
        received_at=datetime.now(UTC),
    )


CASE = ConnectorCase(
    connector=IxcAcs,
    serve=served("acs", _sandbox),
    webhooks=[
        _webhook(eventId="e-1", event="device_added", serialNumber="ABCD12345678", pppoeLogin="ana", date=1767225600),
        _webhook(event="Device Removed", device={"serialNumber": "ABCD12345678"}),
        _webhook(events=[{"event": "reboot", "serial": "A1"}, {"event": "reset", "serial": "A2"}]),
    ],
)
