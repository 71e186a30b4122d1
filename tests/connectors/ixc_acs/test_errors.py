"""What a status of the ACS means, for a read and for a command. Source: section 7 of the reference."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS = {"base_url": "https://acs.example.net", "client_id": "6500000000001", "client_secret": "not-secret"}
TOKEN = httpx.Response(200, json={"access_token": "token-1", "expires_in": 3600})


def answer(status: int) -> httpx.Response:
    return httpx.Response(status, json={"message": "said " + "x" * 500}, headers={"location": "https://a.example.net"})


@pytest.mark.parametrize(
    ("status", "of_read", "of_command", "requests_of_command"),
    [
        (302, InvalidAnswerError, RefusedError, 1),
        (400, RefusedError, RefusedError, 1),
        (401, AuthenticationError, AuthenticationError, 2),
        (403, AuthenticationError, AuthenticationError, 1),
        (404, NotFoundError, NotFoundError, 1),
        (409, RefusedError, RefusedError, 1),
        (410, NotFoundError, NotFoundError, 1),
        (500, RetryableError, UnknownOutcomeError, 1),
        (503, RetryableError, UnknownOutcomeError, 1),
    ],
)
async def test_a_status_is_another_error_for_a_read_than_for_a_command(
    script: ScriptMaker,
    status: int,
    of_read: type[ActionError],
    of_command: type[ActionError],
    requests_of_command: int,
) -> None:
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, answer(status)).transport) as acs:
        with pytest.raises(of_read) as caught:
            await acs.get_wifi(serial="A1")
    assert caught.value.status == status
    assert len(str(caught.value)) < 900, "of the body only the beginning is kept"
    # A rejected token is renewed once, and the call repeated once: TOKEN, command, TOKEN, command.
    vendor = script(TOKEN, answer(status), *([TOKEN, answer(status)] if status == 401 else []))
    async with connection_for(IxcAcs, SETTINGS, transport=vendor.transport) as acs:
        with pytest.raises(of_command):
            await acs.reboot(serial="A1")
    assert [request.url.path.rpartition("/")[2] for request in vendor.requests].count("reboot") == requests_of_command


async def test_a_429_without_retry_after_waits_for_the_next_minute(script: ScriptMaker) -> None:
    """Trap 5: a command that was turned away was not carried out, so it is asked for again."""
    near_its_end = FakeClock(datetime(2031, 1, 10, 12, 0, 45, tzinfo=UTC), auto=True)
    vendor = script(TOKEN, httpx.Response(429), httpx.Response(202, json={}))
    async with connection_for(IxcAcs, SETTINGS, clock=near_its_end, transport=vendor.transport) as acs:
        assert (await acs.reboot(serial="A1")).accepted
    assert near_its_end.slept_s == pytest.approx(15)
    assert len(vendor.requests) == 3
    at_its_beginning = FakeClock(datetime(2031, 1, 10, 12, 0, tzinfo=UTC), auto=True)
    vendor = script(TOKEN, httpx.Response(429))
    async with connection_for(IxcAcs, SETTINGS, clock=at_its_beginning, transport=vendor.transport) as acs:
        with pytest.raises(RetryableError) as caught:
            await acs.reboot(serial="A1")
    assert caught.value.retry_after_s == pytest.approx(60)


async def test_a_missing_device_and_a_missing_path_are_told_apart_as_far_as_can_be(script: ScriptMaker) -> None:
    async with connection_for(IxcAcs, SETTINGS, transport=script(TOKEN, httpx.Response(404)).transport) as acs:
        with pytest.raises(NotFoundError, match=r"/api/v2/devices/A1/wifi.*'A1', or not this path.*routes"):
            await acs.get_wifi(serial="A1")
        with pytest.raises(InvalidAnswerError, match="no path /api/v2/devices/views/natural"):
            await acs.get_device(serial="A1")
