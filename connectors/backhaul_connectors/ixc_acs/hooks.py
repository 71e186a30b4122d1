"""From a webhook of the ACS to events: any JSON gives events or none, never a failure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from backhaul.sdk import Event, Json, WebhookRejectedError, WebhookRequest, webhook
from backhaul_connectors.ixc_acs.base import AcsConnector
from backhaul_connectors.ixc_acs.hook_settings import EVENT_TYPES, EventType, HookFields, Paths, word_key
from backhaul_connectors.ixc_acs.models import moment
from backhaul_connectors.ixc_acs.reading import at_path, text, without_secrets
from backhaul_connectors.ixc_acs.serials import serial_key
from backhaul_connectors.ixc_acs.settings import IxcAcsSettings

__all__ = ["WebhookReceiver", "events_of"]

_MOST = 1000
_LONGEST_NAME = 256
_MILLISECONDS_FROM = 1e11


class WebhookReceiver(AcsConnector):
    """The four webhook families of the ACS."""

    @classmethod
    def event_types(cls, settings: IxcAcsSettings) -> Mapping[str, str]:
        """Return what the webhooks' families become."""
        return EVENT_TYPES

    @webhook
    async def receive(self, request: WebhookRequest) -> Sequence[Event]:
        """Take in a webhook of the ACS. What it does not know gives no events.

        Events: `device.added`, `device.removed`, `device.parameters_changed`, `device.rebooted`, `device.reset`,
        `diagnostic.finished`.

        Raises:
            WebhookRejectedError: it is no POST, or its body is not JSON.
        """
        if request.method.upper() != "POST":
            raise WebhookRejectedError("the ACS sends webhooks by POST", status=405)
        events = events_of(request.json(), self.settings.webhook_fields, request.received_at)
        if not events:
            self.log.info("webhook of an unknown kind", bytes=len(request.body))
        return events


def events_of(body: Json, fields: HookFields, received_at: datetime) -> list[Event]:
    """Return the events in a body: of a list of bodies, those of all. Source: webhooks reference, section 4."""
    lists = (value for path in fields.items if isinstance(value := at_path(body, path), list))
    entries: list[Json] = body if isinstance(body, list) else next(lists, [body])
    found = []
    for entry in entries[:_MOST]:
        event = _event_of(entry, fields, received_at)
        if event is not None:
            found.append(event)
    return found


def _event_of(entry: Json, fields: HookFields, received_at: datetime) -> Event | None:
    known = {word_key(word): kind for word, kind in fields.words.items()}
    kind = next(
        (known[key] for path in fields.event if (key := word_key(text(at_path(entry, path)) or "")) in known), None
    )
    if kind is None:
        return None
    serial = _first(entry, fields.serial) or ""
    happened = next((when for path in fields.time if (when := _moment(at_path(entry, path))) is not None), None)
    data: dict[str, Json] = {
        "serial": serial,
        "serial_key": serial_key(serial) if serial else "",
        "pppoe_login": _first(entry, fields.pppoe_login),
        "family": _first(entry, fields.family),
    }
    if kind == "diagnostic.finished":
        data |= {"diagnostic": _first(entry, fields.diagnostic), "state": _first(entry, fields.state)}
    if fields.keep_body:
        data["body"] = without_secrets(entry)
    return Event(
        type=kind,
        subject=serial,
        data=data,
        time=happened or received_at,
        key=_key(entry, kind, serial, fields, received_at, has_time=happened is not None),
    )


def _key(
    entry: Json, kind: EventType, serial: str, fields: HookFields, received_at: datetime, *, has_time: bool
) -> str:
    """Return what makes two deliveries one event: the ACS's id, else a digest of kind, serial number and body.

    A body that tells no time would be the same every time that it happens, so then the digest holds for a while only.
    """
    vendor_id = _first(entry, fields.id)
    if vendor_id is not None:
        return f"id:{kind}:{vendor_id}"
    plain = json.dumps([kind, serial, entry], sort_keys=True, default=str).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(plain).hexdigest()[:32]
    return digest if has_time else f"{digest}:{int(received_at.timestamp() // fields.dedupe_window_s)}"


def _first(entry: Json, paths: Paths) -> str | None:
    found = next((value for path in paths if (value := text(at_path(entry, path))) is not None), None)
    return found[:_LONGEST_NAME].encode("utf-8", "replace").decode() if found is not None else None


def _moment(value: Json) -> datetime | None:
    if isinstance(value, str):
        return moment(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
