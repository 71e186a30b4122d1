"""Starting a diagnosis and waiting for its result, without ever starting it twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from backhaul.sdk import (
    AttemptInfo,
    Event,
    InvalidAnswerError,
    Json,
    NotFoundError,
    RetryableError,
    UnknownOutcomeError,
    Verdict,
)
from backhaul_connectors.ixc_acs.api import nothing_done_yet
from backhaul_connectors.ixc_acs.diagnostics import (
    Diagnosis,
    DiagnosticStarted,
    DiagnosticState,
    DiagnosticUnfinishedError,
)
from backhaul_connectors.ixc_acs.reading import name_key
from backhaul_connectors.ixc_acs.routes import Routes

if TYPE_CHECKING:
    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.ixc_acs.api import AcsApi
    from backhaul_connectors.ixc_acs.settings import IxcAcsSettings

__all__ = ["DiagnosticKind", "DiagnosticRunner"]

DiagnosisT = TypeVar("DiagnosisT", bound=Diagnosis)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticKind(Generic[DiagnosisT]):
    """One kind of diagnosis.

    Attributes:
        name: our name of it, ``speed_test``.
        part: its name in the ACS's paths.
        parse: makes the diagnosis of a device out of an answer.
        deadline_s: seconds in which it must end.
    """

    name: str
    part: str
    parse: Callable[[str, Json], DiagnosisT]
    deadline_s: float


class DiagnosticRunner:
    """Diagnoses of one connection."""

    def __init__(self, api: AcsApi, settings: IxcAcsSettings, context: ConnectorContext) -> None:
        self._api = api
        self._settings = settings
        self._clock = context.clock
        self._events = context.events

    async def start(self, kind: DiagnosticKind[DiagnosisT], serial: str, body: Json) -> DiagnosticStarted:
        """Ask the ACS to start a diagnosis; errors as of `AcsApi.command`."""
        url = Routes.url(self._settings.routes.diagnostic_start, serial=serial, kind=kind.part)
        await self._api.command("POST", url, body, serial=serial)
        return DiagnosticStarted(serial=serial, diagnostic=kind.name)

    async def state(self, kind: DiagnosticKind[DiagnosisT], serial: str) -> DiagnosisT:
        """Return where a diagnosis stands; errors as of `AcsApi.read`."""
        return kind.parse(serial, await self._answer(kind, serial))

    async def run(
        self, kind: DiagnosticKind[DiagnosisT], serial: str, body: Json, deadline_s: float | None
    ) -> DiagnosisT:
        """Start a diagnosis and return its result, never that of an earlier one.

        Once it is started, trouble with reading the state does not end the waiting: whoever repeated the action would
        start the test again.

        Raises:
            DiagnosticUnfinishedError: it did not end in time.
            UnknownOutcomeError: whether it was started is not known, and no result came.
            RetryableError: it was certainly not started.
        """
        with nothing_done_yet():
            before = await self._before(kind, serial)
        doubt: UnknownOutcomeError | None = None
        try:
            await self.start(kind, serial, body)
        except UnknownOutcomeError as error:
            doubt = error
        limit_s = kind.deadline_s if deadline_s is None else deadline_s
        found, started = await self._wait(kind, serial, before, limit_s)
        if found is not None:
            return found
        if doubt is not None and not started:
            raise UnknownOutcomeError(
                f"whether the {kind.name} of {serial} was started is not known, and no new result came in "
                f"{limit_s:g} s: {doubt}"
            )
        raise DiagnosticUnfinishedError(
            f"the {kind.name} of {serial} was started, but did not end in {limit_s:g} s. The device may be offline: "
            "then it starts at its next contact. It is not started again by itself"
        )

    async def verify_start(self, kind: DiagnosticKind[DiagnosisT], serial: str, attempt: AttemptInfo) -> Verdict:
        """Tell whether a diagnosis was started by an attempt: by its event, its state or its result's time."""
        started = DiagnosticStarted(serial=serial, diagnostic=kind.name)
        if await self._has_event(kind, serial, attempt):
            return Verdict.done(started)
        seen = await self.state(kind, serial)
        if seen.state is DiagnosticState.RUNNING or self._ended_after(seen, attempt):
            return Verdict.done(started)
        return Verdict.unknown(
            f"the ACS shows the {kind.name} of {serial} as {seen.word or seen.state.value}, which does not tell "
            "whether it was started: it may wait for the device's next contact"
        )

    async def verify_run(
        self, kind: DiagnosticKind[DiagnosisT], serial: str, attempt: AttemptInfo, deadline_s: float | None
    ) -> Verdict:
        """Return the result of an attempt's diagnosis when it can be told from an earlier one."""
        before = await self._before(kind, serial)
        ended = before is not None and kind.parse(serial, before).state.ended
        if before is not None and ended:
            seen = kind.parse(serial, before)
            if self._ended_after(seen, attempt) or await self._has_event(kind, serial, attempt):
                return Verdict.done(seen)
        else:
            found, _ = await self._wait(kind, serial, before, kind.deadline_s if deadline_s is None else deadline_s)
            if found is not None:
                return Verdict.done(found)
        return Verdict.unknown(f"the ACS shows no result of the {kind.name} of {serial} that is surely this one's")

    async def _wait(
        self, kind: DiagnosticKind[DiagnosisT], serial: str, before: Json, limit_s: float
    ) -> tuple[DiagnosisT | None, bool]:
        """Return a result that is not the one `before`, or None, and whether the diagnosis was seen to run."""
        until = self._clock.monotonic() + limit_s
        was_cleared = before is None or not kind.parse(serial, before).state.ended
        running = False
        while self._clock.monotonic() < until:
            await self._clock.sleep(self._settings.poll_interval_s)
            try:
                answer = await self._answer(kind, serial)
            except NotFoundError:
                was_cleared = True
                continue
            except (RetryableError, InvalidAnswerError, UnknownOutcomeError):
                continue
            seen = kind.parse(serial, answer)
            if not seen.state.ended:
                was_cleared = True
                running = running or seen.state is DiagnosticState.RUNNING
            elif was_cleared or answer != before:
                return seen, True
        return None, running

    async def _before(self, kind: DiagnosticKind[DiagnosisT], serial: str) -> Json:
        try:
            return await self._answer(kind, serial)
        except NotFoundError:
            return None  # No such device is told by the start; without an earlier test there may be no state.

    async def _answer(self, kind: DiagnosticKind[DiagnosisT], serial: str) -> Json:
        url = Routes.url(self._settings.routes.diagnostic_state, serial=serial, kind=kind.part)
        return await self._api.read(url, serial=serial)

    async def _has_event(self, kind: DiagnosticKind[DiagnosisT], serial: str, attempt: AttemptInfo) -> bool:
        events = await self._events(attempt.started_at, ["diagnostic.finished"])
        return any(event.subject == serial and _tells_of(event, kind.part) for event in events)

    def _ended_after(self, seen: Diagnosis, attempt: AttemptInfo) -> bool:
        ended_at = getattr(seen, "ended_at", None)
        tolerance = timedelta(seconds=self._settings.clock_tolerance_s)
        return ended_at is not None and ended_at >= attempt.started_at - tolerance


def _tells_of(event: Event, part: str) -> bool:
    """Tell whether an event can be the end of this kind of diagnosis: one that names another kind is not."""
    said = event.data.get("diagnostic") if isinstance(event.data, dict) else None
    return not isinstance(said, str) or not said or name_key(part) in name_key(said)
