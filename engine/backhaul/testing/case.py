"""What the author of a connector tells the conformance suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backhaul.json_values import Json
from backhaul.plugins.connector import Connector
from backhaul.plugins.events import EventReader, WebhookRequest

__all__ = ["ConnectorCase", "ServedSandbox"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedSandbox:
    """A sandbox that is being served, in its first state.

    Attributes:
        settings: settings of a connection to it, as in ``backhaul.toml``. Make the pages of listings small, so that
            each has two or more, and the secrets of 8 characters or more.
        examples: parameters by action, for what only the running sandbox knows; they go before those of the case.
        state: returns what the other system holds, as JSON, without times and counters of requests. The suite compares
            it to see what an action has changed. None when it cannot be told.
        advance: moves the sandbox's own clock by so many seconds; called when the connector sleeps, which takes no
            real time. None when the sandbox has no clock of its own.
        events: what the connection has received, for connectors that read their own events; none when None.
    """

    settings: Mapping[str, Json]
    examples: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    state: Callable[[], Awaitable[Json]] | None = None
    advance: Callable[[float], Awaitable[None]] | None = None
    events: EventReader | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConnectorCase:
    """A connector with everything that the conformance suite needs to examine it.

    At the top level of a test module it becomes one test per rule::

        CASE = ConnectorCase(
            connector=Weather,
            serve=serve_sandbox,
            examples={"get_station": {"id": "lyon"}},
            webhooks=[WebhookRequest(method="POST", body=b'{"station": "lyon"}', received_at=datetime.now(UTC))],
        )

    Attributes:
        connector: the class.
        serve: returns an async context manager that serves the sandbox on loopback, each time in its first state. It
            is entered for nearly every rule, some of them many times: keep it fast.
        examples: by action, parameters with which it succeeds on the sandbox; one that needs none can be left out.
        wrong_credentials: settings with which the sandbox must refuse a connection, beside the others. When None, the
            suite changes each secret setting, one after the other, without changing its shape.
        webhooks: requests as the other system sends them, each of which makes events.
        exceptions: by the id of a rule that the connector does not fulfil: why, in one sentence. The rule's test is
            then expected to fail, and the quality is graded without it.
        readme: the README that documents the connector; the ``README.md`` beside its module when None.
    """

    connector: type[Connector[Any]]
    serve: Callable[[], AbstractAsyncContextManager[ServedSandbox]]
    examples: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    wrong_credentials: Mapping[str, Json] | None = None
    webhooks: Sequence[WebhookRequest] = ()
    exceptions: Mapping[str, str] = field(default_factory=dict)
    readme: Path | None = None
