"""What became of a call order without an answer: the start event that only that call can have sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backhaul.sdk import Verdict
from backhaul_connectors.axialys.models import CallAccepted
from backhaul_connectors.axialys.stored import stored_events

if TYPE_CHECKING:
    from backhaul.sdk import Event, EventReader
    from backhaul_connectors.axialys.clicks import Clicks

__all__ = ["Order", "look_for"]

_START = "outgoing_call_start"
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A call order whose outcome is not known.

    Attributes:
        account_id: account whose telephone was to ring first.
        number: number to call, E.164 with ``+``.
        began_at: when the attempt began, aware UTC.
        window_s: seconds within which its start event comes.
    """

    account_id: str
    number: str
    began_at: datetime
    window_s: float

    @property
    def deadline(self) -> datetime:
        """When the start event has come if it comes at all."""
        return self.began_at + timedelta(seconds=self.window_s)

    @property
    def earliest(self) -> datetime:
        """From when on orders to the same number compete for the same events."""
        return self.began_at - timedelta(seconds=self.window_s)

    def is_start(self, event: Event) -> bool:
        """Whether an event is the start of such a call, at whatever time."""
        data = event.data if isinstance(event.data, dict) else {}
        return data.get("account_id") == self.account_id and data.get("called_number") == self.number


async def look_for(
    order: Order,
    read: EventReader,
    clicks: Clicks,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]],
    absence_is_proof: bool,
) -> Verdict:
    """Wait for the start event until the order's deadline, and tell what it proves."""
    while True:
        found = [
            event
            async for event in stored_events(read, order.earliest, [_START])
            if event.time <= order.deadline and order.is_start(event)
        ]
        orders = clicks.since(order.account_id, order.number, order.earliest)
        others = len(orders) - any(moment >= order.began_at for moment in orders)
        own = [event for event in found if event.time >= order.began_at]
        if own and len(found) > others:
            # The latest: the earlier ones belong to the orders before it.
            return Verdict.done(
                CallAccepted(account_id=order.account_id, number=order.number, call_id=own[-1].subject, raw=None)
            )
        left_s = (order.deadline - now()).total_seconds()
        if left_s <= 0:
            return _nothing_certain(order, len(own), others, absence_is_proof=absence_is_proof)
        await sleep(min(_PAUSE_S, left_s + 0.001))


def _nothing_certain(order: Order, starts: int, others: int, *, absence_is_proof: bool) -> Verdict:
    if starts:
        return Verdict.unknown(
            f"account {order.account_id} was asked {others + 1} times to call this number, and only {starts} "
            "outgoing_call_start came in: it cannot be told of which order"
        )
    if absence_is_proof:
        return Verdict.not_done()
    return Verdict.unknown(
        f"no outgoing_call_start of account {order.account_id} to this number came in within {order.window_s:g} s. "
        "That proves nothing: callbacks get lost, and another receiver may have taken the callback URL. "
        "Ask whether the telephone rang"
    )
