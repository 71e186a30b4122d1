"""A sandbox for the tests of the shipped workflows: one process, a new ISP for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from isp import Sandbox, sandbox

DEVICES, SEED = 300, 11


@pytest.fixture(scope="module")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running sandbox."""
    with sandbox(tmp_path_factory.mktemp("sandbox"), "--devices", str(DEVICES), "--seed", str(SEED)) as running:
        yield running


@pytest.fixture
def world(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox with its ISP as it was at the start: the same one for every test."""
    sandbox_process.control("POST", "reset", {"devices": DEVICES, "seed": SEED})
    return sandbox_process
