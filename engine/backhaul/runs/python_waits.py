"""How a Python workflow waits: for a time, an event, a person."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from backhaul.errors import InputError
from backhaul.json_values import Json, dump, load
from backhaul.runs.branches import alone, current_branch
from backhaul.runs.control import StepFailed
from backhaul.runs.journal import Journal
from backhaul.runs.wait_matching import values_for
from backhaul.runs.wait_verb import wanted_approval, wanted_time
from backhaul.runs.waiting import Waiter, Wanted
from backhaul.store.records import StepStatus
from backhaul.store.service_records import WaitKind
from backhaul.triggers.event import type_fault
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.expressions import compile_expression

__all__ = ["RunWaits"]

_INDEX = re.compile(r"\d{1,9}")


class RunWaits:
    """The waiting half of `Run`.

    While everything that a run does waits, the run is not in memory; afterwards its function is called again and
    gets the recorded answers. The step inside which it leaves raises something that ``except Exception`` does not
    catch; ``finally`` blocks are carried out, and calls in them do nothing yet.
    """

    def __init__(self, journal: Journal, waiter: Waiter) -> None:
        self._journal = journal
        self._waiter = waiter

    async def sleep(self, duration: float | str | timedelta, *, name: str = "sleep") -> None:
        """Wait for a time that goes on through crashes and restarts.

        Args:
            duration: seconds, a text such as ``1h30m``, or a `timedelta`.
            name: the step's name.

        Raises:
            InputError: it is no duration.
        """
        until = self._after("sleep", duration)
        await self._wait(name, wanted_time(until))

    async def sleep_until(self, moment: datetime, *, name: str = "sleep") -> None:
        """Wait for a moment, which must be aware.

        Raises:
            InputError: it has no zone.
        """
        if moment.tzinfo is None:
            raise InputError("sleep_until", [f"{moment} has no zone: write it with one, such as tzinfo=UTC"])
        await self._wait(name, wanted_time(moment.astimezone(UTC)))

    async def wait_event(
        self,
        event_type: str,
        *,
        where: Mapping[str, Json] | None = None,
        timeout: float | str | timedelta | None = None,  # noqa: ASYNC109 (it is kept on disk, through restarts)
        name: str = "wait_event",
    ) -> Json:
        """Wait for an event, and return it, or None when `timeout` has passed.

        The first one of its type that came in after the run began is taken.

        Args:
            event_type: such as ``phone.call_end``.
            where: values that the event must have, by path: ``{"data.call_id": 7}``.
            timeout: seconds, a text such as ``1h30m``, or a `timedelta`; None waits for ever.
            name: the step's name.

        Returns:
            The event: ``id``, ``type``, ``source``, ``subject``, ``time``, ``received_at``, ``data``.

        Raises:
            InputError: the type, a path or the duration is none.
        """
        if fault := type_fault(event_type):
            raise InputError("wait_event", [fault])
        until = None if timeout is None else self._after("timeout of wait_event", timeout)
        details = _condition(where or {})
        shown = {"event": event_type, "where": dict(where or {}) or None}
        wanted = Wanted(kind=WaitKind.EVENT, until=until, event_type=event_type, details=details, shown=shown)
        return await self._wait(name, wanted)

    async def approval(
        self,
        message: str,
        *,
        to: str = "",
        schema: Json = None,
        timeout: float | str | timedelta | None = None,  # noqa: ASYNC109 (it is kept on disk, through restarts)
        name: str = "approval",
    ) -> Json:
        """Wait for a person's yes, and return it: ``approved``, ``by``, ``at``, ``note``, ``data``.

        Args:
            message: what is asked.
            to: who is asked, in words.
            schema: JSON Schema of the data that comes with the yes; None takes any.
            timeout: seconds, a text such as ``1h30m``, or a `timedelta`; None waits for ever.
            name: the step's name.

        Raises:
            StepError: with the type ``RejectedError`` when a person said no, ``TimeoutError`` when nobody spoke.
            InputError: the schema or the duration is none.
        """
        until = None if timeout is None else self._after("timeout of approval", timeout)
        wanted = wanted_approval(message, to=to, schema=schema, until=until)
        return await self._wait(name, wanted)

    async def _wait(self, name: str, wanted: Wanted) -> Json:
        branch = current_branch(name)
        key = branch.key(name)

        async def want() -> Wanted:
            return wanted

        with alone(branch, name):
            try:
                return await self._waiter.wait(key, branch.control, want)
            except StepFailed as failed:
                record = self._journal.recorded(key)
                if record is not None and record.status is StepStatus.WAITING:
                    self._journal.finish(record, StepStatus.FAILED, error=failed.to_json())
                    failed.recorded = True
                raise

    def _after(self, what: str, duration: float | str | timedelta) -> datetime:
        seconds = duration / timedelta(seconds=1) if isinstance(duration, timedelta) else duration
        try:
            return self._journal.clock.now() + timedelta(seconds=parse_duration(seconds))
        except ValueError as error:
            raise InputError(what, [str(error)]) from None


def _condition(where: Mapping[str, Json]) -> dict[str, Json]:
    """Return the condition that an event has these values, and the values that it reads."""
    if not where:
        return {}
    wanted = load(dump(list(where.values())))
    clauses = [f"event{_path(path)} == wanted[{number}]" for number, path in enumerate(where)]
    expression = compile_expression(" and ".join(clauses))
    return {"where": expression.source, "values": values_for(expression, {"wanted": wanted})}


def _path(path: str) -> str:
    parts = path.removeprefix("event.").split(".")
    if not all(parts):
        raise InputError("where of wait_event", [f"{path!r} is no path: write it like data.call_id"])
    return "".join(f"[{part}]" if _INDEX.fullmatch(part) else f"[{json.dumps(part)}]" for part in parts)
