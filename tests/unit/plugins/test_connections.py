"""Connections are known before they are opened, opened once, and called with JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest
from pydantic import BaseModel

from backhaul.errors import ConfigurationError, InputError, SettingError, UnknownNameError
from backhaul.plugins.action import actions_of
from backhaul.plugins.calls import CallContext, current_call
from backhaul.plugins.connection_settings import ConnectionSettings
from backhaul.plugins.connections import Connections
from backhaul.plugins.loader import load_plugins
from backhaul.plugins.registry import BrokenPlugin, LoadedConnector, PluginRegistry
from backhaul.plugins.setting_problems import FromOutside
from backhaul.sdk import (
    AttemptInfo,
    Connector,
    ConnectorContext,
    Credential,
    Effect,
    HttpSettings,
    Page,
    PlainId,
    Verdict,
    action,
)
from backhaul.secrets import Secret
from backhaul.testing import FakeClock

pytestmark = pytest.mark.anyio


class AcsSettings(HttpSettings):
    client_id: PlainId
    client_secret: Credential


class Device(BaseModel):
    serial: str
    seen: datetime


seen_effects: list[Effect] = []


def note_effect() -> None:
    call = current_call.get()
    assert call is not None
    seen_effects.append(call.effect)


class Acs(Connector[AcsSettings]):
    name = "acs"
    Settings = AcsSettings
    made = closed = 0

    def __init__(self, settings: AcsSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        type(self).made += 1

    async def check(self) -> None:
        note_effect()

    async def close(self) -> None:
        type(self).closed += 1

    @action(effect=Effect.READ)
    async def device(self, *, serial: str) -> Device:
        return Device(serial=serial, seen=self.clock.now())

    @action(effect=Effect.READ)
    async def devices(self, *, size: int = 2, cursor: str | None = None) -> AsyncIterator[Page[Device]]:
        for number in range(int(cursor or 0), 6, size):
            note_effect()
            last = number + size >= 6
            found = [Device(serial=f"S{number + at}", seen=self.clock.now()) for at in range(size)]
            yield Page(items=found, next=None if last else str(number + size), total=6)

    @action(effect=Effect.ONCE, verify="rebooted")
    async def reboot(self, *, serial: str) -> Device:
        note_effect()
        raise LookupError("a fault of the connector's own")

    async def rebooted(self, *, serial: str, attempt: AttemptInfo) -> Verdict:
        note_effect()
        return Verdict.done(Device(serial=serial, seen=attempt.started_at))

    @action(effect=Effect.ONCE)
    async def ring(self) -> None: ...


REGISTRY = PluginRegistry(
    connectors={"acs": LoadedConnector(name="acs", cls=Acs, actions=actions_of(Acs), source="test", version="1")},
    broken=(BrokenPlugin(name="crm", source="connectors/crm.py", reason="crm.py:3: SyntaxError"),),
)
GOOD = {"base_url": "https://acs.example/", "client_id": "me", "client_secret": "s3cret-s3cret"}
CONTEXT = CallContext(effect=Effect.ONCE, connection="acs", action="x", run_id="r1", step="s")


def settings(name: str = "acs", connector: str = "acs", **raw: Any) -> ConnectionSettings:
    return ConnectionSettings(
        name=name,
        connector=connector,
        raw={**GOOD, **raw},
        place="backhaul.toml:3",
        places={"base_url": "backhaul.toml:5", "connector": "backhaul.toml:4"},
    )


def connections(*given: ConnectionSettings) -> Connections:
    mock = httpx.MockTransport(lambda _: httpx.Response(200))
    return Connections(given or [settings()], REGISTRY, clock=FakeClock(), transport=mock)


async def test_actions_are_known_without_opening() -> None:
    before = Acs.made
    found = connections()
    assert found.names == ("acs",)
    assert found.spec("acs", "reboot").effect is Effect.ONCE
    assert list(found.actions()["acs"]) == ["device", "devices", "reboot", "ring"]
    assert found.connector_class("acs") is Acs
    assert Acs.made == before


async def test_unknown_names_come_with_the_nearest_one() -> None:
    found = connections()
    with pytest.raises(UnknownNameError, match=r"no connection 'asc'.*did you mean 'acs'"):
        found.spec("asc", "device")
    with pytest.raises(UnknownNameError, match=r"no action 'acs.devise'.*did you mean 'acs.devices?'"):
        found.spec("acs", "devise")
    with pytest.raises(UnknownNameError, match="no connector 'akt'"):
        connections(settings(connector="akt")).connector_class("acs")
    with pytest.raises(ConfigurationError, match=r"crm\.py:3: SyntaxError"):
        connections(settings(connector="crm")).spec("acs", "device")


async def test_many_who_open_at_once_get_the_same_connection() -> None:
    before = Acs.made
    async with connections() as found, anyio.create_task_group() as tasks:
        opened = []

        async def one() -> None:
            opened.append(await found.open("acs"))

        for _ in range(10):
            tasks.start_soon(one)
    assert len(opened) == 10
    assert len(set(map(id, opened))) == 1
    assert Acs.made == before + 1


async def test_closing_closes_the_connector_and_it_can_be_opened_again() -> None:
    before = Acs.closed
    found = connections()
    first = await found.open("acs")
    await found.close()
    assert Acs.closed == before + 1
    assert await found.open("acs") is not first
    await found.close()


async def test_a_call_takes_and_gives_json() -> None:
    async with connections() as found:
        acs = await found.open("acs")
        assert await acs.call("device", {"serial": "A1"}, CONTEXT) == {"serial": "A1", "seen": "2026-01-01T00:00:00Z"}
        assert (await acs.invoke("device", {"serial": "A1"}, CONTEXT)).seen == datetime(2026, 1, 1, tzinfo=UTC)
        assert await acs.call("ring", {}, CONTEXT) is None


@pytest.mark.parametrize("params", [{}, {"serial": ["x"]}, {"serial": "x", "more": 1}])
async def test_parameters_that_do_not_fit_are_named(params: Mapping[str, Any]) -> None:
    async with connections() as found:
        with pytest.raises(InputError, match="parameters of device"):
            await (await found.open("acs")).call("device", params, CONTEXT)


async def test_a_listing_gives_pages_of_json_and_continues_at_a_cursor() -> None:
    seen_effects.clear()
    async with connections() as found:
        acs = await found.open("acs")
        async with aclosing(acs.stream("devices", {"size": 2}, None, CONTEXT)) as stream:
            pages = [page async for page in stream]
        assert [[item["serial"] for item in page.items] for page in pages] == [["S0", "S1"], ["S2", "S3"], ["S4", "S5"]]
        assert [page.next for page in pages] == ["2", "4", None]
        async with aclosing(acs.stream("devices", {"size": 2}, pages[0].next, CONTEXT)) as stream:
            rest = [page async for page in stream]
        assert rest == pages[1:]
    assert seen_effects == [Effect.ONCE] * 5


async def test_the_context_of_a_listing_does_not_leak_between_pages() -> None:
    async with connections() as found:
        stream = (await found.open("acs")).stream("devices", {}, None, CONTEXT)
        await anext(stream)
        assert current_call.get() is None
        await stream.aclose()


async def test_a_listing_is_streamed_and_another_action_is_called() -> None:
    async with connections() as found:
        acs = await found.open("acs")
        with pytest.raises(TypeError, match="stream it"):
            await acs.call("devices", {}, CONTEXT)
        with pytest.raises(TypeError, match="call it"):
            await anext(acs.stream("device", {"serial": "x"}, None, CONTEXT))


async def test_errors_of_the_connector_pass_unchanged() -> None:
    async with connections() as found:
        with pytest.raises(LookupError, match="of the connector's own"):
            await (await found.open("acs")).call("reboot", {"serial": "x"}, CONTEXT)


async def test_a_verdict_is_read_with_requests_that_may_be_repeated() -> None:
    seen_effects.clear()
    info = AttemptInfo(started_at=datetime(2026, 1, 1, tzinfo=UTC), number=1)
    async with connections() as found:
        acs = await found.open("acs")
        verdict = await acs.verify("reboot", {"serial": "A1"}, info, CONTEXT)
        assert verdict == Verdict.done({"serial": "A1", "seen": "2026-01-01T00:00:00Z"})
        assert (await acs.verify("ring", {}, info, CONTEXT)).state == "unknown"
        await acs.check()
    assert seen_effects == [Effect.READ, Effect.READ]


async def test_all_problems_of_all_connections_are_found_in_one_pass() -> None:
    bad = settings("bad", base_url="acs.example", client_secret="two words", verify_tsl=False)
    found = connections(settings(), bad, settings("gone", connector="asc"), settings("broken", connector="crm"))
    assert [str(problem) for problem in found.problems()] == [
        "backhaul.toml:5: connections.bad.base_url: must be a URL that begins with http:// or https://",
        "backhaul.toml:3: connections.bad.client_secret: has a blank or an invisible character inside "
        "(character 4 of 9): copy it again",
        "backhaul.toml:3: connections.bad.verify_tsl: there is no such setting. Did you mean 'verify_tls'?",
        "backhaul.toml:4: connections.gone.connector: no connector 'asc' (did you mean 'acs'?)",
        "backhaul.toml:4: connections.broken.connector: connector 'crm' (connectors/crm.py) cannot be used: "
        "crm.py:3: SyntaxError",
    ]
    with pytest.raises(ConfigurationError, match=r"(?s)base_url.*client_secret.*verify_tsl"):
        await found.open("bad")
    with pytest.raises(SettingError, match="base_url"):
        await connections(settings("bad", base_url="x")).open("bad")


async def test_blanks_around_pasted_credentials_are_removed_with_a_warning() -> None:
    found = connections(settings(client_id="\u200bme ", client_secret=" s3cret-s3cret\n"))
    assert found.problems() == []
    assert found.warnings() == [
        "backhaul.toml:3: connections.acs.client_id had a blank at one of its ends, which was removed",
        "backhaul.toml:3: connections.acs.client_secret had a blank at one of its ends, which was removed",
    ]
    async with found:
        assert (await found.open("acs")).connector.settings.client_secret.reveal() == "s3cret-s3cret"


async def test_a_problem_shows_the_value_that_does_not_fit_but_never_that_of_a_secret() -> None:
    found = connections(settings(timeout_s="soon", verify_tls=7, client_secret=73_646_822))
    assert [str(problem).partition("connections.acs.")[2] for problem in found.problems()] == [
        "verify_tls: Input should be a valid boolean, not 7",
        "timeout_s: Input should be a valid number, not 'soon'",
        "client_secret: a secret is a text",
    ]
    outside = connections(settings(timeout_s=FromOutside("t0ken"), max_response_bytes="http://me:t0ken@host"))
    assert len(outside.problems()) == 2
    assert "t0ken" not in str(outside.problems())


async def test_nothing_shows_the_secret() -> None:
    found = connections(settings(client_secret="two words-hidden", client_id=["two words-hidden"]))
    assert "two words-hidden" not in str(found.problems()) + repr(found.settings("acs"))


def test_a_hook_secret_of_a_connector_without_webhooks_is_a_problem() -> None:
    registry = load_plugins(None)
    raw = {"base_url": "https://crm.example.net", "token": "x" * 20}
    table = ConnectionSettings(
        name="crm",
        connector="ispcrm",
        raw=raw,
        hook_secrets=(Secret("y" * 20),),
        place="backhaul.toml:1",
        places={"hook_secret": "backhaul.toml:4"},
    )
    (problem,) = [one for one in Connections([table], registry).problems() if "hook" in str(one)]
    assert str(problem).startswith(
        "backhaul.toml:4: connections.crm.hook_secret: the connector ispcrm takes no webhooks"
    )
