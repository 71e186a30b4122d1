"""Akixi's reports: their list, running one, and the vendor's limits on doing so."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    Json,
    Personal,
    RefusedError,
    RetryableError,
)
from backhaul_connectors.akixi.models import plain

if TYPE_CHECKING:
    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.akixi.api import AkixiApi
    from backhaul_connectors.akixi.settings import AkixiSettings

__all__ = ["REPORT_TYPES", "Report", "ReportRun", "ReportWindow", "Reports"]

REPORT_TYPES: Mapping[int, str] = MappingProxyType(
    {
        0: "active calls",
        1: "historic calls",
        5: "unreturned lost calls",
        20: "extensions",
        21: "ACD agents",
        22: "hunt groups",
        23: "trunks",
        40: "by number",
        41: "by DDI",
        50: "by half hour",
        51: "by half hour and day",
        52: "by day",
        53: "by week",
        54: "by month",
        60: "account code",
        70: "ACD log",
        80: "not-available codes",
        100: "wallboard",
        101: "external content",
    }
)
"""Types of reports: to 54 from the vendor's pages, the rest from a public client (akixi reference, section 9)."""


class Report(BaseModel):
    """A report that the user may see."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """Id of the report."""
    type: int | None
    """The vendor's number of its type."""
    type_name: str | None
    """What the number means; None for one that is not known."""
    description: str
    """Its name."""
    is_licensed: bool | None
    """Whether it is licensed."""
    is_binned: bool | None = None
    """Whether it is in the bin; None when Akixi does not tell."""


class ReportRun(BaseModel):
    """The data of one run of a report. Personal: calls and numbers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    report_id: str
    """Id of the report."""
    status: str | None
    """Akixi's ``ExecutionStatus`` of the finished report, if it told one."""
    data: Personal[Json]
    """The answer as it came; its form is not documented."""


class ReportWindow:
    """The vendor's limits: each report once, and so many distinct ones, in a rolling window. Pure arithmetic.

    A report that is still being prepared may be asked for again.
    """

    def __init__(self, *, window_s: float, distinct: int) -> None:
        self._window_s = window_s
        self._distinct = distinct
        self._began: dict[str, float] = {}
        self._waiting: set[str] = set()

    def wait_s(self, report_id: str, now: float) -> float:
        """Return the seconds until the report may be run, 0 for now."""
        if report_id in self._waiting:
            return 0.0
        self._began = {
            name: at for name, at in self._began.items() if at + self._window_s > now or name in self._waiting
        }
        if report_id in self._began:
            return self._began[report_id] + self._window_s - now
        if len(self._began) < self._distinct:
            return 0.0
        return max(sorted(self._began.values())[-self._distinct] + self._window_s - now, 0.0)

    def begin(self, report_id: str, now: float) -> None:
        """Count a run that begins, or goes on."""
        self._began[report_id] = now
        self._waiting.add(report_id)

    def end(self, report_id: str, now: float) -> None:
        """Note that a run has ended; the window counts from here, whatever moment Akixi took."""
        self._began[report_id] = now
        self._waiting.discard(report_id)


class Reports:
    """Reports of one connection."""

    def __init__(self, api: AkixiApi, settings: AkixiSettings, context: ConnectorContext) -> None:
        self._api = api
        self._settings = settings
        self._clock = context.clock
        self._window = ReportWindow(window_s=settings.report_window_s, distinct=settings.reports_per_window)

    async def list(self) -> list[Report]:
        """Return the reports by id.

        Raises:
            InvalidAnswerError: the answer is no array of reports.
        """
        answer = await self._call("/report", "list of reports")
        if isinstance(answer, dict):
            answer = answer.get("Data")
        if not isinstance(answer, list):
            raise InvalidAnswerError("list of reports: Akixi's answer is no array. Check base_url and api_path")
        return sorted((_report_of(item) for item in answer), key=lambda report: report.id)

    async def run(self, report_id: str) -> ReportRun:
        """Run a report and wait for its data.

        Raises:
            RetryableError: the vendor's limits do not allow it yet, or it is not ready; `retry_after_s` says when.
            RefusedError: Akixi does not run it.
        """
        self._raise_if_too_early(report_id)
        self._window.begin(report_id, self._clock.monotonic())
        try:
            run = await self._wait_for(report_id)
        except RetryableError:
            raise  # The run goes on: whoever asks again does not begin another one.
        except ActionError:
            self._window.end(report_id, self._clock.monotonic())
            raise
        self._window.end(report_id, self._clock.monotonic())
        return run

    async def _wait_for(self, report_id: str) -> ReportRun:
        path = f"/report/{quote(report_id, safe='')}/exec"
        for asked in range(self._settings.report_polls):
            if asked:
                await self._clock.sleep(self._settings.report_poll_s)
            answer = await self._call(path, f"report {report_id}")
            status = plain(answer.get("ExecutionStatus")) if isinstance(answer, dict) else None
            if status not in self._settings.report_waiting_states:
                return _run_of(report_id, status, answer)
        raise RetryableError(
            f"report {report_id}: Akixi still prepares it after {self._settings.report_polls} questions "
            "(report_polls); asking again goes on with the same run",
            retry_after_s=self._settings.report_poll_s,
        )

    async def _call(self, path: str, what: str) -> Json:
        try:
            return await self._api.call("GET", path, what)
        except AuthenticationError as error:
            if error.status != 403:
                raise
            text = f'{error}. Reports need the right "Report Data API": have the administrator grant it to the user'
            raise AuthenticationError(text, status=403) from None

    def _raise_if_too_early(self, report_id: str) -> None:
        wait_s = self._window.wait_s(report_id, self._clock.monotonic())
        if wait_s > 0:
            raise RetryableError(
                f"report {report_id} may not be run for another {wait_s:.0f} s: Akixi allows each report once and "
                f"{self._settings.reports_per_window} reports in all in {self._settings.report_window_s:.0f} s",
                retry_after_s=wait_s,
            )


def _report_of(item: Json) -> Report:
    report_id = plain(item.get("ID")) if isinstance(item, dict) else None
    if report_id is None:
        raise InvalidAnswerError("list of reports: Akixi gave a report without ID")
    number = plain(item.get("Type"))
    kind = int(number) if number is not None and number.isdecimal() and len(number) < 10 else None
    return Report(
        id=report_id,
        type=kind,
        type_name=REPORT_TYPES.get(kind) if kind is not None else None,
        description=plain(item.get("Description")) or "",
        is_licensed=_flag(item.get("IsLicensed")),
        is_binned=_flag(item.get("IsBinned")),
    )


def _flag(value: Json) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.casefold())
    return value if isinstance(value, bool) else None


def _run_of(report_id: str, status: str | None, answer: Json) -> ReportRun:
    if answer is None:
        raise InvalidAnswerError(f"report {report_id}: Akixi answered without a body")
    if status is not None and ("FAIL" in status.upper() or "ERROR" in status.upper()):
        raise RefusedError(f"report {report_id}: Akixi could not run it ({status})")
    return ReportRun(report_id=report_id, status=status, data=answer)
