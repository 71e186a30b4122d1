"""Durable appends per second through the store's writer, against what bare sqlite3 does in the same run.

    python benchmarks/journal_writer.py [--steps 20000] [--rounds 5] [--folder DIR]

Everything is on `synchronous=FULL`. An append is one step upserted and on disk; a step's intent and its result are two.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backhaul.clock import SystemClock
from backhaul.store.records import StepRecord, StepStatus
from backhaul.store.rows import step_values
from backhaul.store.store import Store
from backhaul.store.tables import STEPS

CONCURRENCY = 100
NOW = datetime.now(UTC)


def intent(run_id: str, number: int) -> StepRecord:
    return StepRecord(
        run_id=run_id,
        key=f"link[SN{number:08d}]",
        seq=number + 1,
        verb="call",
        action="provider.add_acs_device",
        effect="write",
        status=StepStatus.RUNNING,
        params={"serial_number": f"SN{number:08d}", "login": f"user{number}"},
        started_at=NOW,
    )


def result(run_id: str, number: int) -> StepRecord:
    return StepRecord(
        run_id=run_id,
        key=f"link[SN{number:08d}]",
        seq=number + 1,
        verb="call",
        action="provider.add_acs_device",
        effect="write",
        status=StepStatus.SUCCEEDED,
        params={"serial_number": f"SN{number:08d}", "login": f"user{number}"},
        output={"id": number},
        started_at=NOW,
        finished_at=NOW,
    )


def bare_connection(path: Path) -> tuple[sqlite3.Connection, str]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    names = [column.name for column in STEPS.c]
    connection.execute(f"CREATE TABLE steps ({', '.join(names)}, PRIMARY KEY (run_id, key))")
    connection.execute("CREATE INDEX by_seq ON steps (run_id, seq)")
    changed = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    marks = ", ".join("?" * len(names))
    return connection, f"INSERT INTO steps VALUES ({marks}) ON CONFLICT (run_id, key) DO UPDATE SET {changed}"


def bare_sequence(folder: Path, steps: int) -> float:
    """One row per commit, the values ready-made: what the disk and SQLite give."""
    connection, sql = bare_connection(folder / "bare_sequence.db")
    rows = [step_values(make("run", number)) for number in range(steps // 2) for make in (intent, result)]
    begun = time.perf_counter()
    for row in rows:
        connection.execute(sql, row)
    elapsed = time.perf_counter() - begun
    connection.close()
    return len(rows) / elapsed


def bare_groups(folder: Path, steps: int) -> float:
    """Groups of 100 rows per commit by executemany, the values ready-made, no event loop and no waiting."""
    connection, sql = bare_connection(folder / "bare_groups.db")
    groups: list[list[tuple[Any, ...]]] = []
    for start in range(0, steps // 2, CONCURRENCY):
        numbers = range(start, start + CONCURRENCY)
        groups += [[step_values(make("run", number)) for number in numbers] for make in (intent, result)]
    begun = time.perf_counter()
    for group in groups:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql, group)
        connection.execute("COMMIT")
    elapsed = time.perf_counter() - begun
    connection.close()
    return len(groups) * CONCURRENCY / elapsed


async def store_sequence(folder: Path, steps: int) -> float:
    """Append, wait, append, wait."""
    async with await open_store(folder / "store_sequence.db") as store:
        begun = time.perf_counter()
        for number in range(steps // 2):
            await store.put_step(intent("run", number)).wait()
            await store.put_step(result("run", number)).wait()
        return steps / (time.perf_counter() - begun)


async def store_concurrent(folder: Path, steps: int) -> float:
    """100 tasks, each appending and waiting."""
    async with await open_store(folder / "store_concurrent.db") as store:

        async def worker(first: int) -> None:
            for number in range(first, steps // 2, CONCURRENCY):
                await store.put_step(intent("run", number)).wait()
                await store.put_step(result("run", number)).wait()

        begun = time.perf_counter()
        await asyncio.gather(*[worker(first) for first in range(CONCURRENCY)])
        return steps / (time.perf_counter() - begun)


async def store_late(folder: Path, steps: int) -> float:
    """Append without waiting, one barrier at the end: results of read steps."""
    async with await open_store(folder / "store_late.db") as store:
        begun = time.perf_counter()
        for number in range(steps):
            store.put_step(result("run", number))
            if number % 100 == 0:
                await store.room()
        await store.barrier()
        return steps / (time.perf_counter() - begun)


async def open_store(path: Path) -> Store:
    return await Store.open(f"sqlite:///{path}", clock=SystemClock())


def in_event_loop(benchmark: Callable[[Path, int], Awaitable[float]]) -> Callable[[Path, int], float]:
    import uvloop

    async def run(folder: Path, steps: int) -> float:
        return await benchmark(folder, steps)

    return lambda folder, steps: uvloop.run(run(folder, steps))


def rate(measure: Callable[[Path, int], float], steps: int, parent: Path | None) -> float:
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        return measure(Path(folder), steps)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="where the databases are made; default: temporary")
    options = parser.parse_args(arguments)

    few = options.steps // 4
    # Round by round, limit and store after one another: a machine that is busy for a while slows both.
    works: list[tuple[str, Callable[[Path, int], float], int, int | None]] = [
        ("bare sqlite3, one row per commit", bare_sequence, few, None),
        ("store, sequential append and wait", in_event_loop(store_sequence), few, 0),
        (f"bare sqlite3, {CONCURRENCY} rows per commit", bare_groups, options.steps, None),
        (f"store, {CONCURRENCY} tasks append and wait", in_event_loop(store_concurrent), options.steps, 2),
        ("store, append with one barrier", in_event_loop(store_late), options.steps, 2),
    ]
    rounds = [[rate(work[1], work[2], options.folder) for work in works] for _ in range(options.rounds)]
    for number, (name, _, _, limit) in enumerate(works):
        per_second = statistics.median(rates[number] for rates in rounds)
        share = 0.0 if limit is None else statistics.median(rates[number] / rates[limit] for rates in rounds)
        ratio = f"  {share:5.0%} of the raw limit" if share else ""
        print(f"{name:38} {per_second:>9,.0f}/s{ratio}")


if __name__ == "__main__":
    main()
