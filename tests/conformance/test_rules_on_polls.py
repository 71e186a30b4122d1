"""The rule on polls, on a connector that exists for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from backhaul.sdk import Connector, Event, PollPage, poll
from backhaul.testing import ConnectorCase, ServedSandbox
from backhaul.testing.conformance.suite import RULES, Results

(RULE,) = (rule for rule in RULES if rule.id == "polls-continue")


def event() -> Event:
    return Event(type="changed", time=datetime.now(UTC))


class Quiet(Connector):
    """Tells nothing at first, and nothing twice."""

    name = "quiet"

    @poll(every_s=60)
    async def changes(self, *, cursor: str | None) -> AsyncIterator[PollPage]:
        """Look for changes."""
        yield PollPage(events=[], next="5")


class Talkative(Quiet):
    @poll(every_s=60)
    async def changes(self, *, cursor: str | None) -> AsyncIterator[PollPage]:
        """Bring everything at each look."""
        yield PollPage(events=[event()], next="5")


class Forgetful(Quiet):
    @poll(every_s=60)
    async def changes(self, *, cursor: str | None) -> AsyncIterator[PollPage]:
        """Leave nothing to continue from."""
        yield PollPage(events=[])


@asynccontextmanager
async def nothing() -> AsyncIterator[ServedSandbox]:
    yield ServedSandbox(settings={})


@pytest.mark.parametrize(
    ("connector", "offences"),
    [
        (Quiet, []),
        (
            Talkative,
            [
                "changes: the first look brings old events",
                "changes: the second look brings 1 events, although nothing has happened",
            ],
        ),
        (Forgetful, ["changes: the first look leaves no cursor to continue from"]),
    ],
)
def test_polls_continue_where_they_stopped(connector: type[Quiet], offences: list[str]) -> None:
    assert Results(ConnectorCase(connector=connector, serve=nothing)).offences(RULE) == offences


def test_a_connector_without_actions_is_found() -> None:
    (rule,) = (rule for rule in RULES if rule.id == "effects-stated")
    assert Results(ConnectorCase(connector=Quiet, serve=nothing)).offences(rule) == ["Quiet has no action"]
