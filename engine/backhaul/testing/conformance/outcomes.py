"""What becomes of each action when each of its requests meets a fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from backhaul.plugins.action import Effect
from backhaul.testing.conformance.bench import Bench, Subject, open_bench
from backhaul.testing.conformance.examination import Examination, Sandboxes, said_by
from backhaul.testing.conformance.wire import Fault, SeenRequest

__all__ = ["Outcome", "outcomes"]

_LONGEST_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One attempt that met a fault.

    Attributes:
        subject: what was carried out.
        place: the first request that met the fault; those after it did too.
        fault: name of the fault.
        error: what was raised; None when it succeeded.
        sent: how often the request at `place` was sent from then on.
    """

    subject: Subject
    place: SeenRequest
    fault: str
    error: Exception | None
    sent: int

    def __str__(self) -> str:
        became = "succeeded" if self.error is None else f"raised {said_by(self.error)}"
        return f"{self.subject.name} ({self.subject.effect.value}), {self.place}, {self.fault}: it {became}"


async def outcomes(
    examination: Examination, faults: Sequence[Fault], subjects: Sequence[Subject] | None = None
) -> AsyncIterator[Outcome]:
    """Give the outcome of working subjects (all when None), for every place and every fault."""
    async with Sandboxes(examination.case) as sandboxes:
        for subject in await examination.working() if subjects is None else subjects:
            for place in examination.places(subject):
                for fault in faults:
                    sandbox = await sandboxes.fresh()
                    async with open_bench(examination.case, sandbox) as bench:
                        outcome = await _outcome(bench, subject, place, fault)
                    if bench.wire.passed and subject.effect is not Effect.READ:
                        await sandboxes.used()
                    if bench.wire.struck:
                        yield outcome


async def _outcome(bench: Bench, subject: Subject, place: SeenRequest, fault: Fault) -> Outcome:
    bench.wire.arm(fault, first=place.number)
    error: Exception | None = None
    try:
        async with asyncio.timeout(_LONGEST_S):
            await bench.run(subject)
    except Exception as raised:  # noqa: BLE001  # what it is, is what is examined
        error = raised
    after = bench.wire.seen[place.number :]
    sent = sum((one.method, one.path) == (place.method, place.path) for one in after)
    return Outcome(subject=subject, place=place, fault=fault.name, error=error, sent=sent)
