"""What comes before and after a run under a plan: the plan, a person's yes, the look whether it holds, the balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

from backhaul.clock import utc_text
from backhaul.ids import new_id
from backhaul.json_values import Json
from backhaul.runs.calls import failed_before
from backhaul.runs.control import Abandoned, Control, StepFailed
from backhaul.runs.planning.approved import PLAN_KEY, effects_in, store_effects
from backhaul.runs.planning.drift import compare, in_words
from backhaul.runs.planning.effects import effect_view, planned_steps
from backhaul.runs.planning.modes import PLAN, seen_at
from backhaul.runs.running import ENDED
from backhaul.runs.wait_verb import wanted_approval
from backhaul.runs.waiting import Waiter, Wanted
from backhaul.store.records import RunRecord, RunStatus, StepRecord, StepStatus

if TYPE_CHECKING:
    from backhaul.runs.executor import Executor
    from backhaul.runs.journal import Journal
    from backhaul.store.store import Store
    from backhaul.workflows.definition import Workflow

__all__ = ["APPLIED_KEY", "CHECK_KEY", "DRIFT", "PLANNING_KEY", "Review", "balance"]

PLANNING_KEY = "$planning"
CHECK_KEY = "$check"
APPLIED_KEY = "$applied"
DRIFT = "DriftError"
"""Type of the error of a run whose plan does not hold any more."""
_MOST_NAMED = 1_000


class Review:
    """Makes the plan of one run, has it approved, and looks whether it still holds. All of it is in the journal.

    Args:
        run: the run that goes under the plan.
        workflow: what it runs, and what is planned.
    """

    def __init__(
        self, run: RunRecord, workflow: Workflow, journal: Journal, waiter: Waiter, control: Control, executor: Executor
    ) -> None:
        self._run = run
        self._workflow = workflow
        self._journal = journal
        self._waiter = waiter
        self._control = control
        self._executor = executor

    async def ready(self) -> None:
        """Return when the run may do what its plan lists.

        Raises:
            StepFailed: it may not.
            Suspended: it waits for a person.
        """
        if self._run.mode is not None and self._run.mode["mode"] == "review":
            await self.plan()
        else:
            await self.check()

    def since(self, since: datetime) -> datetime:
        """Return when the time of the run's own steps began; `since` is when that of the whole run did."""
        ends = [self._journal.recorded(key) for key in (PLAN_KEY, CHECK_KEY)]
        return max(since, *(step.finished_at for step in ends if step is not None and step.finished_at is not None))

    async def plan(self) -> None:
        """Return when there is a plan that nobody has to look at, or a person has said yes to it.

        Raises:
            StepFailed: no plan could be made, or a person said no.
            Suspended: it waits for a person.
        """
        prior = self._journal.recorded(PLAN_KEY)
        if prior is None:
            told = await self._made()
            policy = self._workflow.plan
            if policy is None or policy.applies_at_once(told["by_effect"], undetermined=told["undetermined"]):
                record = self._journal.begin(PLAN_KEY, "plan")
                self._journal.keep(self._journal.finish(record, StepStatus.SUCCEEDED, output=told))
                return
        elif prior.verb == "plan":
            return
        message = _question(self._journal.recorded(PLANNING_KEY), self._workflow)

        async def want() -> Wanted:
            return wanted_approval(message, to="", schema=None, until=None)

        try:
            await self._waiter.wait(PLAN_KEY, self._control, want)
        except StepFailed as failed:
            asked = self._journal.recorded(PLAN_KEY)
            if asked is not None and asked.status is StepStatus.WAITING:
                self._journal.finish(asked, StepStatus.FAILED, error=failed.to_json())
            raise
        await self.check()

    async def check(self) -> None:
        """Return when a plan that is made now has the same effects as the run's.

        Raises:
            StepFailed: it has others; nothing has been done.
        """
        prior = self._journal.recorded(CHECK_KEY)
        if prior is not None and prior.status is StepStatus.SUCCEEDED:
            return
        if prior is not None and prior.status is StepStatus.FAILED:
            raise failed_before(prior)
        record, child = await self._planned(CHECK_KEY, prior)
        counts, items = await compare(self._journal.store, self._run.run_id, child.run_id)
        if counts:
            failed = StepFailed(CHECK_KEY, DRIFT, in_words(counts))
            found = {"run_id": child.run_id, "counts": dict(counts), "drift": items}
            self._journal.finish(record, StepStatus.FAILED, error=failed.to_json(), output=found)
            failed.recorded = True
            raise failed
        self._journal.keep(self._journal.finish(record, StepStatus.SUCCEEDED, output={"run_id": child.run_id}))
        await self._journal.barrier()

    async def _made(self) -> Json:
        """Make the plan, store it with the run, and return what it comes to."""
        prior = self._journal.recorded(PLANNING_KEY)
        if prior is not None and prior.status is StepStatus.SUCCEEDED:
            return prior.output
        if prior is not None and prior.status is StepStatus.FAILED:
            raise failed_before(prior)
        record, child = await self._planned(PLANNING_KEY, prior)
        counts: Counter[str] = Counter()
        undetermined, asked = 0, 0

        async def effects() -> AsyncIterator[Json]:
            nonlocal undetermined, asked
            async for name, step in planned_steps(self._journal.store, child.run_id):
                effect = effect_view(name, step)
                if effect is not None:
                    counts[effect["effect"]] += 1
                    asked += "only_if" in effect
                    yield effect
                elif (step.progress or {}).get("changed"):
                    undetermined += 1

        total = await store_effects(self._journal.store, self._run.run_id, effects())
        told = {
            "run_id": child.run_id,
            "effects": total,
            "by_effect": dict(counts),
            "only_if": asked,
            "undetermined": undetermined,
        }
        self._journal.keep(self._journal.finish(record, StepStatus.SUCCEEDED, output=told))
        await self._journal.barrier()
        return told

    async def _planned(self, key: str, prior: StepRecord | None) -> tuple[StepRecord, RunRecord]:
        """Carry out a plan as step `key`. Its id is on disk before it exists, so that a crash makes no second one."""
        goes_on = prior is not None and prior.status is StepStatus.RUNNING
        params: Json = prior.params if prior is not None and goes_on else {"run_id": new_id()}
        record = self._journal.begin(key, "plan", action=self._workflow.name, params=params)
        self._journal.keep(record)
        self._journal.write(record)
        await self._journal.barrier()
        run = self._run
        child = await self._journal.store.run(params["run_id"])
        if child is None:
            child = await self._executor.start(
                self._workflow,
                run.inputs,
                cause=f"step {key} of run {run.run_id}",
                event=run.event,
                run_id=params["run_id"],
                parent=(run.run_id, key),
                mode={**PLAN, "now": utc_text(seen_at(run))},
            )
        if child.status not in ENDED:
            child = await self._executor.execute(child.run_id, under=self._control)
        if child.status is RunStatus.SUCCEEDED:
            return record, child
        if child.status not in ENDED:
            self._control.check()
            raise Abandoned
        message = (child.error or {}).get("message") or f"it was {child.status}"
        failed = StepFailed(key, "PlanError", f"no plan could be made, and nothing was done: {message}")
        self._journal.finish(record, StepStatus.FAILED, error=failed.to_json())
        failed.recorded = True
        raise failed


async def balance(journal: Journal) -> None:
    """Write what became of a plan under which a run has gone: how many of its effects were made, and which were not."""
    store, run_id = journal.store, journal.run_id
    await journal.barrier()
    done, left, names = 0, 0, list[str]()
    children: dict[str, str | None] = {"": run_id}
    async for page in effects_in(store, run_id):
        made = await _made(store, children, [effect["step"] for effect in page])
        for effect in page:
            if effect["step"] in made:
                done += 1
                continue
            left += 1
            if len(names) < _MOST_NAMED:
                names.append(effect["step"])
    record = journal.begin(APPLIED_KEY, "plan")
    output = {"planned": done + left, "done": done, "not_done": left, "not_done_steps": names}
    journal.finish(record, StepStatus.SUCCEEDED, output=output)
    await journal.barrier()


async def _made(store: Store, children: dict[str, str | None], names: list[str]) -> set[str]:
    """Return which of these steps of a plan have succeeded; `children` remembers which run is behind which step."""
    by_run: dict[str, list[str]] = {}
    for name in names:
        by_run.setdefault(name.rpartition(" > ")[0], []).append(name)
    made: set[str] = set()
    for prefix, found in by_run.items():
        run_id = await _run_behind(store, children, prefix)
        if run_id is None:
            continue
        keys = {name.rpartition(" > ")[2]: name for name in found}
        for step in await store.steps(run_id, keys=list(keys)):
            if step.status is StepStatus.SUCCEEDED:
                made.add(keys[step.key])
    return made


async def _run_behind(store: Store, children: dict[str, str | None], prefix: str) -> str | None:
    if prefix not in children:
        above, _, key = prefix.rpartition(" > ")
        run_id = await _run_behind(store, children, above)
        step = await store.step(run_id, key) if run_id is not None else None
        params: Json = step.params if step is not None else None
        children[prefix] = params.get("run_id") if isinstance(params, dict) else None
    return children[prefix]


def _question(planning: StepRecord | None, workflow: Workflow) -> str:
    told: Json = (planning.output if planning is not None else None) or {}
    counts = ", ".join(f"{name} {count:,}" for name, count in sorted(told.get("by_effect", {}).items()))
    open_parts = told.get("undetermined", 0)
    unknown = f"; {open_parts:,} parts are known after apply and not in it" if open_parts else ""
    effects = f"{told.get('effects', 0):,} effects ({counts})" if counts else "no effects"
    asked = told.get("only_if", 0)
    effects += f", {asked:,} of them only after a further yes" if asked else ""
    return f"the plan of {workflow.name} has {effects}{unknown}: backhaul runs show {told.get('run_id')} --plan"
