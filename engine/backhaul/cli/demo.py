"""`backhaul demo`: the nightly sync against a sandbox ISP, from nothing to a proof of its result."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.exits import ExitCode
from backhaul.cli.output import duration, emit_json, note, number, paint, say
from backhaul.cli.state import AsJson

if TYPE_CHECKING:
    from backhaul.cli.demo_sandbox import DemoSandbox
    from backhaul.json_values import Json

__all__ = ["demo"]

_WORKFLOW = "nightly-sync"


def demo(
    devices: Annotated[int, typer.Option("--devices", min=1, max=1_000_000, help="Devices of the ISP.")] = 2_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same ISP.")] = 7,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Make the project there, not in a temporary folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sync a sandbox ISP twice and check the result.

    The result is compared with what the sandbox itself computes from its state before the run.

    The project folder stays, so that its history can be looked at. Ends with 1 when anything disagrees.
    """
    from backhaul.cli.demo_sandbox import MADE_BY, sandbox_running
    from backhaul.cli.init import make_project
    from backhaul.errors import ConfigurationError

    folder = keep or Path(tempfile.mkdtemp(prefix="backhaul-demo-"))
    settings = folder / "backhaul.toml"
    if settings.exists() and not settings.read_text(encoding="utf-8").startswith(MADE_BY):
        raise ConfigurationError(f"{settings} is there and is not a demo's: name another folder")
    show = _Show(folder, note if as_json else say, as_json=as_json)
    show.tell(f"1. A project, as 'backhaul init' makes it: {folder}")
    make_project(folder)
    show.tell(f"2. A sandbox ISP with {number(devices)} devices (seed {seed}), spoken to over HTTP on loopback")
    with sandbox_running(devices, seed) as sandbox:
        settings.write_text(sandbox.settings(), encoding="utf-8")
        agreed = show.two_runs(sandbox)
    show.tell(f"""
Look around; the project and its history stay:
  cd {shlex.quote(str(folder))}{_path_advice()}
  backhaul runs list
  backhaul workflows show {_WORKFLOW}
  backhaul connectors show ixc_acs
  backhaul sandbox --devices {devices} --seed {seed} --port {sandbox.port}   # the same ISP once more, then:
  backhaul call acs.list_devices --limit 5""")
    if as_json:
        emit_json({"agrees": agreed, "folder": str(folder), "checks": show.checks})
    raise typer.Exit(ExitCode.OK if agreed else ExitCode.FAILED)


def _path_advice() -> str:
    """Return the line that makes `backhaul` a command, where it is not."""
    if which("backhaul"):
        return ""
    return f'\n  export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'


class _Show:
    """The two runs in a project's folder, told to whoever watches.

    Attributes:
        tell: prints a line.
        checks: what was compared, in order: ``what``, ``done``, ``expected``, ``equal``.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None], *, as_json: bool) -> None:
        self._folder = folder
        self.tell = tell
        self._as_json = as_json
        self.checks: list[dict[str, Json]] = []

    def two_runs(self, sandbox: DemoSandbox) -> bool:
        """Sync twice and return whether both runs did exactly what the sandbox expects."""
        expected = sandbox.expected()
        self.tell(f"3. The first sync: backhaul run {_WORKFLOW}\n")
        first = self._run()
        if first is None:
            return False
        if not self._as_json:
            self._backhaul("runs", "show", first["run_id"])
        self.tell("\nDevices, by the run and as the sandbox expected them before it:")
        self._compare(first["output"], expected)
        self.tell("\n4. The second sync, which should find nothing left to do\n")
        second = self._run()
        if second is None:
            return False
        self.tell(f"It took {duration(second['duration_s'])}.")
        left = sandbox.expected()
        self._check("added by the second run", second["output"]["added"], 0)
        self._check("updated by the second run", second["output"]["updated"], 0)
        self._check("left to do, says the sandbox", left["create"] + left["update"], 0)
        self._check("effects that the sandbox received twice", sandbox.repeated(), 0)
        return all(check["equal"] for check in self.checks)

    def _compare(self, output: Json, expected: Json) -> None:
        """Compare what the run did with what the sandbox computed from its own state before."""
        reasons = expected["reasons"]
        did = output["devices_by_state"]
        useless = reasons.get("unknown_login", 0) + reasons.get("inactive_login", 0)
        no_login = reasons.get("no_login", 0)
        counted = expected["create"] + expected["update"] + expected["unchanged"] + no_login + useless
        self._check("added", output["added"], expected["create"])
        self._check("updated", output["updated"], expected["update"])
        self._check("left as they were", did.get("unchanged", 0), expected["unchanged"])
        self._check("without a login", did.get("device has no login", 0), no_login)
        self._check("with an unknown or inactive login", did.get("login unknown or inactive", 0), useless)
        # The rest: devices that the ERP has, with the serial number in another form.
        spelled = did.get("serial spelled differently", 0)
        self._check("spelled differently", spelled, output["devices_in_acs"] - counted)
        gone = output["erp_rows_by_state"].get("gone from the ACS", 0)
        self._check("gone from the ACS", gone, reasons.get("not_in_acs", 0))

    def _check(self, what: str, done: int, expected: int) -> None:
        equal = done == expected
        self.checks.append({"what": what, "done": done, "expected": expected, "equal": equal})
        verdict = paint("equal", "succeeded") if equal else paint("DIFFERENT", "failed")
        self.tell(f"  {what}: {number(done)}, expected by the sandbox: {number(expected)} -> {verdict}")

    def _run(self) -> Json:
        """Run the workflow as a person would, progress on the terminal; return its document, None if it failed."""
        done = self._backhaul("run", _WORKFLOW, "--json", capture=True)
        document = json.loads(done.stdout or "{}")
        if document.get("status") == "succeeded":
            return document
        note(f"the run did not succeed: {json.dumps(document.get('error'), ensure_ascii=False)}")
        return None

    def _backhaul(self, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
        sys.stdout.flush()
        command = [sys.executable, "-m", "backhaul.cli.main", "--project", str(self._folder), *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE if capture else None, text=True, check=False)
