"""The results of ping, traceroute and the neighbour scan."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import Json, Personal
from backhaul_connectors.ixc_acs.diagnostics import (
    Diagnosis,
    DiagnosticState,
    fields_of,
    objects_of,
    single,
    state_of,
    word_of,
)
from backhaul_connectors.ixc_acs.reading import decimal, text
from backhaul_connectors.ixc_acs.throughput import number_of

__all__ = ["Hop", "Neighbor", "NeighborScan", "Ping", "Traceroute", "neighbor_scan_of", "ping_of", "traceroute_of"]


_NETWORK = frozenset({"channel", "ssid", "bssid"})


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Ping(Diagnosis):
    """A ping from the device."""

    success_count: int | None = None
    failure_count: int | None = None
    average_ms: int | None = None
    """None when nothing answered: devices write 0 then."""
    minimum_ms: int | None = None
    maximum_ms: int | None = None
    ip_address: str | None = None
    """Address that was pinged, if the device tells."""


class Hop(_Record):
    """One hop of a route."""

    host: str | None = None
    address: str | None = None
    error_code: int | None = None
    """ICMP code; 0 or None when there was no error."""
    rtt_ms: tuple[int, ...] = ()
    """Round trips; 0 means that nothing answered."""


class Traceroute(Diagnosis):
    """The route from the device to a host."""

    response_time_ms: int | None = None
    hops: tuple[Hop, ...] = ()


class Neighbor(_Record):
    """A Wi-Fi network in the neighbourhood. Personal data: `ssid`, `bssid` (of other people)."""

    channel: int | None = None
    signal_dbm: float | None = None
    """None when the value cannot be a level (it must be negative)."""
    bandwidth_mhz: int | None = None
    ssid: Personal[str | None] = None
    bssid: Personal[str | None] = None
    band: str | None = None
    """As the device writes it."""


class NeighborScan(Diagnosis):
    """What a device hears of other Wi-Fi networks. An empty list is a scan that has not ended."""

    neighbors: tuple[Neighbor, ...] = ()


def ping_of(serial: str, answer: Json) -> Ping:
    """Return the ping of an answer. Source: tr069 reference, section 3.1."""
    answer = single(answer)
    fields = fields_of(answer)
    success = number_of(fields.get("successcount"))
    word = word_of(answer)
    state = state_of(word, has_result=success is not None)

    def time(*names: str) -> int | None:
        value = next((found for name in names if (found := number_of(fields.get(name))) is not None), None)
        return None if not success else value

    return Ping(
        serial=serial,
        state=state,
        word=word,
        error=word if state is DiagnosticState.FAILED else None,
        success_count=success,
        failure_count=number_of(fields.get("failurecount")),
        average_ms=time("averageresponsetime", "average"),
        minimum_ms=time("minimumresponsetime", "minimum"),
        maximum_ms=time("maximumresponsetime", "maximum"),
        ip_address=text(fields.get("ipaddressused")),
    )


def traceroute_of(serial: str, answer: Json) -> Traceroute:
    """Return the route of an answer, with the hop fields of either data model."""
    answer = single(answer)
    fields = fields_of(answer)
    hops = tuple(_hop(fields_of(entry)) for entry in objects_of(answer))
    word = word_of(answer)
    state = state_of(word, has_result=bool(hops))
    return Traceroute(
        serial=serial,
        state=state,
        word=word,
        error=word if state is DiagnosticState.FAILED else None,
        response_time_ms=number_of(fields.get("responsetime")),
        hops=hops,
    )


def neighbor_scan_of(serial: str, answer: Json) -> NeighborScan:
    """Return the scan of an answer: a list, empty until the scan has ended."""
    heard = (fields_of(entry) for entry in objects_of(answer))
    neighbors = tuple(_neighbor(fields) for fields in heard if _NETWORK & fields.keys())
    # A list of networks has no word of its own; one with a single entry that is no network tells a state.
    word = word_of(answer) if isinstance(answer, dict) else None if neighbors else word_of(single(answer))
    state = state_of(word, has_result=bool(neighbors))
    return NeighborScan(
        serial=serial,
        state=state,
        word=word,
        error=word if state is DiagnosticState.FAILED else None,
        neighbors=neighbors,
    )


def _hop(fields: dict[str, Json]) -> Hop:
    times = fields.get("hoprttimes", fields.get("rttimes"))
    parts = times if isinstance(times, list) else times.split(",") if isinstance(times, str) else [times]
    return Hop(
        host=text(fields.get("hophost", fields.get("host"))),
        address=text(fields.get("hophostaddress", fields.get("hostaddress"))),
        error_code=number_of(fields.get("hoperrorcode", fields.get("errorcode"))),
        rtt_ms=tuple(found for part in parts if (found := number_of(part)) is not None),
    )


def _neighbor(fields: dict[str, Json]) -> Neighbor:
    found = (decimal(fields.get(name)) for name in ("rssi", "signal", "signalstrength", "noise"))
    level = next((one for one in found if one is not None), None)
    width = re.match(r"\s*([0-9]{2,3})", str(fields.get("bandwidth", fields.get("operatingchannelbandwidth", ""))))
    return Neighbor(
        channel=number_of(fields.get("channel")),
        signal_dbm=level if level is not None and -200 <= level < 0 else None,
        bandwidth_mhz=int(width[1]) if width else None,
        ssid=text(fields.get("ssid")),
        bssid=text(fields.get("bssid")),
        band=text(fields.get("operatingfrequencyband", fields.get("band"))),
    )
