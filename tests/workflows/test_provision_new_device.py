"""`provision_new_device`: a device that is new in the ACS comes into the ERP, or somebody is told why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backhaul.store.records import RunRecord, RunStatus
from isp import Sandbox
from workflows.office import Office, office

pytestmark = pytest.mark.anyio

FILES = ("provision_new_device.yaml",)
NAME = "provision-new-device"
SERIAL = "ACME00C0FFEE"
PUSH = "botaoAjax_30774"


async def added(here: Office, login: str | None, serial: str = SERIAL) -> RunRecord:
    """Add a device to the ACS, and return the run that ended because of it."""
    before = len(await here.runs(NAME))
    await here.control("POST", "acs/devices", {"serial": serial, "pppoe_login": login})
    return (await here.ended(NAME, before + 1))[-1]


async def rows(here: Office, serial: str = SERIAL) -> list[Any]:
    """Return the ERP's records of a device."""
    return list((await here.control("GET", f"provider/devices/{serial}"))["items"])


async def login_of(here: Office, index: int) -> tuple[str, str]:
    """Return a subscriber's login: text and id."""
    who = await here.control("GET", f"subscribers/{index}")
    return str(who["login"]), str(who["provider"]["login_id"])


async def test_a_new_device_is_entered_under_its_login(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        login, login_id = await login_of(here, 5)
        run = await added(here, login)
        assert run.status is RunStatus.SUCCEEDED, run.error
        assert run.output == {"serial": SERIAL, "done": "created", "reason": None}
        (row,) = await rows(here)
        assert str(row["id_login"]) == login_id
        assert await here.events("provision.open") == []
        assert await here.control("GET", "requests/repeated") == {"items": []}


async def test_a_webhook_that_comes_three_times_enters_it_once(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        await here.control("POST", "settings", {"acs": {"webhook_copies": 3}})
        await added(here, (await login_of(here, 5))[0])
        await here.control("GET", "webhooks")
        assert len(await here.runs(NAME)) == len(await rows(here)) == 1


@pytest.mark.parametrize(
    ("login", "reason"),
    [(None, "the device has no login"), ("nobody.ppp", "the ERP has no login with this text (radusuarios.login)")],
)
async def test_a_device_without_a_known_login_is_told_of_and_not_entered(
    tmp_path: Path, world: Sandbox, login: str | None, reason: str
) -> None:
    async with office(tmp_path, world, FILES) as here:
        run = await added(here, login)
        assert run.status is RunStatus.SUCCEEDED, run.error
        (event,) = await here.events("provision.open")
        assert event.data == {"serial": SERIAL, "login": login, "reason": reason}
        assert await rows(here) == []


async def test_an_inactive_login_is_told_of_and_not_entered(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        login, _ = await login_of(here, 5)
        await here.control("POST", f"provider/logins/{login}", {"ativo": "N"})
        run = await added(here, login)
        assert (run.output or {})["reason"] == "the login is not active"
        assert await rows(here) == []


async def test_a_record_in_another_spelling_is_linked_and_gets_no_second_one(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        login, login_id = await login_of(here, 5)
        other = "41434D4500C0FFEE"
        await here.call("provider.add_acs_device", serial_number=other)
        run = await added(here, login)
        assert (run.output or {})["done"] == "updated"
        assert await rows(here) == []
        (row,) = await rows(here, other)
        assert str(row["id_login"]) == login_id


async def test_with_the_erp_away_the_run_fails_and_says_so(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES) as here:
        login, _ = await login_of(here, 5)
        await here.control("POST", "faults", {"kind": "status", "vendor": "provider", "code": 500})
        await here.control("POST", "acs/devices", {"serial": SERIAL, "pppoe_login": login})
        run = await here.run(NAME)
        assert run.status is RunStatus.FAILED
        assert "the ERP cannot be asked" in str(run.error)
        assert await here.events("provision.open") == []


async def test_a_person_can_start_it_and_has_the_wifi_pushed_when_asked(tmp_path: Path, world: Sandbox) -> None:
    async with office(tmp_path, world, FILES, webhooks=False) as here:
        login, _ = await login_of(here, 5)
        await here.control("POST", "acs/devices", {"serial": SERIAL, "pppoe_login": login})
        inputs = {"serial": SERIAL, "push_wifi": True}
        await here.app.dispatcher.start(NAME, inputs, cause="test")
        run = await here.run(NAME)
        assert (run.output or {})["done"] == "created"
        assert len(await here.sent("provider", PUSH)) == 1
        await here.app.dispatcher.start(NAME, inputs, cause="test")
        assert [(run.output or {})["done"] for run in await here.ended(NAME, 2)] == ["created", "unchanged"]
        assert len(await here.sent("provider", PUSH)) == 1
