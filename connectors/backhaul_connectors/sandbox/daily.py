"""Something that a system does every day at a local time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from backhaul_connectors.sandbox.agenda import Agenda
from backhaul_connectors.sandbox.clock import WorldClock

__all__ = ["TIME_OF_DAY", "Daily"]

TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d$"
"""What ``Daily.set`` reads: ``HH:MM``."""


class Daily:
    """Runs an act daily, in the zone of the ERP's server, until it is set to another time or to none.

    When the world's clock jumps over several days, it runs once.
    """

    def __init__(self, agenda: Agenda, clock: WorldClock, act: Callable[[], object]) -> None:
        self._agenda = agenda
        self._clock = clock
        self._act = act
        self._time: str | None = None

    def set(self, time_of_day: str | None) -> None:
        """Choose the time, ``HH:MM``; None: never."""
        if time_of_day == self._time:
            return
        self._time = time_of_day
        if time_of_day is not None:
            self._plan(time_of_day)

    def _plan(self, time_of_day: str) -> None:
        now = datetime.fromtimestamp(self._clock.now(), self._clock.zone)
        hour, minute = map(int, time_of_day.split(":"))
        due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if due <= now:
            due += timedelta(days=1)
        self._agenda.at(due.timestamp(), lambda _: self._run(time_of_day))

    def _run(self, time_of_day: str) -> None:
        if self._time == time_of_day:
            self._act()
            self._plan(time_of_day)
