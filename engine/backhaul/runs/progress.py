"""What a run tells whoever watches it."""

from __future__ import annotations

from backhaul.store.records import RunStatus, StepStatus

__all__ = ["ChildObserver", "RunObserver"]


class RunObserver:
    """Watches one process's runs. Every method may be left as it is; none may raise or block."""

    def run_started(self, run_id: str, workflow: str) -> None:
        """A run begins or goes on."""

    def run_ended(self, run_id: str, workflow: str, status: RunStatus) -> None:
        """A run has stopped, and how it stands is durable: it has ended, waits, or can be resumed."""

    def step_started(self, key: str, verb: str, action: str | None) -> None:
        """A step begins or goes on; `action` is ``connection.action`` for calls."""

    def step_advanced(self, key: str, done: int, total: int | None) -> None:
        """A long step has done `done` of `total` items (None: not known)."""

    def step_retrying(self, key: str, attempt: int, delay_s: float, message: str) -> None:
        """An attempt failed; the next begins in `delay_s` seconds."""

    def step_finished(self, key: str, status: StepStatus) -> None:
        """A step has ended."""


class ChildObserver(RunObserver):
    """Tells another observer of a run that is the step `key` of the run it watches: ``key > inner``."""

    def __init__(self, outer: RunObserver, key: str) -> None:
        self._outer = outer
        self._prefix = f"{key} > "

    def step_started(self, key: str, verb: str, action: str | None) -> None:
        """A step begins or goes on."""
        self._outer.step_started(self._prefix + key, verb, action)

    def step_advanced(self, key: str, done: int, total: int | None) -> None:
        """A long step has done `done` of `total` items."""
        self._outer.step_advanced(self._prefix + key, done, total)

    def step_retrying(self, key: str, attempt: int, delay_s: float, message: str) -> None:
        """An attempt failed."""
        self._outer.step_retrying(self._prefix + key, attempt, delay_s, message)

    def step_finished(self, key: str, status: StepStatus) -> None:
        """A step has ended."""
        self._outer.step_finished(self._prefix + key, status)
