"""Settings of a connection to the sandbox's CRM."""

from __future__ import annotations

from typing import TypeAlias

import pytest

from backhaul.sdk import Json
from connector_kit.sandbox import Sandbox

Settings: TypeAlias = dict[str, Json]


@pytest.fixture
def crm_settings(sandbox: Sandbox) -> Settings:
    """A connection with the administrator's token."""
    return {
        "base_url": f"{sandbox.url}/crm",
        "token": sandbox.credentials["crm"]["token"],
        "timezone": "America/Sao_Paulo",
    }
