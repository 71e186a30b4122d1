"""One connector under examination: what it offers, and what every rule asks of it again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from typing import Any

from backhaul.plugins.action import ActionSpec, Effect, actions_of
from backhaul.plugins.events import polls_of, webhook_of
from backhaul.plugins.limits import Limits
from backhaul.testing.case import ConnectorCase, ServedSandbox
from backhaul.testing.conformance.bench import Bench, Kind, Subject, open_bench
from backhaul.testing.conformance.wire import SeenRequest

__all__ = ["Examination", "said_by"]

_MOST_PLACES = 5


class Examination:
    """The examination of one case. What it finds out about the connector's requests is kept for all rules."""

    def __init__(self, case: ConnectorCase) -> None:
        self.case = case
        self._places: dict[str, list[SeenRequest]] = {}
        self._failed: dict[str, Exception] = {}

    @cached_property
    def actions(self) -> Mapping[str, ActionSpec]:
        """The connector's actions."""
        return actions_of(self.case.connector)

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """Everything that can be carried out: the actions, the connection test, the polls."""
        polls = (Subject(name=poll.name, kind=Kind.POLL, effect=Effect.READ) for poll in polls_of(self.case.connector))
        check = Subject(name="check", kind=Kind.CHECK, effect=Effect.READ)
        return (*(Subject.of(spec) for spec in self.actions.values()), check, *polls)

    @cached_property
    def webhook(self) -> str | None:
        """Name of the method that receives webhooks."""
        return webhook_of(self.case.connector)

    @asynccontextmanager
    async def bench(
        self, *, changes: Mapping[str, Any] | None = None, limits: Limits | None = None
    ) -> AsyncIterator[Bench]:
        """Give a connection to a sandbox in its first state."""
        async with (
            self.case.serve() as sandbox,
            open_bench(self.case, sandbox, changes=changes, limits=limits) as bench,
        ):
            yield bench

    async def working(self) -> list[Subject]:
        """Return the subjects that succeed with their example; only those can be examined further."""
        for subject in self.subjects:
            await self._tried(subject)
        return [subject for subject in self.subjects if subject.name not in self._failed]

    async def failed(self) -> Mapping[str, Exception]:
        """Return the errors of those that do not, by name."""
        await self.working()
        return self._failed

    def places(self, subject: Subject) -> list[SeenRequest]:
        """Return the first request of each kind that a working subject sends, at most five: where faults can strike."""
        return self._places[subject.name]

    async def _tried(self, subject: Subject) -> None:
        if subject.name in self._places or subject.name in self._failed:
            return
        try:
            async with self.bench() as bench:
                await bench.run(subject)
                self._places[subject.name] = _first_of_each(bench.wire.seen)
        except Exception as error:  # noqa: BLE001  # other people's code, whose failure is a finding
            self._failed[subject.name] = error


class Sandboxes:
    """Serves a sandbox as long as nothing has been done to it, and then a new one."""

    def __init__(self, case: ConnectorCase) -> None:
        self._case = case
        self._stack = AsyncExitStack()
        self._sandbox: ServedSandbox | None = None

    async def __aenter__(self) -> Sandboxes:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.used()

    async def fresh(self) -> ServedSandbox:
        """Return a sandbox in its first state."""
        if self._sandbox is None:
            self._sandbox = await self._stack.enter_async_context(self._case.serve())
        return self._sandbox

    async def used(self) -> None:
        """Give the present sandbox up: something may have been done to it."""
        self._sandbox = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()


def said_by(error: BaseException) -> str:
    """Return an error for a complaint: its class and the beginning of its text."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _first_of_each(seen: list[SeenRequest]) -> list[SeenRequest]:
    kinds: dict[tuple[str, str, bool], SeenRequest] = {}
    for request in seen:
        kinds.setdefault((request.method, request.path, request.repeatable), request)
    return list(kinds.values())[:_MOST_PLACES]
