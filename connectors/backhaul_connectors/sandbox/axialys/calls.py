"""Calls and their course by the world's clock: from the first ring to the end, each step an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from backhaul_connectors.sandbox.agenda import Agenda
from backhaul_connectors.sandbox.axialys.switches import Scenario
from backhaul_connectors.sandbox.clock import WorldClock

__all__ = ["CallRecord", "Course", "Exchange"]

_KEPT = 10_000
_UNANSWERED = {
    "busy": "BUSY",
    "no_answer": "NOANSWER",
    "own_phone_unanswered": "ABORT",
    "cancelled": "CANCEL",
}
"""End status of calls that nobody answered. The words are those of the same vendor's Voice Management (axialys.md
section 5); BUSY is assumed."""


@dataclass(slots=True, kw_only=True)
class CallRecord:
    """One call. Numbers are E.164 digits; times are seconds since the epoch."""

    call_id: str
    direction: Literal["outgoing", "incoming"]
    account_id: str
    calling_number: str
    called_number: str
    started_at: float
    destination_rang_at: float | None = None
    """When the called telephone began to ring; None: the account's own one was not picked up (yet)."""
    connected_at: float | None = None
    ended_at: float | None = None
    status: str = ""
    billable_duration: int = 0

    @property
    def state(self) -> Literal["ringing", "connected", "ended"]:
        """How far the call is."""
        if self.ended_at is not None:
            return "ended"
        return "ringing" if self.connected_at is None else "connected"

    def as_json(self) -> dict[str, object]:
        """Return the call as the control interface shows it."""
        times = {
            name: None if at is None else WorldClock.iso(at)
            for name, at in (
                ("started_at", self.started_at), ("destination_rang_at", self.destination_rang_at),
                ("connected_at", self.connected_at), ("ended_at", self.ended_at),
            )
        }  # fmt: skip
        return {**asdict(self), **times, "state": self.state}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a call goes: what happens, after how many seconds of ringing (on either telephone) and of talking."""

    scenario: Scenario
    own_ring_s: float
    ring_s: float
    talk_s: float


Emit = Callable[[CallRecord, str], None]
"""Called with a call and the name of the event that it has come to."""


class Exchange:
    """Begins, connects and ends calls. Ids count up from the seed; the last ten thousand calls are remembered."""

    def __init__(self, clock: WorldClock, agenda: Agenda, seed: int, emit: Emit) -> None:
        self._clock = clock
        self._agenda = agenda
        self._prefix = f"ax-{seed & 0xFFFF:04x}"
        self._emit = emit
        self._calls: dict[str, CallRecord] = {}
        self._number = 0

    def __iter__(self) -> Iterator[CallRecord]:
        return iter(self._calls.values())

    def __len__(self) -> int:
        """How many calls are going on."""
        return sum(call.state != "ended" for call in self._calls.values())

    @property
    def begun(self) -> int:
        """How many calls there ever were."""
        return self._number

    def get(self, call_id: str) -> CallRecord | None:
        """Return a call."""
        return self._calls.get(call_id)

    def begin(
        self, direction: Literal["outgoing", "incoming"], account_id: str, calling: str, called: str, course: Course,
        *, reuse_id: bool = False,
    ) -> CallRecord:  # fmt: skip
        """Let a call begin now, and plan what becomes of it."""
        if not (reuse_id and self._number):
            self._number += 1
        call = CallRecord(
            call_id=f"{self._prefix}-{self._number:06d}", direction=direction, account_id=account_id,
            calling_number=calling, called_number=called, started_at=self._clock.now(),
        )  # fmt: skip
        self._calls[call.call_id] = call
        if len(self._calls) > _KEPT:
            del self._calls[next(iter(self._calls))]
        self._emit(call, f"{direction}_call_start")
        self._plan(call, course)
        return call

    def connect(self, call: CallRecord, at: float) -> bool:
        """Connect a ringing call; False if it does not ring."""
        if call.state != "ringing":
            return False
        call.connected_at = at
        call.destination_rang_at = at if call.destination_rang_at is None else call.destination_rang_at
        self._emit(call, "call_connected")
        return True

    def end(self, call: CallRecord, at: float, status: str = "", duration: int | None = None) -> bool:
        """End a call; False if it has ended. The billable duration is the time since connected unless told."""
        if call.state == "ended":
            return False
        talked = 0 if call.connected_at is None else max(0, round(at - call.connected_at))
        call.billable_duration = talked if duration is None else duration
        call.status = status or ("NOANSWER" if call.connected_at is None else "ANSWER")
        call.ended_at = at
        self._emit(call, "call_end")
        return True

    def _plan(self, call: CallRecord, course: Course) -> None:
        """Ring the account's own telephone, and the destination's when that is picked up (vendor page)."""
        if course.scenario == "own_phone_unanswered" and call.direction == "outgoing":
            status = _UNANSWERED[course.scenario]
            self._agenda.at(call.started_at + course.ring_s, lambda at: self._over(call, at, status))
        elif course.own_ring_s > 0:
            self._agenda.at(call.started_at + course.own_ring_s, lambda at: self._reach(call, at, course))
        else:
            self._reach(call, call.started_at, course)

    def _reach(self, call: CallRecord, at: float, course: Course) -> None:
        """Let the called telephone ring, unless somebody has put the call down meanwhile."""
        if call.state != "ringing":
            return
        call.destination_rang_at = at
        if course.scenario == "manual":
            return
        after_ring = at + course.ring_s
        if course.scenario == "answered":
            self._agenda.at(after_ring, lambda at: self._answered(call, at, course.talk_s))
        else:
            status = _UNANSWERED[course.scenario]
            self._agenda.at(after_ring, lambda at: self._over(call, at, status))

    def _answered(self, call: CallRecord, at: float, talk_s: float) -> None:
        if self.connect(call, at):
            self._agenda.at(at + talk_s, lambda end: self._over(call, end, "ANSWER"))

    def _over(self, call: CallRecord, at: float, status: str) -> None:
        self.end(call, at, status)
