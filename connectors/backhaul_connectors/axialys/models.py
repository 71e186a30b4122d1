"""What the connector returns of calls, and what its events carry."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import Json, Personal

__all__ = ["CALL_EVENTS", "CallAccepted", "CallData", "CallbackChanged"]

CALL_EVENTS = {
    "outgoing_call_start": "An account has begun to call somebody.",
    "incoming_call_start": "An account's telephone rings.",
    "call_connected": "A call was answered.",
    "call_end": "A call is over.",
}
"""The events that Axialys sends [doc], with what has happened."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class CallAccepted(_Model):
    """Axialys has taken a call order; what becomes of the call comes as events.

    Personal data: `number`, and `raw` may repeat it.
    """

    accepted: bool = True
    """Always true: everything else is an error."""
    account_id: str
    """Centrex account whose telephone rings first."""
    number: Personal[str]
    """Number called, E.164 with ``+``."""
    call_id: str | None = None
    """The call's id, if it is known already: the vendor does not define the answer."""
    raw: Personal[Json] = None
    """The answer as it came, JSON or text; null for an empty one. The vendor does not define it."""


class CallbackChanged(_Model):
    """Axialys has taken another callback URL, or none."""

    accepted: bool = True
    """Always true: everything else is an error."""
    enabled: bool
    """Whether Axialys now sends notifications."""
    raw: Json = None
    """The answer as it came, JSON or text; null for an empty one. The vendor does not define it."""


class CallData(_Model):
    """Data of the four call events; what an event does not carry is null.

    Personal data: the four number fields, and `extra` may hold some.
    """

    call_id: str
    """Unique per call; what joins the events of a call."""
    event: str
    """Name of the event, as in its type."""
    account_id: str | None = None
    """Centrex account of the call; only start events carry it."""
    calling_number: Personal[str | None] = None
    """Number of the caller, E.164 with ``+``; null when withheld, missing or unreadable."""
    calling_number_raw: Personal[str | None] = None
    """The caller as it came, when that is no number: ``anonymous``, an internal number."""
    called_number: Personal[str | None] = None
    """Number called, E.164 with ``+``."""
    called_number_raw: Personal[str | None] = None
    """The number called as it came, when that is no number."""
    status: str | None = None
    """End status as it came: the vendor gives no list of words."""
    outcome: str | None = None
    """`status` by the setting `status_map`; null for a word that it does not have."""
    billable_duration_s: int | None = None
    """Billable duration in seconds; null when missing or unreadable."""
    billable_duration_raw: str | None = None
    """The billable duration as it came, when that is no whole number of seconds."""
    extra: Personal[dict[str, str]] = {}
    """Further parameters of the callback, at most 20."""
