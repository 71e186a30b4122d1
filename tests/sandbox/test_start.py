from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from backhaul_connectors.sandbox.connection import ConnectionCutError
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.server import build_app, main

COMMAND = [sys.executable, "-m", "backhaul_connectors.sandbox"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_announces_its_real_port_and_ends_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready"
    command = [*COMMAND, "--devices", "7", "--seed", "9", "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        url = ready.read_text().strip()
        assert line == f"sandbox ready at {url} (7 devices, seed 9)\n"
        assert httpx.get(f"{url}/_sandbox/world", trust_env=False).json()["counts"]["acs_devices_in_acs"] == 7
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""
    assert list(tmp_path.iterdir()) == [ready]


def test_it_stops_even_while_a_client_is_being_kept_waiting(tmp_path: Path) -> None:
    with subprocess.Popen([*COMMAND, "--devices", "5", "--port", "0"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split()[3]
        with httpx.Client(base_url=url, trust_env=False) as client:
            client.post("/_sandbox/faults", json={"kind": "latency", "ms": 600_000}).raise_for_status()
            with pytest.raises(httpx.ReadTimeout):
                client.get("/acs/api/v2/devices/views/natural", timeout=0.2)
            process.terminate()
            assert process.wait(timeout=20) == 0


def test_importing_the_sandbox_does_not_load_the_engine() -> None:
    code = (
        "import sys, backhaul_connectors.sandbox.server;"
        "print([name for name in sys.modules if name.split('.')[0] == 'backhaul'])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_wrong_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, text in (
        (["--share", "bogus=1"], "no share bogus; there are: bridge"),
        (["--share", "bridge=2"], "the share bridge must be between 0 and 1"),
        (["--devices", "-1"], "devices must be between 0"),
        (["--share", "bridge=0.6", "--share", "unknown_login=0.6"], "may not exceed 1"),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert text in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["--devices", "5", "--port", str(port)])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f"error: cannot listen at 127.0.0.1 port {port}: Address already in use. "
        "Is another one running? Choose another with --port\n"
    )


@pytest.mark.parametrize("place", [["--port", "70000"], ["--host", "300.1.1.1"]])
def test_a_place_that_is_none_is_one_clear_error(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--devices", "5", *place])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: cannot listen at ")


@pytest.mark.anyio
async def test_it_also_runs_in_process() -> None:
    app = build_app(WorldOptions(devices=3))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://isp") as client:
        assert (await client.get("/_sandbox/credentials")).json()["acs"]["client_id"] == "650000000000000000000001"


@pytest.mark.anyio
async def test_in_process_a_cut_is_an_exception() -> None:
    app = build_app(WorldOptions(devices=3))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://isp") as client:
        await client.post("/_sandbox/faults", json={"kind": "cut_before", "times": 1})
        with pytest.raises(ConnectionCutError):
            await client.get("/acs/api/v2/devices/views/natural")
        assert (await client.get("/acs/api/v2/devices/views/natural")).status_code == 401


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
