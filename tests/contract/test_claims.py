"""A run is executed by one process at most, on every store."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import pytest

from backhaul.clock import SystemClock
from backhaul.store.store import Store
from conftest import PostgresqlFixture
from contract.processes import line, running

pytestmark = pytest.mark.anyio


async def claimed_in_the_end(store: Store, run_id: str) -> bool:
    """A killed process's claims go when the kernel, or the server, has noticed."""
    with anyio.fail_after(20):
        while not await store.claim(run_id):
            await anyio.sleep(0.01)
    return True


async def test_a_run_is_claimed_once_until_it_is_released(store: Store) -> None:
    assert not await store.is_claimed("run1")
    assert await store.claim("run1")
    assert not await store.claim("run1")
    assert await store.is_claimed("run1")
    assert await store.claim("run2")
    await store.release("run1")
    assert not await store.is_claimed("run1")
    assert await store.is_claimed("run2")
    assert await store.claim("run1")
    assert await store.lost_claims() == []


async def test_releasing_what_was_not_claimed_does_nothing(store: Store) -> None:
    await store.release("run1")
    assert await store.claim("run1")


async def test_two_stores_of_one_process_exclude_each_other(store: Store, store_url: str) -> None:
    async with await Store.open(store_url, clock=SystemClock()) as other:
        assert await store.claim("mine")
        assert await other.claim("theirs")
        assert not await other.claim("mine")
        await other.release("mine")
        assert await other.is_claimed("mine")
    # Closing a file drops all of a process's POSIX locks on it, also those of the store that is still open.
    with running("claim.py", store_url, "mine", "theirs") as process:
        assert line(process) == "False True"


async def test_a_killed_process_loses_its_claims_and_nobody_else_does(store: Store, store_url: str) -> None:
    assert await store.claim("ours")
    with running("claim.py", store_url, "ours", "theirs") as process:
        assert line(process) == "False True"
        assert not await store.claim("theirs")
        assert await store.is_claimed("theirs")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert await claimed_in_the_end(store, "theirs")
    assert await store.is_claimed("ours")
    assert not await store.claim("ours")


async def test_a_process_that_ends_gives_its_claims_back(store: Store, store_url: str) -> None:
    with running("claim.py", store_url, "run1") as process:
        assert line(process) == "True"
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
        process.wait()
        assert await claimed_in_the_end(store, "run1")


async def test_ten_thousand_runs_are_claimed_quickly(sqlite_store: Store) -> None:
    for number in range(10_000):
        assert await sqlite_store.claim(f"run{number}")
    assert await sqlite_store.is_claimed("run9999")


async def test_the_lock_file_is_for_its_owner_only(sqlite_store: Store) -> None:
    lock = Path(f"{sqlite_store.url.database}-lock")
    assert lock.stat().st_mode & 0o777 == 0o600


@pytest.mark.postgresql
async def test_claims_lost_with_the_connection_are_taken_again(
    postgresql: PostgresqlFixture, postgresql_url: str
) -> None:
    async with await Store.open(postgresql_url, clock=SystemClock()) as store:
        assert await store.claim("kept")
        assert await store.claim("lost")
        postgresql.disconnect(postgresql_url)
        with running("claim.py", postgresql_url, "lost") as process:
            assert line(process) == "True"
            assert await store.lost_claims() == ["lost"]
            assert await store.lost_claims() == []
            assert not await store.claim("lost")
        assert await claimed_in_the_end(store, "lost")
        with running("claim.py", postgresql_url, "kept") as process:
            assert line(process) == "False"
