"""Rules on webhooks: the receiver has an answer to everything, from the request alone."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Sequence
from typing import Any

from backhaul.json_values import dump
from backhaul.plugins.events import Event, WebhookRejectedError, WebhookRequest
from backhaul.plugins.quality import Quality
from backhaul.testing.conformance.bench import Bench
from backhaul.testing.conformance.examination import Examination, said_by
from backhaul.testing.conformance.faults import CUT_BEFORE
from backhaul.testing.conformance.garbage import every_single_fault, requests
from backhaul.testing.conformance.rules import Rule

__all__ = ["RULES"]

_EXAMPLES = 300


async def _examples(examination: Examination) -> Sequence[str]:
    if examination.webhook is None:
        return ()
    if not examination.case.webhooks:
        return ["the case has no example of a webhook (webhooks)"]
    found = []
    async with examination.bench() as bench:
        bench.wire.arm(CUT_BEFORE)
        for number, request in enumerate(examination.case.webhooks, start=1):
            events = _received(bench, examination.webhook, request)
            if isinstance(events, str):
                found.append(f"example {number}: {events}")
            elif not events:
                found.append(f"example {number} of a webhook makes no event")
            elif events != _received(bench, examination.webhook, request):
                found.append(f"example {number}: the same webhook makes other events the second time")
    return found


async def _total(examination: Examination) -> Sequence[str]:
    if examination.webhook is None:
        return ()
    try:
        import hypothesis
    except ImportError:
        return ["hypothesis is not installed: pip install 'backhaul[testing]'"]
    async with examination.bench() as bench:
        bench.wire.arm(CUT_BEFORE)
        offences: dict[str, None] = {}
        name = examination.webhook

        def examine(request: WebhookRequest) -> None:
            answer = _received(bench, name, request)
            if isinstance(answer, str):
                offences.setdefault(f"{answer}, for {_short(request)}")

        @hypothesis.settings(
            max_examples=_EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(requests(examination.case.webhooks))
        def fuzz(request: WebhookRequest) -> None:
            examine(request)

        for request in every_single_fault(examination.case.webhooks):
            examine(request)
        fuzz()
    return list(offences)[:5]


def _received(bench: Bench, name: str, request: WebhookRequest) -> Sequence[Event] | str:
    """Return the events of a webhook (none when it is rejected), or what is wrong with the receiver."""
    sent = len(bench.wire.seen)
    try:
        events = _at_once(getattr(bench.connection.connector, name)(request))
    except WebhookRejectedError as error:
        return () if 400 <= error.status <= 499 else f"it is rejected with status {error.status}, not 400 to 499"
    except Exception as error:  # noqa: BLE001  # other people's code
        return f"{name} raises {said_by(error)} instead of WebhookRejectedError"
    if len(bench.wire.seen) > sent:
        return f"{name} calls another system while the sender waits"
    try:
        known = bench.connection.connector.event_types(bench.connection.connector.settings)
        return next((wrong for event in events if (wrong := _wrong(event, known))), events)
    except TypeError:
        return f"{name} returns {type(events).__name__} instead of a sequence of events"


def _at_once(receiving: Coroutine[Any, Any, Any]) -> Any:
    try:
        receiving.send(None)
    except StopIteration as done:
        return done.value
    receiving.close()
    raise RuntimeError("it waits for something; a receiver decides from the request alone")


def _wrong(event: object, known: Collection[str]) -> str:
    if not isinstance(event, Event):
        return f"the receiver returns {type(event).__name__} instead of Event"
    if not isinstance(event.type, str) or not event.type:
        return "an event has no type"
    if known and event.type not in known:
        return f"the type {event.type} is not among those of event_types"
    if not isinstance(event.subject, str) or not isinstance(event.key, str | None):
        return f"the subject or the key of {event.type} is no text"
    if event.time.tzinfo is None:
        return f"the time of {event.type} has no zone"
    try:
        dump(event.data)
    except Exception as error:  # noqa: BLE001  # whatever cannot be stored
        return f"the data of {event.type} has no JSON form: {said_by(error)}"
    return ""


def _short(request: WebhookRequest) -> str:
    return f"{request.method} {request.query[:60]!r} {request.body[:120]!r}"


RULES = (
    Rule(
        id="webhook-examples",
        quality=Quality.SILVER,
        sentence="Each example of a webhook makes events, the same ones every time, without calling anybody.",
        check=_examples,
    ),
    Rule(
        id="webhooks-total",
        quality=Quality.SILVER,
        sentence="For any request whatever, the receiver of webhooks returns events or raises WebhookRejectedError.",
        check=_total,
    ),
)
