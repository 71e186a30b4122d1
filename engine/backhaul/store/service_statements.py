"""The service's writing SQL: what it decides, waits for and lets in."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    exists,
    literal_column,
    null,
    select,
    update,
)

from backhaul.store.retention_statements import RetentionStatements
from backhaul.store.statements import Sql, Turn, key_of
from backhaul.store.tables import DECISIONS, EVENTS, POLLS, RUNS, SCHEDULES, TOKENS, WAITS

__all__ = ["ServiceStatements"]


class ServiceStatements(RetentionStatements):
    """The statements of the service on top of those of the journal and of pruning."""

    @cached_property
    def put_decision(self) -> Sql:
        """A row of `decisions`; an existing one stays. Gives 1 when it is new, 0 otherwise."""
        return self._unless_there(DECISIONS, Turn.DECISION)

    @cached_property
    def put_decision_on_event(self) -> Sql:
        """A row of `decisions`, then `event_id`, `received_at`: written only when just that event is stored.

        An event that is not new may have the id of the stored one, but it came in at another time.
        """
        same = (EVENTS.c.event_id == _text("stored_event"), EVENTS.c.received_at == _number("stored_moment"))
        return self._row_where(DECISIONS, exists().where(*same), Turn.DECISION)

    @cached_property
    def put_decided_run(self) -> Sql:
        """A row of `runs`, then `trigger_id`, `occurrence`, `run_id`: written only when that decision names the run."""
        return self._row_where(
            RUNS,
            exists().where(
                DECISIONS.c.trigger_id == _text("of_trigger"),
                DECISIONS.c.occurrence == _text("of_occurrence"),
                DECISIONS.c.run_id == _text("of_run"),
            ),
            Turn.RUN,
        )

    @cached_property
    def put_schedule(self) -> Sql:
        """A row of `schedules`; an existing one stays paused or not, with its note."""
        return self._upsert(SCHEDULES, keep=("paused", "note", "paused_at"))

    @cached_property
    def decide_until(self) -> Sql:
        """`decided_until`, `trigger_id`, `decided_until` again: it only ever grows."""
        clause = update(SCHEDULES).where(
            SCHEDULES.c.trigger_id == _text("of_trigger"), SCHEDULES.c.decided_until < _number("earlier_than")
        )
        return replace(self._compile(clause.values(decided_until=_number("to_moment"))), turn=Turn.SCHEDULE)

    @cached_property
    def pause_schedule(self) -> Sql:
        """`paused`, `note`, `paused_at`, `trigger_id`. Gives the number of schedules found."""
        clause = update(SCHEDULES).where(SCHEDULES.c.trigger_id == _text("of_trigger"))
        return self._compile(
            clause.values(
                paused=bindparam("to_paused", type_=Boolean),
                note=bindparam("to_note", type_=Text),
                paused_at=_number("to_paused_at"),
            ),
            returns=True,
        )

    @cached_property
    def put_wait(self) -> Sql:
        """A row of `waits`; an existing one stays."""
        return self._compile(self._insert(WAITS).on_conflict_do_nothing())

    @cached_property
    def settle_wait(self) -> Sql:
        """`outcome`, `settled_at`, `run_id`, `key`. Gives 1 when the wait was open, 0 otherwise."""
        clause = update(WAITS).where(
            WAITS.c.run_id == _text("of_run"), WAITS.c.key == _text("of_key"), WAITS.c.outcome == null()
        )
        return self._compile(
            clause.values(
                outcome=bindparam("to_outcome", type_=Text),
                settled_at=_number("at_moment"),
            ),
            returns=True,
        )

    @cached_property
    def wake_run(self) -> Sql:
        """`run_id`: a waiting run is queued again when a wait of it has ended that it does not know of."""
        return self._compile(_queued_again(RUNS.c.run_id == _text("of_run")))

    @cached_property
    def touch_wait(self) -> Sql:
        """`run_id`, `key`: changes nothing, but whoever ends this wait does so before this transaction or after it."""
        clause = update(WAITS).where(WAITS.c.run_id == _text("of_run"), WAITS.c.key == _text("of_key"))
        return self._compile(clause.values(settled_at=WAITS.c.settled_at))

    @cached_property
    def wake_run_if_settled(self) -> Sql:
        """`run_id` of a run, then `run_id` and `key` of a wait: as `wake_run`, if that wait has ended."""
        ended = exists().where(
            WAITS.c.run_id == _text("waits_run"), WAITS.c.key == _text("waits_key"), WAITS.c.outcome != null()
        )
        return self._compile(_queued_again(RUNS.c.run_id == _text("of_run"), ended))

    @cached_property
    def put_token(self) -> Sql:
        """A row of `tokens`."""
        return self._upsert(TOKENS)

    @cached_property
    def use_token(self) -> Sql:
        """`last_used_at`, `token_id`."""
        clause = update(TOKENS).where(TOKENS.c.token_id == _text("of_token"))
        return self._compile(clause.values(last_used_at=_number("at_moment")))

    @cached_property
    def put_poll(self) -> Sql:
        """A row of `polls`."""
        return self._upsert(POLLS)

    def _row_where(self, table: Table, condition: ColumnElement[bool], turn: Turn) -> Sql:
        """Insert one row of plain values when a condition holds and no unique key is taken."""
        values = select(*[cast(bindparam(f"new_{one.name}"), one.type).label(one.name) for one in table.c])
        insert = self._insert(table).from_select([one.name for one in table.c], values.where(condition))
        text = self._compile(insert.on_conflict_do_nothing()).text
        head, select_, rest = text.partition("SELECT ")
        row, conflict, nothing = rest.rpartition(" ON CONFLICT")
        return Sql(
            text,
            head=head,
            row=select_ + row,
            joint=" UNION ALL ",
            tail=conflict + nothing,
            table=table.name,
            key=key_of(table),
            turn=turn,
        )


def _queued_again(*conditions: ColumnElement[bool]) -> Update:
    # Literals: the caller's parameters are all that the statement takes.
    waiting = RUNS.c.status == literal_column("'waiting'")
    return update(RUNS).where(*conditions, waiting).values(status=literal_column("'queued'"))


def _number(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=BigInteger)


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text)
