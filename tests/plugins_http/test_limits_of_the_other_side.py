"""What 429, Retry-After and gateway errors do to a request and to its whole connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from backhaul.errors import RetryableError, UnknownOutcomeError
from backhaul.plugins.action import Effect
from backhaul.plugins.calls import calling
from backhaul.plugins.http import HttpClient
from backhaul.plugins.limits import Limits
from backhaul.testing import FakeClock
from plugins_http.client import call, client_of
from plugins_http.wire import HANG, Received, answer, serving

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("effect", list(Effect))
async def test_a_429_was_not_carried_out_so_every_effect_waits_and_tries_again(effect: Effect) -> None:
    clock = FakeClock(auto=True)
    answers = iter([answer(429, Retry_After="7"), answer()])
    async with serving(lambda _: next(answers)) as server, client_of(server.url, clock=clock) as client:
        with calling(call(effect)):
            assert (await client.request("POST", "/ring")).status_code == 200
    assert 7 <= clock.monotonic() < 8


async def test_a_long_retry_after_is_left_to_the_run_and_everybody_is_told_at_once() -> None:
    async with serving(lambda _: answer(429, Retry_After="600")) as server, client_of(server.url) as client:
        for _ in range(3):
            with calling(call(Effect.ONCE)), pytest.raises(RetryableError) as caught:
                await client.request("POST", "/ring")
            assert caught.value.retry_after_s == pytest.approx(600, abs=1)
        assert len(server.received) == 1


async def test_a_429_without_a_time_waits_for_the_next_minute() -> None:
    clock = FakeClock(auto=True)
    await clock.sleep(45)
    answers = iter([answer(429), answer()])
    async with serving(lambda _: next(answers)) as server, client_of(server.url, clock=clock) as client:
        await client.request("GET", "/x")
    assert clock.now().minute == 1


async def test_a_date_in_retry_after_is_understood() -> None:
    clock = FakeClock(auto=True)
    answers = iter([answer(429, Retry_After="Thu, 01 Jan 2026 00:00:20 GMT"), answer()])
    async with serving(lambda _: next(answers)) as server, client_of(server.url, clock=clock) as client:
        await client.request("GET", "/x")
    assert clock.monotonic() == pytest.approx(20)


async def test_a_server_that_only_says_429_is_not_asked_forever() -> None:
    async with serving(lambda _: answer(429, Retry_After="0")) as server, client_of(server.url) as client:
        with calling(call(Effect.READ)), pytest.raises(RetryableError, match="429"):
            await client.request("GET", "/x")
        assert len(server.received) < 10


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_gateway_errors_are_tried_three_times_with_growing_pauses(status: int) -> None:
    clock = FakeClock(auto=True)
    async with serving(lambda _: answer(status)) as server, client_of(server.url, clock=clock) as client:
        with calling(call(Effect.WRITE)), pytest.raises(RetryableError) as caught:
            await client.request("PUT", "/x")
        assert caught.value.status == status
        assert len(server.received) == 3
    assert 0.25 + 0.5 <= clock.slept_s <= 0.5 + 1.0


async def test_what_could_only_be_tried_again_after_its_time_fails_at_once_with_its_reason() -> None:
    clock = FakeClock(auto=True)
    async with serving(lambda _: answer(503)) as server, client_of(server.url, clock=clock) as client:
        # The first pause is at most 0.5 s long, and the second one at least that.
        until = clock.now() + timedelta(seconds=0.7)
        with calling(call(Effect.READ, until=until)), pytest.raises(RetryableError, match="503"):
            await client.request("GET", "/x")
        assert len(server.received) == 2
    assert clock.slept_s <= 0.5


async def test_a_connection_that_is_refused_is_not_tried_again_after_its_time() -> None:
    clock = FakeClock(auto=True)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        async with client_of(url, clock=clock) as client:
            asked = call(Effect.READ, until=clock.now() + timedelta(seconds=0.2))
            with calling(asked), pytest.raises(RetryableError, match="nothing listens there"):
                await client.request("GET", "/x")
    assert clock.slept_s == 0


async def test_a_429_that_asks_for_more_time_than_is_left_fails_at_once_and_the_connection_pauses() -> None:
    clock = FakeClock(auto=True)
    answers = iter([answer(429, Retry_After="7"), answer()])
    async with serving(lambda _: next(answers)) as server, client_of(server.url, clock=clock) as client:
        asked = call(Effect.ONCE, until=clock.now() + timedelta(seconds=5))
        with calling(asked), pytest.raises(RetryableError) as caught:
            await client.request("POST", "/ring")
        assert (caught.value.retry_after_s, clock.slept_s) == (7, 0)
        with calling(call(Effect.ONCE)):
            assert (await client.request("POST", "/ring")).status_code == 200
    assert 7 <= clock.monotonic() < 8


async def test_a_plain_500_of_a_repeatable_call_is_for_the_connector() -> None:
    async with serving(lambda _: answer(500)) as server, client_of(server.url) as client:
        with calling(call(Effect.READ)):
            assert (await client.request("GET", "/x")).status_code == 500
        assert len(server.received) == 1


async def test_503_with_retry_after_pauses_the_connection() -> None:
    clock = FakeClock(auto=True)
    answers = iter([answer(503, Retry_After="5"), answer(), answer(503, Retry_After="9"), answer()])
    async with serving(lambda _: next(answers)) as server, client_of(server.url, clock=clock) as client:
        with calling(call(Effect.READ)):
            assert (await client.request("GET", "/x")).status_code == 200
        assert clock.monotonic() == pytest.approx(5)
        with calling(call(Effect.ONCE)):
            with pytest.raises(UnknownOutcomeError):
                await client.request("POST", "/ring")
            assert (await client.request("POST", "/ring")).status_code == 200
        assert clock.monotonic() == pytest.approx(14)


async def test_other_statuses_are_for_the_connector() -> None:
    statuses = [200, 204, 304, 400, 401, 403, 404, 409, 422]
    waiting: Iterator[int] = iter(statuses)
    async with serving(lambda _: answer(next(waiting), b"")) as server, client_of(server.url) as client:
        with calling(call(Effect.ONCE)):
            assert [(await client.request("POST", "/x")).status_code for _ in statuses] == statuses


async def test_a_cancelled_request_gives_its_slot_back() -> None:
    def hang_first(got: Received) -> bytes:
        return HANG if got.target == "/hang" else answer()

    async with (
        serving(hang_first) as server,
        client_of(server.url, limits=Limits(concurrency=1)) as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(client.request, "GET", "/hang")
        await server.hung.wait()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            assert (await client.request("GET", "/x")).status_code == 200


async def test_no_more_requests_than_slots_are_under_way() -> None:
    under_way = most = 0
    enough = anyio.Event()

    async def slow(_: Received) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if most == 3:
            enough.set()
        await enough.wait()
        await anyio.lowlevel.checkpoint()
        under_way -= 1
        return answer()

    async with (
        serving(slow) as server,
        client_of(server.url, limits=Limits(concurrency=3)) as client,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(30):
            tasks.start_soon(client.request, "GET", "/x")
    assert most == 3
    assert len(server.received) == 30


async def test_requests_of_runs_of_equal_priority_take_turns() -> None:
    everybody_asked = anyio.Event()

    async def hold_the_first(_: Received) -> bytes:
        await everybody_asked.wait()
        return answer()

    async def ask(client: HttpClient, run: str, number: int) -> None:
        with calling(replace(call(Effect.READ), run_id="a step's run", root_run_id=run)):
            await client.request("GET", f"/{run}{number}")

    clock = FakeClock()
    async with (
        serving(hold_the_first) as server,
        client_of(server.url, limits=Limits(concurrency=1), clock=clock) as client,
        anyio.create_task_group() as tasks,
    ):
        for run, number in (("a", 1), ("a", 2), ("a", 3), ("b", 1)):
            tasks.start_soon(ask, client, run, number)
            await clock.settle()
        everybody_asked.set()
    assert [got.target for got in server.received] == ["/a1", "/a2", "/b1", "/a3"]
