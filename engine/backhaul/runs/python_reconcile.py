"""`Run.reconcile`: the reconcile of Python workflows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from backhaul.errors import BackhaulError, InputError, StoreError
from backhaul.json_values import Json, dump, load
from backhaul.plugins.action import Page
from backhaul.runs.branches import current_branch, under_way
from backhaul.runs.calls import Caller, failed_before
from backhaul.runs.control import StepFailed
from backhaul.runs.each_results import PAGE
from backhaul.runs.failures import text_of
from backhaul.runs.journal import Journal
from backhaul.runs.python_connection import Listing
from backhaul.runs.reconciling.function_changes import Difference, FunctionChanges, Functions
from backhaul.runs.reconciling.reconciler import Reconciler
from backhaul.runs.reconciling.sides import Fields
from backhaul.runs.reconciling.work import Joined, list_key
from backhaul.runs.scope import Scope
from backhaul.store.records import PageRecord, RunRecord, StepStatus
from backhaul.workflows.definition import RetryPolicy
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.expressions import compile_expression
from backhaul.workflows.normalizers import NORMALIZERS
from backhaul.workflows.reconcile import CHANGES, Change, ChangeName, Compared, Guard, KeyFields, Reconcile, Side
from backhaul.workflows.shares import share_of
from backhaul.workflows.templates import Template

if TYPE_CHECKING:
    from backhaul.runs.datasets import StoredDataset
    from backhaul.runs.waiting import Waiter

__all__ = ["RunReconcile"]

SourceT = TypeVar("SourceT")
TargetT = TypeVar("TargetT")

_NO_CALL = Change(connection="", action="", params=Template({}))


class RunReconcile:
    """The reconciling half of `Run`."""

    _record: RunRecord
    _journal: Journal
    _caller: Caller
    _waiter: Waiter

    async def reconcile(
        self,
        source: Iterable[SourceT] | AsyncIterator[Page[SourceT]] | None,
        target: Iterable[TargetT] | AsyncIterator[Page[TargetT]] | None,
        *,
        key: str | tuple[str, str],
        compare: Mapping[str, str] | None = None,
        normalize: Sequence[str] = (),
        create: Callable[[SourceT], Awaitable[object]] | None = None,
        update: Callable[[SourceT, TargetT], Awaitable[object]] | None = None,
        delete: Callable[[TargetT], Awaitable[object]] | None = None,
        create_if: Callable[[SourceT], bool] | None = None,
        update_if: Callable[[SourceT, TargetT], bool] | None = None,
        delete_if: Callable[[TargetT], bool] | None = None,
        recheck: Callable[[TargetT], Awaitable[TargetT | None]] | None = None,
        max_delete: str = "5%",
        max_delete_count: int | None = None,
        min_source: int = 1,
        to: str | None = None,
        timeout: str | None = None,  # noqa: ASYNC109 (it is kept on disk, through restarts)
        order: Sequence[ChangeName] = CHANGES,
        confirm_runs: int = 1,
        concurrency: int = 1,
        max_failures: int | None = None,
        explain: Callable[[Difference], str | None] | None = None,
        name: str = "reconcile",
    ) -> dict[str, Any]:
        """Make the target's records what the source's are, as the verb ``reconcile`` does. The target is read first.

        Args:
            source: records, or a listing of a connector, whose pages are taken as they come; None: it could not be
                read, which is not the same as an empty one.
            target: as the source.
            key: the field that says which records are the same thing, or the source's and the target's.
            compare: fields of the source, each with the target's field that shall have its value.
            normalize: normalisers of the key by name: ``trim``, ``lower``, ``upper``, ``digits``, ``serial``, ``e164``.
            create: called for each record that the target lacks. Calls of connectors in it are journaled steps.
            update: called for each record that differs.
            delete: called for each record that the source lacks.
            create_if: says of a record whether it is to be created, and calls nothing; one that is not, is skipped.
            update_if: as `create_if`.
            delete_if: as `create_if`.
            recheck: reads a record of the target just before its delete.
            max_delete: greatest share of the target's records that is deleted without a person's yes.
            max_delete_count: greatest number; None: the share alone counts.
            min_source: records that the source must have.
            to: who is asked when the deletes do not pass, in words.
            timeout: after this time, such as ``12h``, nobody is asked any more and nothing is deleted; None: never.
            order: which kind of change comes first.
            confirm_runs: delete only what so many runs in a row did not find.
            concurrency: keys at the same time.
            max_failures: keys that may fail; None: any number.
            explain: names the reason for which a record is on one side only.
            name: names the steps: ``name/create[key]``.

        Returns:
            The counts, ``guard``, ``explained``, and ``items`` as the reference of a dataset.

        Raises:
            StepError: with the type ``TooManyFailures``.
            InputError: a limit, a normaliser, an order or a number is none.
        """
        _check(order, concurrency=concurrency, confirm_runs=confirm_runs)
        branch = current_branch(name)
        step = branch.key(name)
        calls = {"create": create, "update": update, "delete": delete, "recheck": recheck}
        given = {kind: function for kind, function in calls.items() if function is not None}
        conditions = {"create": create_if, "update": update_if, "delete": delete_if}
        verb = Reconcile(
            source=compile_expression("source"),
            target=compile_expression("target"),
            key=_key(key, normalize),
            compare=tuple(Compared(source=one, target=other) for one, other in (compare or {}).items()),
            create=_NO_CALL if create is not None else None,
            update=_NO_CALL if update is not None else None,
            delete=_NO_CALL if delete is not None else None,
            order=tuple(order),
            guard=_guard(max_delete, max_delete_count, min_source, to, timeout, has_recheck=recheck is not None),
            confirm_runs=confirm_runs,
            concurrency=concurrency,
            max_failures=max_failures,
            names={"source": _name(source) or "source", "target": _name(target) or "target"},
        )
        assert self._record.started_at is not None  # noqa: S101 (a run that is carried out has started)
        now = self._record.started_at.isoformat()
        scope = Scope.root(inputs={}, event=None, run={}, now=now, control=branch.control, line=branch.line)
        fields, retry = Fields(verb.key, verb.compare), RetryPolicy()
        changes = FunctionChanges(verb, step, scope, fields, self._journal, self._caller, retry)
        with under_way(branch):
            # The target first: what comes to both meanwhile is then missing there, and never taken for gone.
            sides: tuple[tuple[Side, Any], ...] = (("target", target), ("source", source))
            stored = {side: await self._stored(step, side, records) for side, records in sides}
            scope.context.update({side: dataset for side, (dataset, _) in stored.items()})
            typed = {side: make for side, (_, make) in stored.items()}
            changes.functions = Functions(
                calls=given,
                conditions={kind: one for kind, one in conditions.items() if one is not None},
                typed=typed,
                explain=explain,
            )
            return await self._carried_out(verb, step, scope, fields, changes, retry)

    async def _carried_out(
        self, verb: Reconcile, step: str, scope: Scope, fields: Fields, changes: FunctionChanges, retry: RetryPolicy
    ) -> dict[str, Any]:
        prior = self._journal.recorded(step)
        if prior is not None and prior.status is StepStatus.FAILED:
            raise failed_before(prior)
        reconciler = Reconciler(self._journal, self._caller, self._waiter, retry)
        try:
            output: Json = await reconciler.with_changes(verb, step, scope, fields, changes)
        except StoreError:
            raise
        except BackhaulError as error:
            failed = error if isinstance(error, StepFailed) else StepFailed(step, type(error).__name__, text_of(error))
            record = self._journal.recorded(step)
            if record is not None:
                self._journal.finish(record, StepStatus.FAILED, error=failed.to_json())
                failed.recorded = True
            raise failed from None
        plain: dict[str, Any] = load(dump(output)) if self._journal.plan is None else dict(output)
        return plain

    async def _stored(
        self, step: str, side: Side, records: Iterable[Any] | AsyncIterator[Page[Any]] | None
    ) -> tuple[StoredDataset | None, Callable[[Json], Any]]:
        """Store a side as a dataset, unless that has been done, and return it with what makes records of its JSON.

        A listing is always read to its end: which steps it is made of must not depend on what happened before.
        """
        if records is None:
            return None, _maker(None)
        prior = self._journal.recorded(step)
        is_joined = prior is not None and Joined.restored(prior.progress) is not None
        key, count, number = list_key(step, side), 0, 0
        kind: type | None = None
        async for page in _pages(records):
            kind = kind or type(page[0])
            if not is_joined:
                items: list[Json] = load(dump(page))
                record = PageRecord(
                    run_id=self._journal.run_id, key=key, number=number, first_index=count, count=len(page), items=items
                )
                self._journal.follow(self._journal.store.put_page(record))
                await self._journal.store.room()
            count, number = count + len(page), number + 1
        await self._journal.barrier()
        return self._journal.dataset(key, count), _maker(kind)


async def _pages(records: Iterable[Any] | AsyncIterator[Page[Any]]) -> AsyncIterator[list[Any]]:
    """Give the records in lists that are not empty."""
    if isinstance(records, AsyncIterator):
        async for listed in records:
            if listed.items:
                yield list(listed.items)
        return
    page: list[Any] = []
    for one in records:
        page.append(one)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _maker(kind: type | None) -> Callable[[Json], Any]:
    if kind is None or kind in {dict, str, int, float, bool, list}:
        return lambda record: record
    return TypeAdapter(kind).validate_python


def _check(order: Sequence[ChangeName], **numbers: int) -> None:
    problems = [f"{name} is {number}, and at least 1 is needed" for name, number in numbers.items() if number < 1]
    if sorted(order) != sorted(CHANGES):
        problems.append(f"order is {', '.join(order)}: write each of {', '.join(CHANGES)} once")
    if problems:
        raise InputError("reconcile", problems)


def _name(records: object) -> str | None:
    """Return the action that lists records, ``connection.action``; None when nothing tells."""
    return records.action if isinstance(records, Listing) else None


def _key(key: str | tuple[str, str], normalize: Sequence[str]) -> KeyFields:
    unknown = [f"there is no normaliser {one!r}" for one in normalize if one not in NORMALIZERS]
    if unknown:
        raise InputError("normalize of reconcile", unknown)
    source, target = (key, key) if isinstance(key, str) else key
    return KeyFields(source=source, target=target, normalize=tuple((one, "") for one in normalize))


def _guard(
    share: str, count: int | None, least: int, to: str | None, timeout: str | None, *, has_recheck: bool
) -> Guard:
    return Guard(
        max_delete=Template(_share(share)),
        max_delete_count=None if count is None else Template(count),
        min_source=Template(least),
        recheck=_NO_CALL if has_recheck else None,
        to=None if to is None else Template(to),
        timeout=None if timeout is None else Template(_duration(timeout)),
    )


def _share(text: str) -> str:
    try:
        share_of(text)
    except ValueError as error:
        raise InputError("max_delete of reconcile", [str(error)]) from None
    return text


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except ValueError as error:
        raise InputError("timeout of reconcile", [str(error)]) from None
    return text
