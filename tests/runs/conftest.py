"""A lab on a real SQLite file for every test of whole runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from world import Lab, open_lab


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_lab(f"sqlite:///{tmp_path}/store.db", tmp_path / "world.jsonl") as opened:
        yield opened
