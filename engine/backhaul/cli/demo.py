"""`backhaul demo`: a sync, a mass deletion and a call with a sandbox ISP, with a proof of what was done."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.exits import ExitCode
from backhaul.cli.output import duration, emit_json, note, number, paint, say
from backhaul.cli.state import AsJson

if TYPE_CHECKING:
    from backhaul.cli.demo_call import Screen
    from backhaul.cli.demo_sandbox import DemoSandbox
    from backhaul.json_values import Json

__all__ = ["demo"]

_WORKFLOW = "nightly-sync"
_GONE = "reconcile-deleted-devices"
_CALL = "speedtest-on-call"
_MASS = 1
"""Percent of the devices that are deleted at once: less than what needs a person's yes."""
_ENOUGH = 100
_CONNECTIONS = ("acs", "provider", "crm", "akixi", "phone", "agent", "callback")


def demo(
    devices: Annotated[int, typer.Option("--devices", min=1, max=1_000_000, help="Devices of the ISP.")] = 2_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same ISP.")] = 7,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Make the project there, not in a temporary folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sync a sandbox ISP twice, reconcile it after a mass deletion, let a customer call, and check the results.

    They are compared with what the sandbox itself computes from its state before.

    The project folder stays, so that its history can be looked at. Ends with 1 when anything disagrees.
    """
    from backhaul.cli.demo_call import screen_open
    from backhaul.cli.demo_sandbox import MADE_BY, sandbox_running
    from backhaul.cli.init import make_project
    from backhaul.errors import ConfigurationError

    folder = keep or Path(tempfile.mkdtemp(prefix="backhaul-demo-"))
    settings = folder / "backhaul.toml"
    if settings.exists() and not settings.read_text(encoding="utf-8").startswith(MADE_BY):
        raise ConfigurationError(f"{settings} is there and is not a demo's: name another folder")
    show = _Show(folder, note if as_json else say, as_json=as_json)
    show.tell(f"1. A project, as 'backhaul init' makes it: {folder}")
    make_project(folder, connections=_CONNECTIONS)
    show.tell(f"2. A sandbox ISP with {number(devices)} devices (seed {seed}), spoken to over HTTP on loopback")
    with sandbox_running(devices, seed) as sandbox, screen_open() as screen:
        settings.write_text(sandbox.settings(screen.url), encoding="utf-8")
        agreed = show.two_runs(sandbox)
        # Of fewer devices no single one is less than what needs a person's yes.
        agreed = agreed and (devices < _ENOUGH or show.mass_deletion(sandbox, devices * _MASS // 100))
        agreed = agreed and show.call(sandbox, screen)
    show.tell(f"""
Look around; the project and its history stay:
  cd {shlex.quote(str(folder))}{_path_advice()}
  backhaul runs list
  backhaul runs show RUN --explain             # of a run of {_GONE}: why the two systems differ
  backhaul workflows show {_WORKFLOW}
  backhaul events list --type agent.card       # the cards; the call's run: backhaul runs list --workflow {_CALL}
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
    """The runs in a project's folder, told to whoever watches.

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
        first = self._run(_WORKFLOW)
        if first is None:
            return False
        if not self._as_json:
            self._backhaul("runs", "show", first["run_id"])
        self.tell("\nDevices, by the run and as the sandbox expected them before it:")
        self._compare(first["output"], expected)
        self.tell("\n4. The second sync, which should find nothing left to do\n")
        second = self._run(_WORKFLOW)
        if second is None:
            return False
        self.tell(f"It took {duration(second['duration_s'])}.")
        left = sandbox.expected()
        for change in ("added", "updated", "removed"):
            self._check(f"{change} by the second run", second["output"][change], 0)
        self._check("left to do, says the sandbox", left["create"] + left["update"] + left["delete"], 0)
        self._check("effects that the sandbox received twice", sandbox.repeated(), 0)
        return all(check["equal"] for check in self.checks)

    def mass_deletion(self, sandbox: DemoSandbox, count: int) -> bool:
        """Let the ACS forget devices without a word, reconcile, and return whether the ERP has dropped just those."""
        sandbox.mass_delete(count)
        self.tell(f"\n5. A mass deletion in the ACS: {number(count)} vanish from it, and the ERP is not told")
        self.tell(f"   backhaul run {_GONE}\n")
        expected = sandbox.expected()["delete"]
        run = self._run(_GONE)
        if run is None:
            return False
        if not self._as_json:
            self._backhaul("runs", "show", run["run_id"], "--explain")
        self.tell("")
        self._check("gone from the ACS, still in the ERP", run["output"]["gone"], expected)
        self._check("removed from the ERP", run["output"]["deleted"], expected)
        self._check("left to remove, says the sandbox", sandbox.expected()["delete"], 0)
        return all(check["equal"] for check in self.checks)

    def call(self, sandbox: DemoSandbox, screen: Screen) -> bool:
        """Serve the project, let a customer call, and return whether the agent's cards say what the sandbox knows."""
        from backhaul.cli.demo_call import service_running

        who = sandbox.caller()
        self.tell("\n6. A customer calls: backhaul serve, and a telephone rings at the desk\n")
        with service_running(self._folder) as service:
            sandbox.send_events_to(service)
            began = time.monotonic()
            sandbox.ring(who["index"])
            card, came = screen.card("lookup")
            self.tell(f"{round((came - began) * 1000)} ms after the ring, the agent's screen shows:")
            self._show_card(card)
            self._check("customer's id", card["customer"]["id"], int(who["provider"]["customer_id"]), is_id=True)
            self._check("contract's id", card["contract"]["id"], int(who["provider"]["contract_id"]), is_id=True)
            device = sandbox.device(card["device"]["serial"])
            self._check("contracted Mbit/s", round(card["plan"]["download_mbps"]), round(device["contracted_mbps"][0]))
            self._check("devices of this login", int(device["pppoe_login"] == card["login"]), 1)
            self._wait_for_test(sandbox)
            sandbox.advance(30)
            test = screen.card("speed_test")[0]["speed_test"]
        self.tell(
            f"\nThe test has ended ({test['state']}): {test['download_mbps']:.0f} Mbit/s down, "
            f"{test['of_contracted_percent']} % of what was bought. It took 30 s, which the sandbox has skipped."
        )
        self._check("speed tests that the ACS was asked for", sandbox.speed_tests(), 1)
        return all(check["equal"] for check in self.checks)

    def _wait_for_test(self, sandbox: DemoSandbox) -> None:
        """Return when the ACS was asked for the speed test, so that it can end."""
        until = time.monotonic() + 60
        while not sandbox.speed_tests() and time.monotonic() < until:
            time.sleep(0.02)

    def _show_card(self, card: Json) -> None:
        """Print what an agent reads first."""
        works = "should work" if card["contract"]["works"] else "is blocked"
        device, plan = card["device"], card["plan"]
        online = "online" if device["online"] else "offline"
        signal = "no optical signal" if device["rx_dbm"] is None else f"{device['rx_dbm']} dBm"
        self.tell(f"  {card['customer']['name']}, {card['number']}, login {card['login']}")
        self.tell(f"  contract {card['contract']['id']}: the service {works}")
        self.tell(f"  bought {plan['download_mbps']:.0f}/{plan['upload_mbps']:.0f} Mbit/s ({plan['name']})")
        self.tell(f"  device {device['serial']}, {device['model']}: {online}, {signal}")
        self.tell(f"  speed test: {card['speed_test']['another']}\n")

    def _compare(self, output: Json, expected: Json) -> None:
        """Compare what the run did with what the sandbox computed from its own state before."""
        reasons = expected["reasons"]
        states = output["devices_by_state"]
        useless = reasons.get("unknown_login", 0) + reasons.get("inactive_login", 0)
        self._check("added", output["added"], expected["create"])
        self._check("updated", output["updated"], expected["update"])
        self._check("removed, gone from the ACS", output["removed"], expected["delete"])
        self._check("without a login", states.get("device has no login", 0), reasons.get("no_login", 0))
        self._check("with an unknown or inactive login", states.get("login unknown or inactive", 0), useless)

    def _check(self, what: str, done: int, expected: int, *, is_id: bool = False) -> None:
        equal = done == expected
        shown = str if is_id else number
        self.checks.append({"what": what, "done": done, "expected": expected, "equal": equal})
        verdict = paint("equal", "succeeded") if equal else paint("DIFFERENT", "failed")
        self.tell(f"  {what}: {shown(done)}, expected by the sandbox: {shown(expected)} -> {verdict}")

    def _run(self, workflow: str) -> Json:
        """Run a workflow as a person would, progress on the terminal; return its document, None if it failed."""
        done = self._backhaul("run", workflow, "--json", capture=True)
        document = json.loads(done.stdout or "{}")
        if document.get("status") == "succeeded":
            return document
        note(f"the run did not succeed: {json.dumps(document.get('error'), ensure_ascii=False)}")
        return None

    def _backhaul(self, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
        sys.stdout.flush()
        command = [sys.executable, "-m", "backhaul.cli.main", "--project", str(self._folder), *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE if capture else None, text=True, check=False)
