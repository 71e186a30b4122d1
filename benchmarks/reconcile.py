"""Seconds and peak memory of reconciling two large sides, against the same join in plain SQLite.

Both sides are listed by a connector that makes them up, 1,000 records a page. What is measured is the step alone:
reading the stored pages back, the join, the changes, a record of every key. The plain join puts the same keys and
values into two tables of a file and asks which of them are missing and which differ. ``BACKHAUL_BENCH_RECORDS`` bounds
the size.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from backhaul.clock import SystemClock
from backhaul.plugins.action import actions_of
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connections import Connections
from backhaul.plugins.limits import Limits
from backhaul.plugins.registry import LoadedConnector, PluginRegistry
from backhaul.runs.executor import Executor
from backhaul.sdk import Connector, ConnectorSettings, Effect, Page, action
from backhaul.store.records import RunStatus
from backhaul.store.store import Store
from backhaul.workflows.catalog import load_source
from benchmarks.one_workflow import OneWorkflow

RECORDS = 1_000_000
DIFFERENT = 1_000
"""Records that are only here, only there, and different: so many of each."""
WORKFLOW = """
name: bench
inputs: {count: {type: integer, required: true}}
steps:
  - {id: devices, call: local.devices, with: {count: "${{ inputs.count }}"}}
  - {id: rows, call: local.rows, with: {count: "${{ inputs.count }}"}}
  - id: sync
    reconcile:
      source: ${{ steps.devices }}
      target: ${{ steps.rows }}
      key: {source: serial, target: serial_number, normalize: [serial]}
      compare: {pppoe_login: login}
      create: {call: local.put, with: {serial: "${{ item.serial }}"}}
      update: {call: local.put, with: {serial: "${{ item.serial }}"}}
      delete: {call: local.put, with: {serial: "${{ target.serial_number }}"}}
      concurrency: 20
"""


def serial(number: int) -> str:
    """Return a serial number; neighbours do not sort beside each other."""
    return f"ACME{number * 2654435761 % 2**32:08X}"


def devices(count: int) -> Iterator[dict[str, Any]]:
    """Give the source's records."""
    for number in range(count):
        yield {"serial": serial(number), "pppoe_login": f"customer{number}", "model": "HG-1000", "online": True}


def rows(count: int, different: int = DIFFERENT) -> Iterator[dict[str, Any]]:
    """Give the target's records: the first ones are missing, others differ, and some are there alone."""
    for number in range(different, count + different):
        login = f"customer{number}" if number >= 2 * different else "another"
        yield {"id": str(number), "serial_number": serial(number), "login": login, "status": "online"}


class Local(Connector[ConnectorSettings]):
    """Two systems that know the same devices."""

    name = "local"
    Settings = ConnectorSettings

    @action(effect=Effect.READ)
    async def devices(self, *, count: int, cursor: str | None = None) -> AsyncIterator[Page[dict[str, Any]]]:
        """List the source."""
        for items in pages(devices(count)):
            yield Page(items=items)

    @action(effect=Effect.READ)
    async def rows(self, *, count: int, cursor: str | None = None) -> AsyncIterator[Page[dict[str, Any]]]:
        """List the target."""
        for items in pages(rows(count)):
            yield Page(items=items)

    @action(effect=Effect.WRITE)
    async def put(self, *, serial: str) -> None:
        """Do nothing."""


def pages(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Give lists of 1,000 records."""
    page: list[dict[str, Any]] = []
    for record in records:
        page.append(record)
        if len(page) == 1_000:
            yield page
            page = []
    if page:
        yield page


def plain_join(folder: Path, count: int) -> float:
    """Return the seconds of the join in plain SQLite, the records given."""
    began = time.perf_counter()
    database = sqlite3.connect(folder / "plain.db", isolation_level=None)
    database.execute("pragma journal_mode = off")
    for table, records, names in (
        ("source", devices(count), ("serial", "pppoe_login")),
        ("target", rows(count), ("serial_number", "login")),
    ):
        database.execute(f"create table {table} (key text, value text)")
        database.execute("begin")
        database.executemany(f"insert into {table} values (?, ?)", ([one[name] for name in names] for one in records))
        database.execute(f"create unique index {table}_key on {table} (key, value)")
        database.execute("commit")
    missing = "select count(*) from {} a where not exists (select 1 from {} b where b.key = a.key)"
    found = [
        database.execute(missing.format(*names)).fetchone()[0] for names in (("source", "target"), ("target", "source"))
    ]
    query = "select count(*) from source s join target t on t.key = s.key where s.value <> t.value"
    found.append(database.execute(query).fetchone()[0])
    assert found == [DIFFERENT] * 3
    database.close()
    return time.perf_counter() - began


async def with_engine(folder: Path, count: int) -> tuple[float, float]:
    """Return the seconds of the two listings, and of the reconcile."""
    connector = LoadedConnector(name="local", cls=Local, actions=actions_of(Local), source="benchmarks", version="")
    registry = PluginRegistry(connectors={"local": connector})
    settings = [ConnectionSettings(name="local", connector="local", raw={}, limits=Limits(concurrency=20))]
    workflow = load_source("yaml", "workflows/bench.yaml", WORKFLOW)
    async with (
        await Store.open(f"sqlite:///{folder}/store.db", clock=SystemClock()) as store,
        Connections(settings, registry, clock=store.clock) as connections,
    ):
        executor = Executor(store, store.clock, connections, OneWorkflow(workflow))
        run = await executor.start(workflow, {"count": count})
        run = await executor.execute(run.run_id)
        assert run.status is RunStatus.SUCCEEDED, run.error
        steps = {step.key: step for step in await store.steps(run.run_id, outside_each=True)}
        output: Any = steps["sync"].output
        assert [output[name] for name in ("created", "updated", "deleted")] == [DIFFERENT] * 3
        assert output["same"] == count - 2 * DIFFERENT

        def seconds(key: str) -> float:
            step = steps[key]
            assert step.finished_at is not None
            return (step.finished_at - step.started_at).total_seconds()

        return seconds("devices") + seconds("rows"), seconds("sync")


def _in_child(answers: Connection, kind: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "plain":
            measured: Any = plain_join(Path(folder), count)
        else:
            measured = asyncio.run(with_engine(Path(folder), count))
    answers.send((measured, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, time.process_time()))


def in_child(kind: str, count: int) -> tuple[Any, int, float]:
    """Measure in a process of its own, and return what was measured, its peak memory in MiB and its CPU seconds."""
    context = multiprocessing.get_context("spawn")
    answers, sender = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(sender, kind, count))
    process.start()
    sender.close()
    try:
        found: tuple[Any, int, float] = answers.recv()
    finally:
        process.join()
    return found


def main(count: int | None = None) -> None:
    """Print the times, the ratio and the memory."""
    count = count or int(os.environ.get("BACKHAUL_BENCH_RECORDS", RECORDS))
    plain_s, _, plain_cpu_s = in_child("plain", count)
    (read_s, sync_s), peak, cpu_s = in_child("engine", count)
    print(f"  {count:,} x {count:,} records, {DIFFERENT:,} of each kind of change")
    print(f"  plain SQLite join       {plain_s:7.1f} s")
    print(f"  listing both sides      {read_s:7.1f} s")
    print(
        f"  reconcile               {sync_s:7.1f} s  {sync_s / plain_s:.1f} times the plain join (to reach: under 60 s)"
    )
    print(f"  CPU time of all that    {cpu_s:7.1f} s, of the plain join {plain_cpu_s:.1f} s (tells on a busy machine)")
    print(f"  peak memory             {peak:7,} MiB (to reach: under 300 MiB)")
