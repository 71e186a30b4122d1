"""Tokens: what is stored of them, how long they are good, who may make them."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from backhaul.errors import InputError, UnknownNameError
from backhaul.secrets import redact
from backhaul.store.service_records import Role
from backhaul.store.store import Store
from backhaul.testing import FakeClock
from backhaul.web.tokens import Tokens, includes
from served import Served

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(store_url: str, clock: FakeClock) -> AsyncIterator[Store]:
    async with await Store.open(store_url, clock=clock) as opened:
        yield opened


@pytest.fixture
def tokens(store: Store, clock: FakeClock) -> Tokens:
    return Tokens(store, clock)


async def test_only_the_hash_of_a_token_is_stored(sqlite_url: str, clock: FakeClock) -> None:
    async with await Store.open(sqlite_url, clock=clock) as store:
        record, token = await Tokens(store, clock).create("cron box", Role.OPERATOR)
    text = token.reveal()
    assert text.startswith("bh_")
    assert len(text) == 46
    assert record.hash == hashlib.sha256(text.encode()).hexdigest()
    assert redact(f"it is {text}") == "it is ***"
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert text.encode() not in path.read_bytes()
    assert record.hash.encode() in path.read_bytes()


async def test_a_token_is_recognised_by_its_text_alone(tokens: Tokens) -> None:
    record, token = await tokens.create("one", Role.VIEWER)
    await tokens.create("two", Role.ADMIN)
    text = token.reveal()
    found = await tokens.recognise(text)
    assert found is not None
    assert (found.token_id, found.role) == (record.token_id, Role.VIEWER)
    for wrong in ("", "bh_", text[:-1], text + "A", text.lower(), text.replace("bh_", "xx_"), " " + text, record.hash):
        assert await tokens.recognise(wrong) is None


async def test_a_token_is_good_until_its_end(tokens: Tokens, clock: FakeClock) -> None:
    _, token = await tokens.create("short", Role.VIEWER, expires_in=timedelta(days=90))
    await clock.advance(timedelta(days=90).total_seconds() - 1)
    assert await tokens.recognise(token.reveal()) is not None
    await clock.advance(1)
    # Although it was remembered a second ago.
    assert await tokens.recognise(token.reveal()) is None


async def test_a_revoked_token_is_good_for_nothing_here_at_once_and_elsewhere_in_seconds(
    store: Store, tokens: Tokens, clock: FakeClock
) -> None:
    record, token = await tokens.create("leaked", Role.ADMIN)
    elsewhere = Tokens(store, clock)
    assert await tokens.recognise(token.reveal()) is not None
    assert await elsewhere.recognise(token.reveal()) is not None
    revoked = await tokens.revoke(record.token_id)
    assert revoked.revoked_at == clock.now()
    assert await tokens.recognise(token.reveal()) is None
    assert await elsewhere.recognise(token.reveal()) is not None
    await clock.advance(5)
    assert await elsewhere.recognise(token.reveal()) is None
    assert (await tokens.revoke(record.token_id)).revoked_at == revoked.revoked_at
    with pytest.raises(UnknownNameError):
        await tokens.revoke("nobody")


async def test_the_last_use_is_noted_once_a_minute(store: Store, tokens: Tokens, clock: FakeClock) -> None:
    _, token = await tokens.create("busy", Role.VIEWER)
    first = clock.now()
    noted = []
    for _ in range(7):
        await tokens.recognise(token.reveal())
        await store.barrier()
        noted.append((await store.tokens())[0].last_used_at)
        await clock.advance(10)
    assert noted == [first] * 6 + [first + timedelta(seconds=60)]


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 101, "\0"])
async def test_a_name_that_nobody_can_read_is_refused(tokens: Tokens, name: str) -> None:
    with pytest.raises(InputError):
        await tokens.create(name, Role.VIEWER)


@pytest.mark.parametrize("expires_in", [timedelta(0), timedelta(seconds=-1), timedelta.max])
async def test_an_impossible_end_is_refused(tokens: Tokens, expires_in: timedelta) -> None:
    with pytest.raises(InputError):
        await tokens.create("one", Role.VIEWER, expires_in=expires_in)


def test_a_higher_role_includes_the_lower_ones() -> None:
    held = {role: {needed for needed in Role if includes(role, needed)} for role in Role}
    assert held == {
        Role.VIEWER: {Role.VIEWER},
        Role.OPERATOR: {Role.VIEWER, Role.OPERATOR},
        Role.ADMIN: {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
    }


async def test_tokens_are_made_listed_and_revoked_over_http(served: Served, admin: httpx.AsyncClient) -> None:
    made = await admin.post("/api/v1/tokens", json={"name": "grafana", "role": "viewer", "expires_in": "90d"})
    assert made.status_code == 201
    token = made.json()
    headers = {"Authorization": f"Bearer {token['token']}"}
    async with served.client(None) as client:
        assert (await client.get("/api/v1/runs", headers=headers)).status_code == 200
        listed = await admin.get("/api/v1/tokens")
        assert token["token"] not in listed.text
        shown = next(one for one in listed.json()["items"] if one["token_id"] == token["token_id"])
        assert (shown["status"], shown["role"], shown["name"]) == ("good", "viewer", "grafana")
        assert shown["last_used_at"] is not None
        revoked = await admin.post(f"/api/v1/tokens/{token['token_id']}/revoke")
        assert revoked.json()["status"] == "revoked"
        assert (await client.get("/api/v1/runs", headers=headers)).status_code == 401
    assert (await admin.post("/api/v1/tokens/nobody/revoke")).status_code == 404


@pytest.mark.parametrize(
    "body", [{"name": "x"}, {"name": "x", "role": "root"}, {"name": "x", "role": "viewer", "expires_in": "soon"}]
)
async def test_a_token_that_cannot_be_made_is_refused(admin: httpx.AsyncClient, body: dict[str, str]) -> None:
    assert (await admin.post("/api/v1/tokens", json=body)).status_code == 422
