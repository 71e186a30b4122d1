"""Which events a wait is for: the condition with just the values of the run that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from backhaul.errors import EvaluationError, InputError
from backhaul.json_values import Json, dump
from backhaul.runs.datasets import restore
from backhaul.runs.scope import evaluate
from backhaul.store.records import EventRecord
from backhaul.store.service_records import WaitRecord
from backhaul.workflows.expression_tree import Path
from backhaul.workflows.expressions import Expression, compile_expression
from backhaul.workflows.moments import parse_moment

if TYPE_CHECKING:
    from backhaul.store.store import Store

__all__ = ["MOST_CHARACTERS", "WaitMatcher", "values_for"]

MOST_CHARACTERS = 64_000
"""JSON text of the values that one condition may need."""

_MOST_REMEMBERED = 10_000

_log = structlog.get_logger(__name__)


def values_for(where: Expression, context: Mapping[str, Json]) -> Json:
    """Return the parts of a context that a condition on ``event`` reads.

    Raises:
        InputError: they are too large to be kept with the wait.
    """
    values = _picked(context, [path for path in where.references if path[0] != "event"])
    size = len(dump(values))
    if size > MOST_CHARACTERS:
        reason = (
            f"it reads {size:,} characters of values, more than {MOST_CHARACTERS:,}: "
            "compute what it compares with in a step with 'set' before, and read that"
        )
        raise InputError(f"where of the wait, {where.source!r}", [reason])
    return values


class WaitMatcher:
    """Says whether an event is the one that a wait is for. A condition that fails on an event is not met by it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: set[tuple[str, str]] = set()

    async def fits(self, wait: WaitRecord, event: EventRecord, *, is_new: bool = False) -> bool:
        """Return whether the event ends the wait.

        It must have come in before the wait is over, and, when it is not new, after the run began; and it is not the
        one that the wait excepts.
        """
        details: Json = wait.details
        if event.event_id == details.get("except"):
            return False
        if event.type != wait.event_type or not (is_new or event.received_at >= parse_moment(details["since"])):
            return False
        if wait.wake_at is not None and event.received_at >= wait.wake_at:
            return False
        where = details.get("where")
        if where is None:
            return True
        try:
            values = restore(details["values"], self._store)
            return bool(await evaluate(compile_expression(where), {**values, "event": event.to_json()}))
        except EvaluationError:
            self._tell(wait, event, where)
            return False

    def _tell(self, wait: WaitRecord, event: EventRecord, where: str) -> None:
        place = (wait.run_id, wait.key)
        if place not in self._told:
            if len(self._told) >= _MOST_REMEMBERED:
                self._told.clear()
            self._told.add(place)
            # Not the error's own text: it quotes values, which may be personal.
            _log.warning(
                "the condition of a wait cannot be evaluated on an event, which is therefore not the awaited one",
                run_id=wait.run_id,
                step=wait.key,
                where=where,
                event_id=event.event_id,
            )


def _picked(value: Json, paths: Sequence[Path]) -> Json:
    if not isinstance(value, Mapping):
        return value
    if not all(paths):
        return dict(value)
    return {
        key: _picked(value[key], [path[1:] for path in paths if path[0] == key])
        for key in dict.fromkeys(path[0] for path in paths)
        if key in value
    }
