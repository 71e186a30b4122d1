"""Reports: the list, and runs that answer WAITING before their data (akixi.md section 9)."""

from __future__ import annotations

from typing import NamedTuple

from backhaul_connectors.sandbox.akixi.answers import message
from backhaul_connectors.sandbox.akixi.switches import AkixiSwitches
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.desks import DESKS
from backhaul_connectors.sandbox.face import Answer, json_answer

__all__ = ["ReportDesk"]

_WINDOW_S = 600.0
_DISTINCT = 3


class _Report(NamedTuple):
    id: str
    type: int
    description: str
    licensed: bool = True


_REPORTS = (
    _Report("rep-1", 0, "Active calls"),
    _Report("rep-2", 1, "Historic calls"),
    _Report("rep-3", 5, "Unreturned lost calls"),
    _Report("rep-4", 20, "Extensions"),
    _Report("rep-5", 50, "Calls by half hour"),
    _Report("rep-6", 21, "ACD agents", licensed=False),
)
"""Types are the vendor's; ids and texts are invented."""


class ReportDesk:
    """Runs reports within the vendor's limits: one download per report, three reports, per rolling ten minutes."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._waiting: dict[str, int] = {}
        self._downloads: list[tuple[float, str]] = []

    def list(self) -> Answer:
        """Answer ``GET /report``: a bare array."""
        items = [
            {"ID": r.id, "Type": r.type, "Description": r.description, "IsLicensed": r.licensed, "IsBinned": False}
            for r in _REPORTS
        ]
        return json_answer(items)

    def run(self, report_id: str, switches: AkixiSwitches) -> Answer:
        """Answer ``GET /report/{id}/exec``: WAITING first, then the data. Only a download counts for the limits."""
        answer = self._run(report_id, switches)
        answer.key = report_id
        return answer

    def _run(self, report_id: str, switches: AkixiSwitches) -> Answer:
        report = next((known for known in _REPORTS if known.id == report_id), None)
        status = switches.report_error_status
        if report is None:
            return message("The report does not exist", status)
        if not report.licensed:
            return message("The report is not licensed", status)
        now = self._clock.now()
        self._downloads = [(at, name) for at, name in self._downloads if now - at < _WINDOW_S]
        recent = {name for _, name in self._downloads}
        if switches.report_limits and (report_id in recent or len(recent) >= _DISTINCT):
            return message("The report cannot be run again yet: wait ten minutes", status)
        waited = self._waiting.get(report_id, 0)
        if waited < switches.report_waits:
            self._waiting[report_id] = waited + 1
            answer = json_answer({"ID": report_id, "ExecutionStatus": "WAITING"})
            answer.completed = False
            return answer
        self._waiting.pop(report_id, None)
        self._downloads.append((now, report_id))
        rows = [
            {"Extension": f"+{desk.number}", "Name": desk.name, "Calls": 3 + place} for place, desk in enumerate(DESKS)
        ]
        return json_answer({"ID": report_id, "Type": report.type, "ExecutionStatus": "COMPLETED", "Rows": rows})
