"""Rules on doing things again: listings and polls continue anywhere, repeatable actions can be repeated."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from backhaul.json_values import Json
from backhaul.plugins.action import CURSOR, Effect
from backhaul.plugins.quality import Quality
from backhaul.testing.conformance.bench import Bench, Kind, Subject
from backhaul.testing.conformance.examination import Examination, said_by
from backhaul.testing.conformance.rules import Rule

__all__ = ["RULES"]

_MOST_PLACES = 12


async def _streams(examination: Examination) -> Sequence[str]:
    found: list[str] = []
    for subject in await examination.working():
        if subject.kind is Kind.LISTING:
            async with examination.bench() as bench:
                found += await _resumed(bench, subject)
    return found


async def _resumed(bench: Bench, subject: Subject) -> list[str]:
    """Read a listing whole, then from the cursor of each page on, and compare."""
    pages = await bench.pages(subject)
    name = subject.name
    if not pages:
        return [f"{name} gives no page; an empty listing is one page without items"]
    if pages[-1].next is not None:
        return [f"{name}: the last page has a cursor"]
    takes_cursor = CURSOR in inspect.signature(getattr(bench.connection.connector, name)).parameters
    if len(pages) == 1:
        return [f"{name} takes a cursor, but has one page only on the sandbox: make its pages smaller"] * takes_cursor
    if not takes_cursor:
        return [f"{name} has {len(pages)} pages, but no parameter 'cursor: str | None = None'"]
    found = []
    for number, page in list(enumerate(pages[:-1], start=1))[:_MOST_PLACES]:
        if page.next is None:
            found.append(f"{name}: page {number} of {len(pages)} has no cursor")
            continue
        rest = [item for one in pages[number:] for item in one.items]
        again = [item for one in await bench.pages(subject, page.next) for item in one.items]
        if again != rest:
            found.append(
                f"{name}, continued after page {number}, gives {len(again)} items instead of the same {len(rest)}"
            )
    return found


async def _polls(examination: Examination) -> Sequence[str]:
    found = []
    for subject in await examination.working():
        if subject.kind is not Kind.POLL:
            continue
        async with examination.bench() as bench:
            first = await bench.looks(subject, None)
            if not first or first[-1].next is None:
                found.append(f"{subject.name}: the first look leaves no cursor to continue from")
                continue
            if any(page.events for page in first):
                found.append(f"{subject.name}: the first look brings old events")
            second = await bench.looks(subject, first[-1].next)
            if events := sum(len(page.events) for page in second):
                found.append(f"{subject.name}: the second look brings {events} events, although nothing has happened")
    return found


async def _reads(examination: Examination) -> Sequence[str]:
    found = []
    for subject in await examination.working():
        if subject.effect is not Effect.READ:
            continue
        async with examination.bench() as bench:
            before = await bench.state()
            await bench.run(subject)
            if await bench.state() != before:
                found.append(f"{subject.name} has the effect read, but changes what the sandbox holds")
    return found


async def _repeatable(examination: Examination) -> Sequence[str]:
    found: list[str] = []
    for subject in await examination.working():
        if subject.effect in (Effect.WRITE, Effect.DELETE):
            async with examination.bench() as bench:
                found += await _repeated(bench, subject)
    return found


async def _repeated(bench: Bench, subject: Subject) -> list[str]:
    name = subject.name
    if bench.sandbox.state is None:
        return [f"{name} has the effect {subject.effect.value}, but the case's sandbox does not tell its state"]
    await bench.run(subject)
    after: Json = await bench.state()
    for times in ("second", "third"):
        try:
            await bench.run(subject)
        except Exception as error:  # noqa: BLE001  # other people's code
            return [f"{name} has the effect {subject.effect.value}, but fails the {times} time: {said_by(error)}"]
        if await bench.state() != after:
            return [f"{name}, carried out a {times} time, changes once more what the sandbox holds"]
    return []


RULES = (
    Rule(
        id="streams-resume",
        quality=Quality.SILVER,
        sentence="A listing continues after every page with the same rest; the last page has no cursor.",
        check=_streams,
    ),
    Rule(
        id="polls-continue",
        quality=Quality.SILVER,
        sentence="The first look of a poll brings no old events, and the next one continues where it stopped.",
        check=_polls,
    ),
    Rule(
        id="reads-change-nothing",
        quality=Quality.SILVER,
        sentence="A 'read' action leaves what the sandbox holds as it is.",
        check=_reads,
    ),
    Rule(
        id="repeatable-is-repeatable",
        quality=Quality.SILVER,
        sentence="A 'write' or 'delete' action, repeated, does not fail and changes nothing more.",
        check=_repeatable,
    ),
)
