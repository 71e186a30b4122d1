"""The result of a speed test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from backhaul.sdk import Json
from backhaul_connectors.ixc_acs.diagnostics import Diagnosis, DiagnosticState, fields_of, single, state_of, word_of
from backhaul_connectors.ixc_acs.reading import mapping, name_key, text
from backhaul_connectors.ixc_acs.throughput import Throughput, throughput_of

__all__ = ["SpeedTest", "speed_test_of", "start_body"]

_SPEEDS = {"kbps": 1e-3, "kbits": 1e-3, "mbps": 1.0, "mbits": 1.0, "gbps": 1e3, "bps": 1e-6}
_DIRECT = ("mbps", "speedmbps", "throughputmbps", "speed", "throughput", "rate", "bps", "throughputbps", "kbps")
_MORE_OF_NOTHING = frozenset({"filesizes", "testtypes"})


class SpeedTest(Diagnosis):
    """A speed test. The speeds depend on the server that the ACS tests against."""

    download_mbps: float | None = None
    """Mbit/s; None when it was not tested or its counters cannot be believed (`doubt`)."""
    upload_mbps: float | None = None
    """Mbit/s."""
    download_word: str | None = None
    """The device's word for the download alone, if it has one."""
    upload_word: str | None = None
    """The device's word for the upload alone, if it has one."""
    contracted_download_mbps: float | None = None
    """What the ERP told the ACS that the customer has bought (rule S7)."""
    contracted_upload_mbps: float | None = None
    tcp_open_ms: float | None = None
    """Round trip of opening the TCP connection of the download."""
    server: str | None = None
    """What was tested against, without query and credentials."""
    ended_at: datetime | None = None
    """When the last packet went, UTC."""
    doubt: str | None = None
    """Why a speed is missing although its counters are there."""


def start_body(download: tuple[int, int] | None, upload: tuple[int, int] | None) -> dict[str, Json]:
    """Return the body that starts a speed test with files of these bytes. Source: ixc_acs reference, section 6.4."""
    sizes = {
        name: {"size1": pair[0], "size2": pair[1]}
        for name, pair in (("download", download), ("upload", upload))
        if pair is not None
    }
    return {"fileSizes": sizes, "testTypes": {"download": download is not None, "upload": upload is not None}}


def speed_test_of(serial: str, answer: Json) -> SpeedTest:
    """Return the speed test of an answer, whose shape is not documented: TR-069's own names, wherever they are.

    An answer without any of them is one without a result. Source: tr069 reference, sections 3 and 4.
    """
    body = single(answer)
    down, up, contract = (_part(body, name) for name in ("download", "upload", "contract"))
    downloaded, uploaded = _speed(body, down, "download"), _speed(body, up, "upload")
    words = [word for word in (word_of(down), word_of(up)) if word is not None]
    word = _outer_word(body) or _leading(words) or word_of(body)
    state = state_of(word, has_result=downloaded.mbps is not None or uploaded.mbps is not None)
    if any(state_of(one, has_result=False) is DiagnosticState.FAILED for one in words):
        state, word = DiagnosticState.FAILED, _leading(words)
    fields = fields_of(body)
    server = text(fields.get("server")) or text(fields.get("downloadurl")) or text(fields.get("testserver"))
    return SpeedTest(
        serial=serial,
        state=state,
        word=word,
        error=word if state is DiagnosticState.FAILED else None,
        download_mbps=downloaded.mbps,
        upload_mbps=uploaded.mbps,
        download_word=word_of(down),
        upload_word=word_of(up),
        contracted_download_mbps=_mbps(contract.get("download"), ""),
        contracted_upload_mbps=_mbps(contract.get("upload"), ""),
        tcp_open_ms=downloaded.tcp_open_ms,
        server=re.sub(r"//[^/@]*@", "//", server.partition("?")[0]) if server else None,
        ended_at=max((one.ended_at for one in (downloaded, uploaded) if one.ended_at), default=None),
        doubt=downloaded.doubt or uploaded.doubt,
    )


def _part(body: Json, word: str) -> dict[str, Json]:
    """Return the object under the outermost field whose name holds a word such as ``download``, by `name_key`."""
    layer = [mapping(body)]
    for _ in range(6):
        below: list[Mapping[str, Json]] = []
        for one in layer:
            for name, value in one.items():
                key = name_key(str(name))
                if not isinstance(value, Mapping) or key in _MORE_OF_NOTHING:
                    continue
                if word in key:
                    return {name_key(str(inner)): found for inner, found in value.items()}
                if "contract" not in key:
                    below.append(value)
        layer = below
    return {}


def _speed(body: Json, part: Mapping[str, Json], direction: str) -> Throughput:
    upload = direction == "upload"
    outer = fields_of({name: value for name, value in mapping(body).items() if not isinstance(value, Mapping)})
    counted = throughput_of(fields_of(part) if part else fields_of(body), upload=upload)
    if counted.mbps is not None or counted.doubt is not None:
        return counted
    for fields, prefix in ((fields_of(part), ""), (outer, direction)):
        for name in _DIRECT:
            mbps = _mbps(fields.get(f"{prefix}{name}"), name)
            if mbps is not None:
                return Throughput(mbps=mbps, tcp_open_ms=counted.tcp_open_ms, ended_at=counted.ended_at)
    return counted


def _mbps(value: Json, name: str) -> float | None:
    """Return Mbit/s of a number, whose unit the field's name may tell, or of a text such as ``310M``."""
    factor = next((factor for unit, factor in _SPEEDS.items() if name.endswith(unit)), 1.0)
    if isinstance(value, str):
        found = re.fullmatch(r"\s*([0-9]{1,9}(?:[.,][0-9]{1,6})?)\s*([kmg]?)(?:bit/s|bps|b)?\s*", value, re.IGNORECASE)
        if found is None:
            return None
        scale = {"": factor, "k": 1e-3, "m": 1.0, "g": 1e3}[found[2].lower()]
        return float(found[1].replace(",", ".")) * scale
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**12:
        return None
    return float(value) * factor


def _outer_word(body: Json) -> str | None:
    return word_of({name: value for name, value in mapping(body).items() if not isinstance(value, Mapping)})


def _leading(words: list[str]) -> str | None:
    """Return the word that decides: a failure before one that is not finished, that before a finished one."""
    order = (DiagnosticState.FAILED, DiagnosticState.NONE, DiagnosticState.RUNNING, DiagnosticState.FINISHED)
    return min(words, key=lambda word: order.index(state_of(word, has_result=False)), default=None)
