"""From a callback, however it was put together, to an event. Total: nothing that comes in is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from backhaul.sdk import Event, Json, WebhookRejectedError
from backhaul_connectors.axialys.models import CALL_EVENTS, CallData
from backhaul_connectors.axialys.numbers import e164

if TYPE_CHECKING:
    from backhaul.sdk import WebhookRequest
    from backhaul_connectors.axialys.settings import AxialysSettings

__all__ = ["Ignored", "event_key", "event_of", "parameters_of", "whole_seconds"]

_LONGEST_ID = 200
_LONGEST_VALUE = 500
_MOST_EXTRA = 20
_LONGEST_DURATION_S = 7 * 86_400
_PLACEHOLDER = re.compile(r"\{\w*\}")
_OWN = frozenset({"event", "call_id", "account_id", "calling_number", "called_number", "status", "billable_duration"})


class Ignored(Exception):  # noqa: N818  (not an error: the sender gets its 2xx)
    """A callback that is no event of this connection; the text, without personal data, says why."""


def event_of(request: WebhookRequest, settings: AxialysSettings) -> Event:
    """Return the event of a callback.

    The platform sends neither an id nor a time: two callbacks with the same call id and event are one event, and its
    time is that of the arrival.

    Raises:
        Ignored: it names no known event, no call, or another customer's account.
    """
    given = parameters_of(request)
    name = given.get("event", "").lower()
    if name not in CALL_EVENTS:
        raise Ignored(f"the event {name[:40]!r} is not one that is known" if name else "it names no event")
    call_id = given.get("call_id", "")
    if not call_id:
        raise Ignored(f"{name} names no call_id")
    if len(call_id) > _LONGEST_ID:
        raise Ignored(f"{name} has a call_id of {len(call_id)} characters")
    account_id = given.get("account_id")
    if account_id and settings.account_ids and account_id not in settings.account_ids:
        raise Ignored(f"{name} is of an account that is not among account_ids")
    data = _data(name, call_id, account_id, given, settings)
    return Event(
        type=name,
        subject=call_id,
        data=data.model_dump(mode="json"),
        time=request.received_at,
        key=event_key(name, call_id),
    )


def event_key(name: str, call_id: str) -> str:
    """Return the dedupe key of a call's event: the pair is all that identifies it."""
    return f"{name}:{call_id}"


def parameters_of(request: WebhookRequest) -> dict[str, str]:
    """Return a callback's parameters, wherever they are.

    How the platform adds them to the URL is not documented: with ``?`` (also a second one), with ``&`` (then they end
    up in the path), as a form, or into placeholders. Of repeated ones the last that says something counts; an empty
    one, and a placeholder that was not filled, says nothing.
    """
    found: dict[str, str] = {}
    for key, value in _pairs(request):
        name, text = _clean(key), _clean(value)
        if name and text and not _PLACEHOLDER.fullmatch(text):
            found[name] = text
    return found


def whole_seconds(text: str) -> int | None:
    """Return a duration that is a whole number of seconds and not longer than a week, else None."""
    found = re.fullmatch(r"([0-9]{1,9})(?:\.0{1,9})?", text.strip())
    seconds = int(found[1]) if found else -1
    return seconds if 0 <= seconds <= _LONGEST_DURATION_S else None


def _pairs(request: WebhookRequest) -> Iterator[tuple[str, str]]:
    yield from _split(request.path.lstrip("/"))
    yield from _split(request.query)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        yield from _split(request.body.decode("utf-8", "replace"))
    elif request.body.lstrip()[:1] == b"{":
        yield from _scalars(_json(request))


def _split(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text.replace("?", "&"), errors="replace")


def _json(request: WebhookRequest) -> Json:
    try:
        return request.json()
    except WebhookRejectedError:
        return None


def _scalars(value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str | int | float) and not isinstance(item, bool):
                yield key, str(item)


def _clean(text: str) -> str:
    """Return a text that any store takes: no control characters, no halves of characters, not too long."""
    whole = text[: 2 * _LONGEST_VALUE].encode("utf-8", "replace").decode()
    return "".join(sign for sign in whole if sign.isprintable())[:_LONGEST_VALUE].strip()


def _data(
    name: str, call_id: str, account_id: str | None, given: Mapping[str, str], settings: AxialysSettings
) -> CallData:
    calling, calling_raw = _number(given.get("calling_number"), settings)
    called, called_raw = _number(given.get("called_number"), settings)
    status = given.get("status")
    duration = given.get("billable_duration")
    seconds = whole_seconds(duration) if duration is not None else None
    extra = [(key, value) for key, value in given.items() if key not in _OWN and len(key) <= _LONGEST_ID]
    return CallData(
        call_id=call_id,
        event=name,
        account_id=account_id,
        calling_number=calling,
        calling_number_raw=calling_raw,
        called_number=called,
        called_number_raw=called_raw,
        status=status,
        outcome=settings.status_map.get(status.upper()) if status else None,
        billable_duration_s=seconds,
        billable_duration_raw=duration if seconds is None else None,
        extra=dict(extra[:_MOST_EXTRA]),
    )


def _number(text: str | None, settings: AxialysSettings) -> tuple[str | None, str | None]:
    """Return a number as E.164, and as it came when it is none."""
    if text is None:
        return None, None
    number = e164(text, settings.default_region)
    return (number, None) if number else (None, text)
