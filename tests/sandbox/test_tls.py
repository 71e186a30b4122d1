from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest


def test_the_sandbox_speaks_https_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    certificate = tmp_path / "sandbox.crt"
    command = [sys.executable, "-m", "backhaul_connectors.sandbox", "--devices", "5", "--port", "0"]
    with subprocess.Popen([*command, "--tls", str(certificate)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            url = process.stderr.readline().split()[3]
            assert url.startswith("https://127.0.0.1:")
            with httpx.Client(base_url=url, trust_env=False) as strict, pytest.raises(httpx.ConnectError):
                strict.get("/_sandbox/world")
            trusting = ssl.create_default_context(cafile=str(certificate))
            with httpx.Client(base_url=url, trust_env=False, verify=trusting) as client:
                assert client.get("/_sandbox/world").json()["counts"]["acs_devices_in_acs"] == 5
                client.post("/_sandbox/faults", json={"kind": "cut_after", "times": 1}).raise_for_status()
                with pytest.raises(httpx.TransportError):
                    client.get("/acs/api/v2/devices/views/natural")
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0
    assert list(tmp_path.iterdir()) == [certificate], "the key is gone with the process"
