"""Every action of every built-in connector through `backhaul call`, against its sandbox."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from backhaul.plugins.action import Effect, actions_of
from backhaul.testing import ConnectorCase, ServedSandbox
from backhaul.testing.conformance.bench import example_of
from cli.phone_project import keep_events
from cli.program import Cli
from conformance.all_cases import CASES

# Until what an action waits for has come about, the sandbox's clock runs ahead by so much at each turn.
_LEAP_S, _TURN_S = 2.0, 0.02
# Settings that say how long a connector waits by the real clock: made short.
_PAUSES = {"page_pause_s", "poll_interval_s", "report_poll_s", "verify_after_s"}
_ACTIONS = [(name, action) for name, case in CASES.items() for action in actions_of(case.connector)]


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal("asyncio", {"use_uvloop": True}) as opened:
        yield opened


@contextmanager
def served(portal: BlockingPortal, case: ConnectorCase) -> Iterator[ServedSandbox]:
    """Serve a case's sandbox beside the test, its clock running fast."""
    with portal.wrap_async_context_manager(case.serve()) as sandbox:
        ended = threading.Event()

        async def hurry() -> None:
            while sandbox.advance is not None and not ended.is_set():
                await sandbox.advance(_LEAP_S)
                await anyio.sleep(_TURN_S)

        hurrying = portal.start_task_soon(hurry)
        try:
            yield sandbox
        finally:
            ended.set()
            hurrying.result(10)


@pytest.mark.parametrize(("name", "action"), _ACTIONS, ids=[f"{name}.{action}" for name, action in _ACTIONS])
def test_an_action_works_from_the_command_line(name: str, action: str, cli: Cli, portal: BlockingPortal) -> None:
    case = CASES[name]
    spec = actions_of(case.connector)[action]
    with served(portal, case) as sandbox:
        fast = dict.fromkeys(_PAUSES & case.connector.Settings.model_fields.keys(), 0.01)
        cli.connect("own", name, {**sandbox.settings, **fast})
        if sandbox.events is not None:
            keep_events(cli, "own", portal.call(sandbox.events, datetime.now(UTC)))
        given = [f"{key}={json.dumps(value)}" for key, value in example_of(case, sandbox, action).items()]
        confirmed = [] if spec.effect is Effect.READ else ["--yes"]
        result = cli.json("call", f"own.{action}", *given, *confirmed)
    spec.result_adapter.validate_python(result)
    if spec.is_stream:
        assert isinstance(result, list)
        assert result, "the sandbox has some"
