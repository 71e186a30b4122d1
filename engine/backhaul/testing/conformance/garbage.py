"""Webhooks that no receiver should trip over: pure garbage, and real ones with something wrong in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from backhaul.plugins.events import WebhookRequest

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["every_single_fault", "requests"]

_RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
_WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    "",
    "x",
    "\0",
    "é" * 300,
    [],
    [1],
    {},
    {"x": 1},
    [[]],
    "9" * 400,
)
_ABSENT = object()


def every_single_fault(known: Sequence[WebhookRequest]) -> Iterator[WebhookRequest]:
    """Give each known request with each of its values, at any depth, missing or replaced by another kind of value."""
    for request in known:
        yield replace(request, body=b"", query="", headers={})
        for wrong in (_ABSENT, *_WRONG):
            for query in _with_one_wrong_pair(request.query, wrong):
                yield replace(request, query=query)
            if body := _json(request.body):
                for changed in _with_one_wrong_value(body, wrong):
                    yield replace(request, body=json.dumps(changed).encode())
            else:
                for text in _with_one_wrong_pair(request.body.decode("utf-8", "replace"), wrong):
                    yield replace(request, body=text.encode("utf-8", "replace"))


def requests(known: Sequence[WebhookRequest]) -> SearchStrategy[WebhookRequest]:
    """Give garbage, and the known requests with pieces of garbage in them."""
    from hypothesis import strategies as st

    scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    values = st.recursive(
        scalar, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner)
    )
    kinds = st.sampled_from(
        ["", "application/json", "application/x-www-form-urlencoded", "text/plain; charset=x", "\x00"]
    )
    garbage = st.builds(
        WebhookRequest,
        method=st.sampled_from(["GET", "POST", "PUT", "PATCH", ""]),
        path=st.text(max_size=20),
        query=st.text(max_size=60),
        headers=st.builds(
            lambda kind, more: {**more, "content-type": kind},
            kinds,
            st.dictionaries(st.text(max_size=8), st.text(max_size=20)),
        ),
        body=st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()),
        received_at=st.just(_RECEIVED),
    )
    if not known:
        return garbage
    cut = st.builds(_cut, st.sampled_from(list(known)), st.integers(0, 10_000), st.binary(max_size=3))
    moved = st.builds(
        lambda request, other: replace(request, method=other.method, query=other.query, headers=other.headers),
        st.sampled_from(list(known)),
        garbage,
    )
    return st.one_of(garbage, cut, moved)


def _cut(request: WebhookRequest, place: int, instead: bytes) -> WebhookRequest:
    """Return a request with one byte of its body, or of its query, replaced by others."""
    if request.body:
        at = place % len(request.body)
        return replace(request, body=request.body[:at] + instead + request.body[at + 1 :])
    at = place % (len(request.query) + 1)
    return replace(request, query=request.query[:at] + instead.decode("latin-1") + request.query[at + 1 :])


def _with_one_wrong_pair(query: str, wrong: object) -> Iterator[str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    for place, (name, _) in enumerate(pairs):
        instead = [] if wrong is _ABSENT else [(name, wrong if isinstance(wrong, str) else json.dumps(wrong))]
        yield urlencode([*pairs[:place], *instead, *pairs[place + 1 :]])


def _with_one_wrong_value(value: Any, wrong: object) -> Iterator[Any]:
    if wrong is not _ABSENT:
        yield wrong
    if isinstance(value, Mapping):
        for key, item in value.items():
            if wrong is _ABSENT:
                yield {name: one for name, one in value.items() if name != key}
            for changed in _with_one_wrong_value(item, wrong):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for place, item in enumerate(value):
            for changed in _with_one_wrong_value(item, wrong):
                yield [*value[:place], changed, *value[place + 1 :]]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
