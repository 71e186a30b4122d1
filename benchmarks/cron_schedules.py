"""10,000 cron schedules built and their first ticks known, against croniter alone on wall-clock time.

Building a schedule is reading and checking its trigger; its first tick is the next one from now on, in its zone, by the
rules for changes of the clock. croniter alone makes one iterator of each expression and asks it once, without a zone.
Nothing is kept from one round to the next.
"""

from __future__ import annotations

import gc
import heapq
import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from croniter import croniter

from backhaul.triggers import cron, ticks, wall_times, zone_offsets
from backhaul.triggers.catch_up import decide_due
from backhaul.triggers.cron import CronTrigger
from backhaul.triggers.ticks import next_tick

SCHEDULES = 10_000
ROUNDS = 5
NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)  # the night in which clocks go forward in Europe is the next one
ZONES = ["UTC", "America/Sao_Paulo", "Europe/Paris", "Europe/London", "Europe/Lisbon", "Australia/Lord_Howe"]


def distinct() -> list[str]:
    """Return expressions of which no two are the same."""
    return [
        (
            f"{number % 60} {number // 60 % 24} * * {number // 1440}",
            f"{number % 60} {number // 60 % 24} {1 + number // 1440} * *",
            f"{number % 60},{(number + 29) % 60} {number // 60 % 24}-23/2 * 1-12/2 mon-{1 + number // 1440}",
        )[number % 3]
        for number in range(SCHEDULES)
    ]


def common() -> list[str]:
    """Return expressions as people write them: a few, again and again."""
    usual = ["*/5 * * * *", "0 3 * * *", "@hourly", "30 8 * * mon-fri", "0 0 1 * *", "*/15 8-18 * * *", "0 6 L * *"]
    return [usual[number % len(usual)] for number in range(SCHEDULES)]


def schedules(expressions: list[str]) -> list[tuple[datetime, int, CronTrigger]]:
    """Build all schedules into a heap by their first tick."""
    heap = []
    for number, expression in enumerate(expressions):
        trigger = CronTrigger(expression=expression, timezone=ZONES[number % len(ZONES)])
        tick = next_tick(trigger, NOW, seed=str(number))
        if tick:
            heap.append((tick.due, number, trigger))
    heapq.heapify(heap)
    return heap


def raw(expressions: list[str]) -> None:
    """Ask croniter for the same, without a zone, an error message or a rule."""
    now = NOW.replace(tzinfo=None)
    for expression in expressions:
        croniter(expression, now).get_next(datetime)


def forget() -> None:
    """Empty all caches that a new process has not yet."""
    for module in (cron, ticks, wall_times, zone_offsets):
        for part in vars(module).values():
            if hasattr(part, "cache_clear"):
                part.cache_clear()


def seconds(work: Callable[[list[str]], object], expressions: list[str]) -> float:
    """Return the median time of some rounds, each with empty caches."""
    taken = []
    for _ in range(ROUNDS):
        forget()
        gc.collect()
        began = time.perf_counter()
        work(expressions)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Print times, ratios and memory."""
    for name, expressions in (("distinct", distinct()), ("common", common())):
        limit, taken = seconds(raw, expressions), seconds(schedules, expressions)
        print(f"  croniter alone, {name:<8} expressions  {limit:6.2f} s")
        print(
            f"  {SCHEDULES:,} schedules, {name:<8}          {taken:6.2f} s"
            f"  {taken / limit:5.0%} of croniter's time (to reach: under 1 s)"
        )
    forget()
    tracemalloc.start()
    heap = schedules(distinct())
    print(f"  memory of the distinct ones, caches included  {tracemalloc.get_traced_memory()[0] / 2**20:5.1f} MiB")
    tracemalloc.stop()
    began = time.perf_counter()
    for due, _, trigger in heap:
        decide_due(trigger, last=due - timedelta(minutes=1), now=due)
    print(f"  one tick decided, and the next one known       {(time.perf_counter() - began) / len(heap) * 1e6:5.0f} us")
