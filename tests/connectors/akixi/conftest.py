"""Settings of connections to the sandbox's Akixi, and to scripted ones."""

from __future__ import annotations

from typing import TypeAlias

import pytest

from backhaul.sdk import Json
from connector_kit.sandbox import Sandbox

Settings: TypeAlias = dict[str, Json]


@pytest.fixture
def by_key(sandbox: Sandbox) -> Settings:
    """A connection by x-api-key."""
    return {"base_url": f"{sandbox.url}/akixi", "api_key": sandbox.credentials["akixi"]["api_key"]}


@pytest.fixture
def by_login(sandbox: Sandbox) -> Settings:
    """A connection by the login in three steps."""
    credentials = sandbox.credentials["akixi"]
    return {
        "base_url": f"{sandbox.url}/akixi",
        "username": credentials["username"],
        "password": credentials["password"],
    }
