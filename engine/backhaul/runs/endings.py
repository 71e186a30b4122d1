"""How a run ends: what its work came to, and the write that says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import structlog

from backhaul.errors import BackhaulError, StoreError
from backhaul.json_values import Json, dump, load
from backhaul.runs.cancelling import abandon_waits, cancel_steps
from backhaul.runs.control import Abandoned, Parked, StepFailed, Suspended
from backhaul.runs.failures import text_of
from backhaul.runs.journal import Journal
from backhaul.runs.planning.approved import NOT_PLANNED, NotPlanned
from backhaul.runs.running import ENDED, Running
from backhaul.store.records import RunRecord, RunStatus
from backhaul.workflows.python_modules import place_in_workflow

if TYPE_CHECKING:
    from backhaul.clock import Clock
    from backhaul.problems import Place
    from backhaul.runs.events import EventSink
    from backhaul.store.store import Store

__all__ = ["doubt_in", "failed_with", "first_error", "outcome_of", "stopped", "write_end"]

_log = structlog.get_logger(__name__)

_FEW_STEPS = 500


async def outcome_of(running: Running, journal: Journal, work: Callable[[], Awaitable[Json]]) -> RunRecord:
    """Return how the run stands after its work, with everything that led to it on disk.

    Raises:
        StoreError: the history cannot be written.
    """
    run = running.run
    try:
        output = load(dump(await work()))  # as the history has it: datasets by name, models as objects
        await journal.barrier()
    except StepFailed as failed:
        return replace(run, status=RunStatus.FAILED, error=failed.to_json())
    except NotPlanned as refused:
        await journal.barrier()
        error = {"type": NOT_PLANNED, "message": refused.reason, "step": refused.key}
        return replace(run, status=RunStatus.FAILED, error=error)
    except Parked as parked:
        error = {"type": "UnknownOutcomeError", "message": parked.reason, "step": parked.key}
        return replace(run, status=RunStatus.NEEDS_ATTENTION, error=error)
    except Suspended:
        await journal.barrier()
        return stopped(running) if running.cancelled else replace(run, status=RunStatus.WAITING)
    except Abandoned:
        return stopped(running)
    except StoreError:
        raise
    except BackhaulError as error:
        return failed_with(run, error)
    except Exception as error:  # noqa: BLE001 (the run's boundary: a workflow's or the engine's own mistake)
        first = first_error(error) if isinstance(error, ExceptionGroup) else error
        if isinstance(first, StoreError):
            raise first from None
        place = place_in_workflow(first)
        if place is None:
            _log.error("run failed unexpectedly", run_id=run.run_id, exc_info=first)
        else:
            _log.debug("workflow raised an error", run_id=run.run_id, exc_info=first)
        return failed_with(run, first, place)
    return replace(run, status=RunStatus.SUCCEEDED, output=output, error=None)


def stopped(running: Running) -> RunRecord:
    """Return how a run stands that was stopped: cancelled, or to be gone on with."""
    if running.cancelled:
        error = {"type": "Cancelled", "message": f"cancelled by {running.cancelled_by}", "step": None}
        return replace(running.run, status=RunStatus.CANCELLED, error=error)
    return running.run


def failed_with(run: RunRecord, error: BaseException, place: Place | None = None) -> RunRecord:
    """Return the run as failed by an error that is no step's, which arose at a place of its workflow's file."""
    message = text_of(error) if place is None else f"{text_of(error)} ({place.file}:{place.line})"
    problem = {"type": type(error).__name__, "message": message, "step": None}
    return replace(run, status=RunStatus.FAILED, error=problem)


def doubt_in(journal: Journal) -> Json:
    """Return the error of a run that a person has to look at, because of its first step with an unknown outcome."""
    step = min(journal.unknown)
    return {"type": "UnknownOutcomeError", "message": f"the outcome of step {step} is unknown", "step": step}


def first_error(error: BaseException) -> BaseException:
    """Return the first error inside of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def write_end(
    running: Running, run: RunRecord, *, store: Store, clock: Clock, sink: EventSink, home: str
) -> RunRecord:
    """Write how a run stands now that it leaves the memory, after everything that led to it, and return that.

    Args:
        home: the node to which the run belongs while it waits.
    """
    journal = running.journal
    with anyio.CancelScope(shield=True):
        if journal is not None:
            await journal.barrier()
            if journal.unknown and run.status in {RunStatus.FAILED, RunStatus.SUCCEEDED}:
                run = replace(run, status=RunStatus.NEEDS_ATTENTION, error=run.error or doubt_in(journal))
        if run.status is RunStatus.CANCELLED:
            await cancel_steps(run.run_id, store, clock)
        run = replace(run, step_counts=await _step_counts(running, store))
        if run.status in ENDED:
            run = replace(run, finished_at=clock.now())
            if running.cancelling is not None:
                running.control.lines.waits -= running.cancelling.places
            if running.cancelling is not None or running.cancelled:
                await abandon_waits(run.run_id, store, clock)
        waits: set[tuple[str, str]] = set()
        if run.status is RunStatus.WAITING:
            run = replace(run, node=home)
            waits = running.awaited
        told = sink.ended(run)
        ticket = store.put_run_end(run, told, waits=waits)
        sink.told(told, ticket)
        await ticket.wait()
        running.observer.run_ended(run.run_id, run.workflow, run.status)
        if waits:
            run = await store.run(run.run_id) or run  # queued already, when one of them has ended meanwhile
    return run


async def _step_counts(running: Running, store: Store) -> Json:
    few = running.journal is not None and running.journal.steps <= _FEW_STEPS
    found = await store.step_counts(running.run.run_id, few=few)
    counts = Counter({status.value: count for status, count in found.items()})
    if running.scope is not None:
        counts.update(running.scope.unrecorded)
    return {name: count for name, count in sorted(counts.items()) if count}
