"""Webhooks through the whole server: stored, shown, counted, and by the settings of the moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from backhaul.plugins.connections import Connections
from backhaul.secrets import Secret
from served import SETTINGS, serving

pytestmark = pytest.mark.anyio

HOOKED = SETTINGS + '[connections.door]\nconnector = "bell"\nhook_secret = "first-secret-1"\n'


async def test_a_webhook_becomes_an_event(tmp_path: Path) -> None:
    async with serving(tmp_path, HOOKED) as served, served.client() as client:
        url = "/hooks/door/first-secret-1"
        for expected in (204, 204):
            assert (await client.post(url, params={"id": "7"}, json={"loud": True})).status_code == expected
        (event,) = (await client.get("/api/v1/events")).json()["items"]
        assert (event["type"], event["source"], event["data"]) == ("door.rang", "door", {"loud": True})
        metrics = (await client.get("/metrics")).text
        assert 'backhaul_hooks_total{connection="door",status="204"} 2.0' in metrics
        assert 'backhaul_hook_events_total{connection="door",new="true"} 1.0' in metrics
        assert 'backhaul_hook_events_total{connection="door",new="false"} 1.0' in metrics
        assert "first-secret-1" not in metrics


async def test_other_connections_are_used_as_soon_as_they_are_there(tmp_path: Path) -> None:
    async with serving(tmp_path, HOOKED) as served, served.client() as client:
        old, new = "/hooks/door/first-secret-1", "/hooks/door/second-secret-2"
        assert [await _status(client, url) for url in (old, new)] == [204, 404]
        door = replace(served.app.connections.settings("door"), hook_secrets=(Secret("second-secret-2"),))
        async with Connections([door], served.app.project.registry) as changed:
            before, served.app.connections = served.app.connections, changed
            assert [await _status(client, url) for url in (old, new)] == [404, 204]
            served.app.connections = before


async def _status(client: httpx.AsyncClient, url: str) -> int:
    return (await client.post(url, json={})).status_code
