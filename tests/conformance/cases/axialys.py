"""The case of `axialys`, by its API key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from backhaul.sdk import Event, Json, WebhookRequest
from backhaul.testing import ConnectorCase, ServedSandbox
from backhaul_connectors.axialys import Axialys
from conformance.isp import Isp, served

__all__ = ["CASE"]

_CALLBACK = "http://127.0.0.1:9/hooks/phone/planted-hook-secret/"
_START = (
    "call_id=call-1&event=incoming_call_start&account_id=desk-1&calling_number=33123456789&called_number=33987654321"
)


async def _events(since: datetime, types: Sequence[str] = (), *, limit: int = 1000) -> Sequence[Event]:
    data = {"call_id": "call-1", "account_id": "desk-1"}
    event = Event(type="incoming_call_start", subject="call-1", data=data, time=datetime.now(UTC), key="call-1:start")
    return [event] if not types or event.type in types else []


async def _registered(isp: Isp) -> None:
    """Have the callback registered: without one, Axialys takes no calls."""
    await isp.ask("/phone/api/centrex/v1/set_callback", api_key=isp.credentials["api_key"], url=_CALLBACK)


def _sandbox(isp: Isp) -> ServedSandbox:
    async def state() -> Json:
        return await isp.shown("/axialys/callbacks")

    return ServedSandbox(
        settings={
            "base_url": f"{isp.url}/phone/api",
            "api_key": isp.credentials["api_key"],
            "callback_url": _CALLBACK,
            "allow_http_callback": True,
            "check_sets_callback": True,
            "default_region": "FR",
            "silence_alert_s": 3600,
            "correlation_window_s": 0.1,
        },
        examples={
            "call": {"account_id": isp.credentials["account_id"], "number": "+33123456789"},
            "get_call": {"call_id": "call-1"},
        },
        state=state,
        advance=isp.advance,
        events=_events,
    )


CASE = ConnectorCase(
    connector=Axialys,
    serve=served("axialys", _sandbox, _registered),
    wrong_credentials={"api_key": "another-axialys-key"},
    webhooks=[WebhookRequest(method="GET", query=_START, received_at=datetime.now(UTC))],
)
