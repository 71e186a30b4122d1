"""The public names for authors of connectors, and the example in their documentation."""

from __future__ import annotations

import inspect
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from backhaul import sdk
from backhaul.plugins.loader import load_plugins
from backhaul.testing import connection_for

pytestmark = pytest.mark.anyio


async def test_the_example_works_as_a_file_of_a_project(tmp_path: Path) -> None:
    doc = inspect.cleandoc(sdk.__doc__ or "")
    example = doc.partition("folder::\n")[2].partition("\nA package registers")[0]
    (tmp_path / "weather.py").write_text(dedent(example))
    registry = load_plugins(tmp_path, installed=[])
    assert registry.broken == ()
    weather = registry.connectors["weather"]
    assert weather.actions["temperature"].summary == "Return the temperature of a town in degrees Celsius."
    mock = httpx.MockTransport(lambda _: httpx.Response(200, json={"celsius": 7}))
    settings = {"base_url": "http://weather.example", "token": "t0ken"}
    async with connection_for(weather.cls, settings, transport=mock) as connection:
        assert await connection.temperature(town="Lyon") == 7.0  # type: ignore[attr-defined]


def test_the_public_names_are_what_was_promised() -> None:
    assert sorted(sdk.__all__) == list(sdk.__all__)
    assert {"Connector", "HttpSettings", "action", "Effect", "Page", "Verdict", "AttemptInfo", "Secret"} <= set(
        sdk.__all__
    )
    assert {"Credential", "PlainId", "BaseUrl", "hookimpl", "json_of", "raise_for_status", "Json"} <= set(sdk.__all__)
    assert all(hasattr(sdk, name) for name in sdk.__all__)
