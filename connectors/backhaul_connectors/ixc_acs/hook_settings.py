"""How the fields of the ACS's webhooks are found: the vendor documents the families, not the bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["EVENT_TYPES", "EventType", "HookFields", "word_key"]

EventType: TypeAlias = Literal[
    "device.added",
    "device.removed",
    "device.parameters_changed",
    "device.rebooted",
    "device.reset",
    "diagnostic.finished",
]
"""What an event of the ACS is called. Source: webhooks reference, section 4."""
EVENT_TYPES: Mapping[str, str] = {
    "device.added": "A device has reported to the ACS for the first time.",
    "device.removed": "A device was deleted by hand; a mass deletion is announced to nobody.",
    "device.parameters_changed": "Parameters of a device have been changed on it.",
    "device.rebooted": "A device is back after a restart.",
    "device.reset": "A device is back after a factory reset.",
    "diagnostic.finished": "A speed test, ping or other diagnosis has ended.",
}
"""The types, with what has happened."""

Paths: TypeAlias = tuple[Annotated[str, Field(min_length=1)], ...]

_WORDS: dict[EventType, str] = {
    "device.added": "added|created|new|device added|device created|device new",
    "device.removed": "removed|deleted|device removed|device deleted|device excluded",
    "device.parameters_changed": "parameters|parameters changed|parameter changed|device updated|value changed",
    "device.rebooted": "reboot|rebooted|device reboot|restarted|device restarted|boot",
    "device.reset": "reset|device reset|factory reset|device factory reset",
    "diagnostic.finished": "diagnostic|diagnostics|diagnostic finished|diagnostic completed|diagnostics complete",
}


def word_key(word: str) -> str:
    """Return a vendor's word in the form in which spellings of it are equal: ``device-added`` is ``deviceadded``."""
    return "".join(sign for sign in word.casefold() if sign.isalnum())


def _default_words() -> dict[str, EventType]:
    return {word: kind for kind, words in _WORDS.items() for word in (kind, *words.split("|"))}


class HookFields(BaseModel):
    """Where a webhook's body holds what [assumed]. A path is ``device.serialNumber``; the first hit counts."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    event: Paths = ("event", "eventType", "event_type", "type", "action", "name", "family")
    """What happened, looked up in `words`; of the paths the first whose word is known counts."""
    words: dict[str, EventType] = Field(default_factory=_default_words)
    """The ACS's words for what happened, in any case and with any separators; they replace the default ones."""
    family: Paths = ("family", "category", "group")
    """The family, given on as it is."""
    serial: Paths = ("serialNumber", "serial", "sn", "device.serialNumber", "data.serialNumber", "device.serial")
    """Serial number of the device."""
    pppoe_login: Paths = ("pppoeLogin", "connection.pppoeLogin", "device.connection.pppoeLogin", "data.pppoeLogin")
    """PPPoE login of the device. Personal."""
    id: Paths = ("eventId", "event_id", "uuid")
    """The ACS's own id of the event, which makes two deliveries the same; not one of the device."""
    time: Paths = ("date", "timestamp", "time", "createdAt", "occurredAt")
    """When it happened: ISO 8601 with a zone, or seconds or milliseconds since 1970."""
    diagnostic: Paths = ("diagnostic", "diagnosticType", "diagnostic.type", "data.diagnostic", "kind")
    """Which diagnosis has ended."""
    state: Paths = ("state", "diagnosticsState", "status", "result.state", "data.state")
    """The word with which a diagnosis ended."""
    items: Paths = ("events", "items")
    """List of events in a body that holds several."""
    dedupe_window_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """Seconds within which two equal bodies without id and time are one event."""
    keep_body: bool = True
    """Give the whole body on in ``data.body``, without the fields whose name speaks of a password."""
