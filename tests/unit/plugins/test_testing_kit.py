"""The kit that authors of connectors test with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import anyio
import httpx
import pytest
from pydantic import ValidationError

from backhaul.errors import UnknownOutcomeError
from backhaul.sdk import Connector, Credential, Effect, HttpSettings, Page, action, json_of, raise_for_status
from backhaul.testing import FakeClock, connection_for

pytestmark = pytest.mark.anyio


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock = FakeClock()
    order: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            order.append((name, clock.monotonic()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sleeper, "late", 10)
        tasks.start_soon(sleeper, "often", 3, 3, 3)
        await clock.advance(8)
        assert order == [("often", 3), ("often", 6)]
        assert clock.now() == datetime(2026, 1, 1, 0, 0, 8, tzinfo=UTC)
        await clock.advance(2)
    assert order[2:] == [("often", 9), ("late", 10)]


async def test_a_cancelled_sleeper_is_gone() -> None:
    clock = FakeClock()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 5)
        await clock.settle()
        assert clock.sleepers == 1
        tasks.cancel_scope.cancel()
    assert clock.sleepers == 0


async def test_a_clock_that_moves_by_itself_takes_no_time() -> None:
    clock = FakeClock(auto=True)
    await clock.sleep_until(clock.now() + timedelta(days=3))
    assert clock.slept_s == clock.monotonic() == 3 * 86_400


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2026, 1, 1))


class WeatherSettings(HttpSettings):
    token: Credential


class Weather(Connector[WeatherSettings]):
    name = "weather"
    Settings = WeatherSettings

    @action(effect=Effect.READ)
    async def temperature(self, *, town: str) -> float:
        response = await self.http.request("POST", "/now", params={"town": town})
        raise_for_status(response)
        return float(json_of(response)["celsius"])

    @action(effect=Effect.READ)
    async def towns(self, *, cursor: str | None = None) -> AsyncIterator[Page[str]]:
        response = await self.http.request("POST", "/towns")
        yield Page(items=json_of(response))

    @action(effect=Effect.ONCE)
    async def sound_alarm(self) -> None:
        await self.http.request("POST", "/alarm")


SETTINGS = {"base_url": "http://weather.example", "token": " t0ken-t0ken\n"}


async def test_actions_run_with_their_effect() -> None:
    answers = iter([httpx.Response(503), httpx.Response(200, json={"celsius": "7.5"}), httpx.Response(503)])
    mock = httpx.MockTransport(lambda _: next(answers))
    async with connection_for(Weather, SETTINGS, transport=mock) as weather:
        assert weather.settings.token.reveal() == "t0ken-t0ken"
        assert await weather.temperature(town="Lyon") == 7.5
        with pytest.raises(UnknownOutcomeError):
            await weather.sound_alarm()


async def test_listings_run_with_their_effect() -> None:
    answers = iter([httpx.Response(502), httpx.Response(200, json=["Lyon"])])
    async with connection_for(Weather, SETTINGS, transport=httpx.MockTransport(lambda _: next(answers))) as weather:
        assert [page.items async for page in weather.towns()] == [["Lyon"]]


async def test_settings_are_checked() -> None:
    with pytest.raises(ValidationError, match="base_url"):
        async with connection_for(Weather, {"token": "x"}):
            pass
