"""From the ring to the agent's card on a screen: a served project beside systems that answer after 50 ms.

The time is that of the program on the agent's desk: from just before the telephone rings to the moment at which the
card has come in. The limit is measured in the same run: the very requests of the lookups, sent bare. Processor time is
that of the whole service for all that a call sets off: the lookup, the posting of both cards, the speed test's run.
"""

from __future__ import annotations

import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.call_to_card_bare import Measured, bare_lookups, lookups_of
from benchmarks.call_to_card_office import Process, Screen, ask, process, served

T = TypeVar("T")

LATENCY_MS = 50
CALLS = 60
AT_ONCE = 20
ROUNDS = 8
CALLS_WHEN_DOWN = 10
SUBSCRIBERS = 500
SETTLING_S = 1.0

SLOW = {vendor: {"latency_ms": LATENCY_MS} for vendor in ("acs", "provider", "crm")}
TROUBLES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "the ERP hangs": ("settings", {"provider": {"latency_ms": 60_000}}),
    "the ERP answers 500": ("faults", {"kind": "status", "vendor": "provider", "code": 500}),
    "the ERP answers 503": ("faults", {"kind": "status", "vendor": "provider", "code": 503}),
    "the ACS hangs": ("settings", {"acs": {"latency_ms": 60_000}}),
    "the ACS answers 503": ("faults", {"kind": "status", "vendor": "acs", "code": 503}),
    "ISPCRM hangs": ("settings", {"crm": {"latency_ms": 60_000}}),
    "ISPCRM answers 503": ("faults", {"kind": "status", "vendor": "crm", "code": 503}),
}


def calls(sandbox: str, screen: Screen, indexes: Sequence[int]) -> dict[str, float]:
    """Let subscribers call, all at once; return the milliseconds until each one's card, by call."""
    began: dict[str, float] = {}
    lock = threading.Lock()

    def ring(index: int) -> None:
        start = time.monotonic()
        call = ask(f"{sandbox}/_sandbox/axialys/incoming_call", {"index": index})
        with lock:
            began[call["call_id"]] = start

    threads = [threading.Thread(target=ring, args=(index,)) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    came = screen.wait_for(list(began))
    return {call_id: (came[call_id] - start) * 1000 for call_id, start in began.items()}


def rung(sandbox: str, screen: Screen, service: Process, rounds: Sequence[Sequence[int]]) -> Measured:
    """Let subscribers call, those of a round at once, and measure the service."""
    cpu_ms = service.cpu_ms()
    took: dict[str, float] = {}
    for indexes in rounds:
        took |= calls(sandbox, screen, indexes)
        if len(indexes) > 1:
            time.sleep(SETTLING_S)  # the runs that these calls have set off
    time.sleep(SETTLING_S)
    parts = sum(bool(screen.missing[call_id]) for call_id in took)
    if parts:
        print(f"  (on {parts} of {len(took)} cards something is missing: this machine is too busy for the timeouts)")
    return Measured(list(took.values()), (service.cpu_ms() - cpu_ms) / len(took))


def told(what: str, measured: Measured, bare: Measured) -> None:
    """Print two lines of figures: the workflow's, and the bare requests'."""
    (p50, p99), (low, high) = quantiles(measured.took_ms), quantiles(bare.took_ms)
    print(f"  {what:28} p50 {p50:5.0f} ms  p99 {p99:5.0f} ms  CPU {measured.cpu_ms:5.1f} ms per call")
    print(f"  {'  the requests alone':28} p50 {low:5.0f} ms  p99 {high:5.0f} ms  CPU {bare.cpu_ms:5.1f} ms per call")
    print(f"  {'  times the requests alone':28} p50 {p50 / low:5.2f}     p99 {p99 / high:5.2f}")


def quantiles(took_ms: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    took = sorted(took_ms)
    return statistics.median(took), took[min(len(took) * 99 // 100, len(took) - 1)]


def told_when_down(what: str, took_ms: Sequence[float]) -> None:
    """Print the line of a system that is down."""
    print(f"  {what:28} p50 {statistics.median(took_ms):5.0f} ms  longest {max(took_ms):5.0f} ms")


def calls_when_down(sandbox: str, screen: Screen) -> list[float]:
    """Let some call, one after the other, while something is down."""
    took: dict[str, float] = {}
    for index in range(SUBSCRIBERS - 1 - CALLS_WHEN_DOWN, SUBSCRIBERS - 1):
        took |= calls(sandbox, screen, [index])
    whole = [call_id for call_id in took if not screen.missing[call_id]]
    if whole:
        raise SystemExit(f"nothing is missing on the cards of {whole}")
    return list(took.values())


def when_refused(folder: Path, sandbox: str, screen: Screen) -> list[float]:
    """Return the times of calls while nobody listens where the ERP was."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        nobody = {"provider": f"http://127.0.0.1:{deaf.getsockname()[1]}"}
        with served(folder, sandbox, screen, nobody):
            return calls_when_down(sandbox, screen)


def measure(folder: Path, sandbox: str, screen: Screen) -> None:
    """Measure a served project beside systems of which first all answer, and then one does not."""
    indexes = list(range(CALLS + ROUNDS * AT_ONCE))
    bare = lookups_of(sandbox, indexes)  # while the systems answer at once
    with served(folder, sandbox, screen) as service:
        calls(sandbox, screen, [SUBSCRIBERS - 1])  # opens the connections, takes the ACS's token
        ask(f"{sandbox}/_sandbox/settings", SLOW)
        for what, size, own in (
            (f"one call at a time ({CALLS})", 1, slice(CALLS)),
            (f"{AT_ONCE} calls at once ({ROUNDS} times)", AT_ONCE, slice(CALLS, None)),
        ):
            measured = rung(sandbox, screen, service, _rounds(indexes[own], size))
            told(what, measured, bare_lookups(_rounds(bare[own], size)))
        print(f"  a system is down, one call at a time ({CALLS_WHEN_DOWN}), the card says what is missing:")
        for what, (path, trouble) in TROUBLES.items():
            ask(f"{sandbox}/_sandbox/{path}", trouble)
            told_when_down(what, calls_when_down(sandbox, screen))
            ask(f"{sandbox}/_sandbox/settings", SLOW)
            ask(f"{sandbox}/_sandbox/faults", method="DELETE")


def _rounds(all_of: Sequence[T], size: int) -> list[Sequence[T]]:
    return [all_of[first : first + size] for first in range(0, len(all_of), size)]


def main() -> None:
    """Print the times of single calls, of twenty at once, and with a system down, against the requests alone."""
    screen = Screen()
    threading.Thread(target=screen.serve_forever, daemon=True).start()
    print(f"  systems that answer after {LATENCY_MS} ms, {os.cpu_count()} cores, everything in processes of its own")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with process(folder, ["sandbox", "--devices", str(SUBSCRIBERS), "--seed", "3", "--port", "0"]) as systems:
            measure(folder / "whole", systems.url, screen)
            told_when_down("the ERP refuses connections", when_refused(folder / "refused", systems.url, screen))
    screen.shutdown()
    print("  (to reach: a card within a second of the ring)")
