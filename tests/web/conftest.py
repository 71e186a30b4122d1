"""A served project, and clients of each role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from backhaul.store.service_records import Role
from served import Served, serving


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as opened:
        yield opened


@pytest.fixture
async def viewer(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with served.client(Role.VIEWER) as opened:
        yield opened


@pytest.fixture
async def operator(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with served.client(Role.OPERATOR) as opened:
        yield opened


@pytest.fixture
async def admin(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with served.client(Role.ADMIN) as opened:
        yield opened


@pytest.fixture
async def stranger(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with served.client(None) as opened:
        yield opened
