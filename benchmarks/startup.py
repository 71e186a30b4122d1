"""How long ``backhaul --help`` takes, against an empty Python program."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds(command: list[str]) -> float:
    """Return how long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Print medians of alternating runs."""
    empty, helped = [], []
    for _ in range(ROUNDS):
        empty.append(seconds([sys.executable, "-c", "pass"]))
        helped.append(seconds([sys.executable, "-m", "backhaul", "--help"]))
    limit, measured = statistics.median(empty), statistics.median(helped)
    print(f"  python -c pass   {limit * 1000:5.0f} ms")
    print(f"  backhaul --help  {measured * 1000:5.0f} ms  {measured / limit:4.1f} times the limit (to reach: 150 ms)")
