"""Writes and reads the steps of runs and their attempts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Select, bindparam, func, select

from backhaul.store.database import Queries
from backhaul.store.key_ranges import end_of_prefix
from backhaul.store.records import AttemptRecord, StepRecord, StepStatus
from backhaul.store.rows import attempt_record, attempt_values, step_record, step_values
from backhaul.store.statements import Write
from backhaul.store.tables import ATTEMPTS, OUTSIDE_EACH, STEPS
from backhaul.store.tickets import Ticket

__all__ = ["StepQueries"]

_KEYS_AT_ONCE = 500
_MAX_SEQ = select(func.max(STEPS.c.seq)).where(STEPS.c.run_id == bindparam("wanted"))  # the index has it
_COUNTS = select(STEPS.c.status, func.count()).where(STEPS.c.run_id == bindparam("wanted")).group_by(STEPS.c.status)


class StepQueries(Queries):
    """Steps and attempts."""

    def put_step(self, record: StepRecord) -> Ticket:
        """Write a step; an existing one with its key is replaced."""
        return self._writer.append(((self._statements.put_step, step_values(record)),))

    def put_steps(self, records: Iterable[StepRecord]) -> Ticket:
        """Write several steps, together or not at all."""
        sql = self._statements.put_step
        return self._append(*[(sql, step_values(record)) for record in records])

    def put_attempt(self, record: AttemptRecord) -> Ticket:
        """Write an attempt; an existing one with its number is replaced."""
        return self._append((self._statements.put_attempt, attempt_values(record)))

    async def step(self, run_id: str, key: str) -> StepRecord | None:
        """Return a step, or None."""
        query = select(STEPS).where(STEPS.c.run_id == run_id, STEPS.c.key == key)
        row = await self._read(lambda db: db.execute(query).first())
        return None if row is None else step_record(row)

    async def steps(
        self,
        run_id: str,
        *,
        prefix: str | None = None,
        keys: Collection[str] | None = None,
        outside_each: bool = False,
        statuses: Collection[StepStatus] | None = None,
        limit: int | None = None,
        after_seq: int | None = None,
    ) -> list[StepRecord]:
        """Return steps of a run in the order in which they began; the conditions narrow each other.

        Args:
            prefix: only keys that begin so.
            keys: only these.
            outside_each: only keys without ``[``.
            statuses: only those with one of them.
            limit: at most so many.
            after_seq: only those whose `seq` is greater.
        """
        query = select(STEPS).where(STEPS.c.run_id == run_id)
        if prefix:
            query = query.where(STEPS.c.key >= prefix)
            if (end := end_of_prefix(prefix)) is not None:
                query = query.where(STEPS.c.key < end)
        if outside_each:
            query = query.where(OUTSIDE_EACH)
        if statuses is not None:
            query = query.where(STEPS.c.status.in_([status.value for status in statuses]))
        if after_seq is not None:
            query = query.where(STEPS.c.seq > after_seq)
        query = query.order_by(STEPS.c.seq, STEPS.c.key)
        if keys is None:
            return await self._steps(query if limit is None else query.limit(limit))
        found: list[StepRecord] = []
        wanted = list(keys)
        for start in range(0, len(wanted), _KEYS_AT_ONCE):
            found += await self._steps(query.where(STEPS.c.key.in_(wanted[start : start + _KEYS_AT_ONCE])))
        found.sort(key=lambda record: (record.seq, record.key))
        return found[:limit]

    async def max_seq(self, run_id: str) -> int:
        """Return the greatest `seq` of a run's steps, 0 when it has none."""
        return await self._look_up(lambda db: db.execute(_MAX_SEQ, {"wanted": run_id}).scalar()) or 0

    async def step_counts(self, run_id: str, *, few: bool = False) -> dict[StepStatus, int]:
        """Return the number of a run's steps by status, without the statuses that none has.

        Args:
            few: there are not many; then they are counted at once, and not in a thread.
        """
        read = self._look_up if few else self._read
        rows = await read(lambda db: db.execute(_COUNTS, {"wanted": run_id}).all())
        return {StepStatus(status): count for status, count in rows}

    async def attempts(self, run_id: str, key: str | None = None) -> list[AttemptRecord]:
        """Return the attempts of a run, or of one step of it, ordered by key and number."""
        query = select(ATTEMPTS).where(ATTEMPTS.c.run_id == run_id).order_by(ATTEMPTS.c.key, ATTEMPTS.c.number)
        if key is not None:
            query = query.where(ATTEMPTS.c.key == key)
        return [attempt_record(row) for row in await self._read(lambda db: db.execute(query).all())]

    async def delete_steps(self, run_id: str, keys: Iterable[str]) -> None:
        """Remove steps with their attempts and datasets, together; durable when this returns."""
        wanted = list(keys)
        writes: list[Write] = [(sql, (run_id, key)) for sql in self._statements.delete_history for key in wanted]
        await self._append(*writes).wait()

    async def copy_run_history(
        self, from_run: str, to_run: str, *, before_seq: int | None = None, keys: Sequence[str] | None = None
    ) -> None:
        """Copy steps with their attempts and datasets to another run, together, inside the database.

        What the other run has already stays as it is, so that repeating this is harmless. Durable when this returns.

        Args:
            before_seq: the steps whose `seq` is smaller.
            keys: exactly these steps. One of the two conditions is given.
        """
        writes: list[Write]
        if keys is not None:
            copies = self._statements.copy_history_of_step
            writes = [(sql, (to_run, from_run, key)) for sql in copies for key in keys]
        elif before_seq is not None:
            first, *others = self._statements.copy_history_before
            writes = [(first, (to_run, from_run, before_seq))]
            writes += [(sql, (to_run, from_run, from_run, before_seq)) for sql in others]
        else:
            raise TypeError("copy_run_history needs before_seq or keys")
        await self._append(*writes).wait()

    async def _steps(self, query: Select[tuple[object, ...]]) -> list[StepRecord]:
        return await self._read(lambda db: [step_record(row) for row in db.execute(query)])
