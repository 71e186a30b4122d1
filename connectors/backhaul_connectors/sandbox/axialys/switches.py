"""What can be switched in the Axialys sandbox while it runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backhaul_connectors.sandbox.switches import VendorSwitches

__all__ = ["AxialysSwitches", "EventName", "Scenario"]

Scenario = Literal["answered", "busy", "no_answer", "own_phone_unanswered", "cancelled", "manual"]
EventName = Literal["outgoing_call_start", "incoming_call_start", "call_connected", "call_end"]


class AxialysSwitches(VendorSwitches):
    """What the vendor leaves undocumented, how calls go, and what happens to callbacks (axialys.md section 9)."""

    answer: Literal["json", "ok_text", "empty"] = "json"
    """Body of both functions: the vendor's page says ``TBD``."""
    answer_call_id: bool = False
    """Whether the answer of ``call`` tells the call id."""
    unauthorized_status: Literal[401, 403] = 401
    errors_in_200: bool = False
    """Errors come with status 200; only the body tells."""
    plus_number: Literal["accepted", "refused"] = "accepted"
    """Whether ``number`` may start with an encoded ``+``; a raw ``+`` arrives as a blank and is always refused."""
    post_accepted: bool = True
    """Whether both functions take POST with a query or a form too; the vendor names no method."""

    scenario: Scenario = "answered"
    """How click-to-calls go; ``manual``: they wait for the control interface."""
    own_ring_s: float = Field(default=0.0, ge=0)
    """Seconds of the world's clock for which the account's own telephone rings before the destination's does."""
    ring_s: float = Field(default=1.0, ge=0)
    """Seconds of the world's clock until a call is connected, or ends unanswered."""
    talk_s: float = Field(default=5.0, ge=0)
    """Seconds from connected to the end."""

    callback_as: Literal["get", "post_query", "post_form"] = "get"
    url_mode: Literal["append", "ampersand", "placeholders"] = "append"
    """How parameters join the URL: ``?`` always, ``&`` after a query, or only ``{call_id}`` and the like are filled."""
    callback_timeout_s: float = Field(default=2.0, gt=0, le=30)
    callback_verify_tls: bool = True

    lost: set[EventName] = Field(default_factory=set)
    """Events that are never sent."""
    lost_share: float = Field(default=0.0, ge=0, le=1)
    """Chance that a callback is lost, drawn from the world's seed."""
    copies: int = Field(default=1, ge=1, le=10)
    delay_s: float = Field(default=0.0, ge=0)
    """Seconds of the world's clock by which the events in ``delayed`` come late."""
    delayed: set[EventName] = Field(default_factory=set)
    """The events that ``delay_s`` concerns; empty: all."""
    order: Literal["kept", "swapped", "reversed"] = "kept"
    """``swapped``: connected before start; ``reversed``: everything is held until the end and comes backwards."""
    extra_parameters: dict[str, str] = Field(default_factory=dict)
    """Added to every callback: the vendor says that there may be more."""
    calling_number: Literal["sent", "missing", "empty", "anonymous"] = "sent"
    """How a withheld number looks; ``sent``: it is not withheld."""
    called_number: Literal["sent", "missing", "empty"] = "sent"
    number_form: Literal["digits", "plus", "raw_plus", "national"] = "digits"
    """Form of the numbers; ``raw_plus`` is not encoded, so the receiver reads a blank."""
    unknown_event: bool = False
    """After each start comes an event ``call_transferred`` that the vendor's page does not know."""
    doubled_call_id: bool = False
    """``call_end`` has its ``call_id`` twice, as the vendor's page lists it."""
    reused_call_id: bool = False
    """New calls get the id of the last one."""
    duration_form: Literal["seconds", "decimal", "empty", "clock", "missing"] = "seconds"
    """Form of ``billable_duration``, an integer by the vendor's page."""
