"""Speed out of the counters of a transfer test (TR-143), with guards against counters that lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from backhaul.sdk import Json
from backhaul_connectors.ixc_acs.reading import decimal

__all__ = ["Throughput", "number_of", "test_moment", "throughput_of"]

_WRAP = 2**32
_FULLEST_MBPS = 100_000.0
_SHORTEST_WITHOUT_FRACTION_S = 5.0
_UNSET_YEAR = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """A speed, or why there is none.

    Attributes:
        mbps: Mbit/s (10^6 bits); None when the counters give none.
        doubt: why there is none although there are counters, or None.
        tcp_open_ms: round trip of opening the TCP connection, or None.
        ended_at: when the last packet went, UTC, or None.
    """

    mbps: float | None = None
    doubt: str | None = None
    tcp_open_ms: float | None = None
    ended_at: datetime | None = None


def throughput_of(fields: Mapping[str, Json], *, upload: bool) -> Throughput:
    """Return the speed of a test by its fields, whose names are `name_key`s (``testbytesreceived``).

    Source: tr069 reference, section 4. Of several connections the full-loading pair counts; an upload without
    ``TestBytesSent`` (TR-098) counts its ``TestFileLength``. Total counters include other traffic and never count.
    """
    begin, end = test_moment(fields.get("bomtime")), test_moment(fields.get("eomtime"))
    asked, opened = test_moment(fields.get("tcpopenrequesttime")), test_moment(fields.get("tcpopenresponsetime"))
    tcp_open_ms = (opened - asked).total_seconds() * 1000 if asked and opened and opened >= asked else None
    mbps, doubt = _full_loading(fields, upload=upload)
    if mbps is None and doubt is None:
        mbps, doubt = _by_times(fields, begin, end, upload=upload)
    if mbps is not None and mbps > _FULLEST_MBPS:
        mbps, doubt = None, "faster than any line: the counters or times are wrong"
    return Throughput(mbps=None if mbps is None else round(mbps, 3), doubt=doubt, tcp_open_ms=tcp_open_ms, ended_at=end)


def test_moment(value: Json) -> datetime | None:
    """Return a UTC moment of a TR-069 date-time, which needs no zone; None for unset ones (``0001-01-01``)."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        moment = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None if moment.year <= _UNSET_YEAR else moment


def number_of(value: Json) -> int | None:
    """Return a whole number given as number or text; None when it is neither."""
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(-?[0-9]{1,18})\s*", value)
        return int(found[1]) if found else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    level = decimal(value)
    return int(level) if level is not None and abs(level) < 10**18 else None


def _full_loading(fields: Mapping[str, Json], *, upload: bool) -> tuple[float | None, str | None]:
    """Return the speed of several connections: bytes under full loading by microseconds."""
    counted = number_of(fields.get("testbytessentunderfullloading" if upload else "testbytesreceivedunderfullloading"))
    period_us = number_of(fields.get("periodoffullloading"))
    if not counted or counted < 0 or not period_us or period_us < 0:
        return None, None
    return counted * 8 / period_us, None


def _by_times(
    fields: Mapping[str, Json], begin: datetime | None, end: datetime | None, *, upload: bool
) -> tuple[float | None, str | None]:
    counted, doubt = _bytes(fields, upload=upload)
    if counted is None:
        return None, doubt
    if begin is None or end is None:
        return None, "the time of the first or last packet is missing"
    seconds = (end - begin).total_seconds()
    if seconds <= 0:
        return None, "the last packet went before the first"
    if not begin.microsecond and not end.microsecond and seconds < _SHORTEST_WITHOUT_FRACTION_S:
        return None, f"the times have no fractions of a second, which is too coarse for {seconds:.0f} s"
    return counted * 8 / seconds / 1e6, None


def _bytes(fields: Mapping[str, Json], *, upload: bool) -> tuple[int | None, str | None]:
    """Return the bytes of the test itself, or why they cannot be believed."""
    length = number_of(fields.get("testfilelength"))
    counted = number_of(fields.get("testbytessent" if upload else "testbytesreceived"))
    if counted is None and upload:
        counted = length
    if counted is None:
        return None, None
    if counted < 0:
        counted += _WRAP  # A 32-bit counter that was read with a sign.
    while upload and length is not None and length >= _WRAP and counted + _WRAP <= length * 1.1:
        counted += _WRAP
    total = number_of(fields.get("totalbytessent" if upload else "totalbytesreceived"))
    if total is not None and 0 <= total < counted:
        return None, "the whole traffic is less than that of the test: a counter has wrapped"
    return (counted, None) if counted > 0 else (None, "no byte was counted")
