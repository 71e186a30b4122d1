"""Fixtures: one sandbox process per test session, one reset ISP per test."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from sandbox.client import Isp
from sandbox.receiver import Receiver

DEVICES = 300


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """The address of a running sandbox process."""
    command = [sys.executable, "-m", "backhaul_connectors.sandbox", "--devices", str(DEVICES), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            assert line.startswith("sandbox ready at "), line + process.stderr.read()
            yield line.split()[3]
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


@pytest.fixture(scope="session")
def client(sandbox_url: str) -> Iterator[Isp]:
    isp = Isp(sandbox_url)
    yield isp
    isp.http.close()


@pytest.fixture
def isp(client: Isp) -> Isp:
    """An untouched ISP of 300 devices, seed 1, without faults."""
    client.reset(devices=DEVICES, seed=1, fresh=False)
    return client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()
