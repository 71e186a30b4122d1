"""CloudEvents 1.0 over HTTP: from a request in one of the three modes to records of events.

Source: the CloudEvents specification 1.0.2 with its HTTP protocol binding and its JSON event format. Extension
attributes, ``dataschema`` and ``datacontenttype`` are not kept; the latter says how ``data`` is read.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote_to_bytes

from backhaul.errors import InputError
from backhaul.ids import new_id
from backhaul.json_values import Json, load
from backhaul.store.records import EventRecord
from backhaul.store.service_records import Role

__all__ = ["read_cloud_events"]

_STRUCTURED: Final = "application/cloudevents"
_BATCH: Final = "application/cloudevents-batch"
_MOST: Final = 1000
# Of the longest, source and id together, a PostgreSQL index can still be made.
_LONGEST: Final = {"id": 500, "source": 1000, "type": 250, "subject": 1000}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([\w.:-]+)', re.IGNORECASE | re.ASCII)
_CHARSETS: Final = {
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
}
_RESERVED_SOURCES = ("workflow/", "run/")
_RESERVED_TYPE = "backhaul."


def read_cloud_events(
    headers: Mapping[str, str],
    body: bytes,
    *,
    received_at: datetime,
    connections: Collection[str],
    role: Role,
) -> list[EventRecord]:
    """Return the events of a request, in order: one in structured and binary mode, any number in a batch.

    The event's id is its dedupe key: together with the source it is unique. Types and sources of the engine itself
    (``backhaul.``, ``workflow/``, ``run/``) are refused. Types that begin with the name of a connection and a dot, and
    sources that are the name of one, are refused unless the role is admin: with them one could pass off an event as a
    vendor's, or keep a vendor's out that comes later with the same key.

    Args:
        headers: by lower-case name, Latin-1 decoded.
        body: the raw bytes.
        received_at: aware UTC; the time of events that state none.
        connections: names of the project's connections.
        role: of the token.

    Raises:
        InputError: they are not CloudEvents 1.0, or may not be sent; every reason names the attribute. Of a batch
            nothing is taken then.
    """
    problems: list[str] = []
    found = [
        _Attributes(raw, place, problems).record(received_at, connections, role)
        for place, raw in _raw_events(headers, body, problems)
    ]
    events = [event for event in found if event is not None]
    if problems:
        raise InputError("CloudEvents", problems)
    return events


def _raw_events(headers: Mapping[str, str], body: bytes, problems: list[str]) -> list[tuple[str, dict[str, Json]]]:
    """Return each event as in the JSON format, with what its attributes' places begin with in messages."""
    content_type = headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type.startswith(_STRUCTURED):
        return [("", _binary(headers, content_type, body, problems))]
    if media_type not in {f"{_STRUCTURED}+json", f"{_BATCH}+json"}:
        problems.append(f"Content-Type: {media_type} is no format that is known; send {_STRUCTURED}+json")
        return []
    try:
        value = load(body)
    except ValueError:
        problems.append("the body is not JSON")
        return []
    if not media_type.startswith(_BATCH):
        items = [("", value)]
    elif isinstance(value, list) and len(value) <= _MOST:
        items = [(f"[{number}].", item) for number, item in enumerate(value)]
    else:
        problems.append(f"the body of a batch must be a list of at most {_MOST} events")
        return []
    problems += [
        f"{place.rstrip('.') or 'the body'}: an event must be an object"
        for place, item in items
        if not isinstance(item, dict)
    ]
    return [(place, item) for place, item in items if isinstance(item, dict)]


def _binary(headers: Mapping[str, str], content_type: str, body: bytes, problems: list[str]) -> dict[str, Json]:
    """Return a request in binary mode as an event of the JSON format. Source: HTTP protocol binding, section 3.1."""
    raw: dict[str, Json] = {}
    for name, value in headers.items():
        if name.startswith("ce-"):
            try:
                raw[name[3:]] = _decoded(value)
            except ValueError:
                problems.append(f"{name[3:]}: the header is not percent-encoded UTF-8")
    if not raw:
        problems.append(f"this is no CloudEvent: send {_STRUCTURED}+json, or the headers ce-id, ce-source, ce-type")
    elif "datacontenttype" in raw:
        problems.append("datacontenttype: it is the header Content-Type, not ce-datacontenttype")
    for name in {"data", "data_base64"} & raw.keys():
        problems.append(f"{name}: the data are the body, not a header")
        del raw[name]
    if content_type:
        raw["datacontenttype"] = content_type
    if body:
        raw["data_base64"] = binascii.b2a_base64(body, newline=False).decode()
    return raw


def _decoded(value: str) -> str:
    """Return a header's value without quotes and percent-encoding. Source: HTTP protocol binding, section 3.1.3.2."""
    plain = _QUOTED.sub(lambda found: re.sub(r"\\(.)", r"\1", found[1]), value.strip())
    return unquote_to_bytes(plain.encode("latin-1")).decode("utf-8")


class _Attributes:
    """The attributes of one event, and a list for what is wrong with them."""

    def __init__(self, raw: Mapping[str, Json], place: str, problems: list[str]) -> None:
        self._raw = raw
        self._place = place
        self._problems = problems

    def record(self, received_at: datetime, connections: Collection[str], role: Role) -> EventRecord | None:
        """Return the event, or None with at least one problem more."""
        before = len(self._problems)
        version = self._text("specversion")
        if version not in {None, "1.0"}:
            self._problem("specversion", f"must be 1.0, not {version!r}")
        event_type = self._type(connections if role is not Role.ADMIN else ())
        source = self._source(connections if role is not Role.ADMIN else ())
        event = EventRecord(
            event_id=new_id(),
            type=event_type or "",
            source=source or "",
            subject=self._text("subject", is_required=False),
            data=self._data(),
            time=self._time() or received_at,
            received_at=received_at,
            dedupe_key=self._text("id"),
        )
        return event if len(self._problems) == before else None

    def _problem(self, name: str, reason: str) -> None:
        self._problems.append(f"{self._place}{name}: {reason}")

    def _text(self, name: str, *, is_required: bool = True) -> str | None:
        value = self._raw.get(name)
        if value is None:
            if is_required:
                self._problem(name, "is missing")
            return None
        longest = _LONGEST.get(name, 250)
        if not isinstance(value, str) or not value.strip():
            self._problem(name, "must be a text that is not empty")
        elif _CONTROL.search(value):
            self._problem(name, "must not hold control characters")
        elif len(value.encode()) > longest:
            self._problem(name, f"must not be longer than {longest} bytes")
        else:
            return value
        return None

    def _type(self, connections: Collection[str]) -> str | None:
        value = self._text("type")
        prefix = (value or "").partition(".")[0]
        if value and value.startswith(_RESERVED_TYPE):
            self._problem("type", f"{value!r} is reserved: events of the engine begin with {_RESERVED_TYPE}")
        elif value and "." in value and prefix in connections:
            self._problem(
                "type", f"{value!r} is reserved for the connection {prefix!r}; a token of an admin may send it"
            )
        return value

    def _source(self, connections: Collection[str]) -> str | None:
        value = self._text("source")
        if value and value.startswith(_RESERVED_SOURCES):
            self._problem("source", f"{value!r} is reserved for the engine")
        elif value in connections:
            self._problem("source", f"{value!r} is reserved for the connection; a token of an admin may send it")
        return value

    def _time(self) -> datetime | None:
        value = self._text("time", is_required=False)
        if value is None:
            return None
        try:
            if _RFC_3339.fullmatch(value):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        self._problem("time", f"{value[:40]!r} is no time as 2031-01-10T12:00:00Z")
        return None

    def _data(self) -> Json:
        """Return the data: JSON as it is, text as text, anything else in base64. Source: JSON event format, 3.1.2."""
        content_type = self._text("datacontenttype", is_required=False) or "application/json"
        if self._raw.get("data_base64") is None:
            return self._raw.get("data")
        if "data" in self._raw:
            self._problem("data", "there is data_base64 as well; send one of them")
        encoded = self._raw["data_base64"]
        try:
            return _interpreted(binascii.a2b_base64(encoded, strict_mode=True), encoded, content_type)
        except _NotOfTypeError as error:
            self._problem("data", str(error))
        except (ValueError, TypeError):
            self._problem("data_base64", "must be base64")
        return None


class _NotOfTypeError(Exception):
    """Data are not what their content type says."""


def _interpreted(data: bytes, encoded: str, content_type: str) -> Json:
    media_type = content_type.partition(";")[0].strip().lower()
    subtype = media_type.partition("/")[2]
    if subtype == "json" or subtype.endswith("+json"):
        try:
            return load(data)
        except ValueError:
            raise _NotOfTypeError(f"is not JSON; say in the content type what it is (now {media_type})") from None
    if not media_type.startswith("text/") and subtype != "xml" and not subtype.endswith("+xml"):
        return encoded
    found = _CHARSET.search(content_type)
    charset = found[1].lower() if found else "utf-8"
    try:
        return data.decode(_CHARSETS[charset])
    except (ValueError, KeyError):
        raise _NotOfTypeError(f"is not text in {charset}; known are {', '.join(_CHARSETS)}") from None
