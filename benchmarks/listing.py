"""Peak memory of a run that lists devices from a sandbox: the same for 10,000 devices as for 100,000."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

WORKFLOW = """
name: listing
steps:
  - {id: devices, call: acs.list_devices}
  - {id: count, set: {count: "${{ steps.devices.count }}"}}
"""

MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr)
sys.exit(code)
"""


def listing(devices: int, folder: Path) -> tuple[int, float]:
    """Return peak resident memory in MiB and seconds of ``backhaul run listing`` over so many devices."""
    ready = folder / "ready"
    served = [sys.executable, "-m", "backhaul_connectors.sandbox", "--port", "0", "--ready-file", str(ready)]
    sandbox = subprocess.Popen([*served, "--devices", str(devices)], stderr=subprocess.DEVNULL)
    try:
        while not ready.exists():
            time.sleep(0.01)
        url = ready.read_text().strip()
        with urllib.request.urlopen(f"{url}/_sandbox/credentials") as response:
            known = json.load(response)["acs"]
        (folder / "workflows").mkdir()
        (folder / "workflows/listing.yaml").write_text(WORKFLOW)
        settings = {"connector": "ixc_acs", "base_url": f"{url}/acs"}
        settings |= {key: known[key] for key in ("client_id", "client_secret")}
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        (folder / "backhaul.toml").write_text("[connections.acs]\n" + "\n".join(lines) + "\n")
        command = [sys.executable, "-m", "backhaul", "--project", str(folder), "run", "listing", "--json"]
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True)
        elapsed = time.perf_counter() - began
        assert json.loads(done.stdout)["output"]["count"] == devices
        return int(done.stderr.split()[-1]), elapsed
    finally:
        sandbox.terminate()
        sandbox.wait()


def main() -> None:
    """Print peak memory and time for two sizes."""
    peaks = {}
    for devices in (10_000, 100_000):
        with tempfile.TemporaryDirectory() as folder:
            peaks[devices], elapsed = listing(devices, Path(folder))
        print(f"  {devices:>7,} devices: peak {peaks[devices]:>4} MiB, {elapsed:5.1f} s")
    print(f"  ten times the devices take {peaks[100_000] / peaks[10_000]:.2f} times the memory (to reach: 1.0)")
