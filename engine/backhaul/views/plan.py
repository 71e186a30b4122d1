"""A plan as one document: its effects, what is not known yet, a summary, a forecast."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backhaul.clock import utc_text
from backhaul.json_values import Json
from backhaul.runs.planning.effects import effect_view, every_step, in_words
from backhaul.store.records import StepStatus
from backhaul.views.plan_forecast import Tallies, forecast
from backhaul.views.run_screen import remember_given

if TYPE_CHECKING:
    from datetime import datetime

    from backhaul.plugins.limits import Limits
    from backhaul.store.records import RunRecord, StepRecord
    from backhaul.store.store import Store
    from backhaul.views.screen import Screen

__all__ = ["SHOWN", "PlanView", "effects_of", "group_of", "plan_head", "read_plan"]

SHOWN = 20
"""Effects of one group that people are shown."""
VERSION = 1

_LABEL = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]")


@dataclass(slots=True)
class PlanView:
    """A plan, without its effects one by one.

    Attributes:
        head: what the document begins with: workflow, digest, run_id, status, inputs, event, created_at.
        by_action: number of effects by action and effect.
        shown: by group (the step without the labels of items): the first `SHOWN` effects.
        groups: number of effects by group.
        only_if: number of effects by the step that a person has to say yes to before they are done.
        undetermined: parts of which it is not known what they would do, by group, as plan files hold them.
        waits: what the run would wait for.
    """

    head: dict[str, Json]
    by_action: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: dict[str, list[Json]] = field(default_factory=dict)
    groups: Counter[str] = field(default_factory=Counter)
    only_if: Counter[str] = field(default_factory=Counter)
    undetermined: dict[str, dict[str, Json]] = field(default_factory=dict)
    waits: list[Json] = field(default_factory=list)
    forecast: Json = None

    @property
    def effects(self) -> int:
        """Number of effects."""
        return self.by_action.total()

    def tail(self) -> dict[str, Json]:
        """Return what the document ends with."""
        by_effect: Counter[str] = Counter()
        for (_, effect), count in self.by_action.items():
            by_effect[effect] += count
        rows = [
            {"action": action, "effect": effect, "count": count}
            for (action, effect), count in sorted(self.by_action.items())
        ]
        unknown = sum(one["count"] for one in self.undetermined.values() if one["may_change"])
        return {
            "undetermined": list(self.undetermined.values()),
            "waits": self.waits,
            "summary": {
                "effects": self.effects,
                "by_effect": dict(sorted(by_effect.items())),
                "by_action": rows,
                "only_if": dict(self.only_if),
                "undetermined": unknown,
            },
            "forecast": self.forecast,
        }


async def read_plan(
    store: Store,
    run: RunRecord,
    limits: Mapping[str, Limits],
    now: datetime,
    *,
    screen: Screen | None = None,
    each: Callable[[Json], None] | None = None,
) -> PlanView:
    """Read a plan out of the history.

    Args:
        run: the planned run.
        limits: of the connections.
        now: for the day's quota, aware UTC.
        screen: covers what people do not get to see; None shows everything.
        each: called with every effect, in order; they are not kept.
    """
    view = PlanView(plan_head(run, screen))
    async for effect in effects_of(view, store, run, limits, now, screen=screen, every=each is not None):
        if each is not None:
            each(effect)
    return view


async def effects_of(
    view: PlanView,
    store: Store,
    run: RunRecord,
    limits: Mapping[str, Limits],
    now: datetime,
    *,
    screen: Screen | None = None,
    every: bool = True,
) -> AsyncGenerator[Json, None]:
    """Yield the effects of a plan in order, and put everything else about it into `view`, which is whole at the end.

    Args:
        every: all of them, and not only those that people are shown.
    """
    tallies = Tallies()
    async for name, record in every_step(store, run.run_id):
        if record.status is not StepStatus.PLANNED:
            await tallies.read(record, store)
            continue
        effect = effect_view(name, record)
        if effect is None:
            _other(view, name, record, run, screen)
            continue
        tallies.effect(effect["action"])
        group = _counted(view, effect)
        shown = view.shown.setdefault(group, [])
        if not every and len(shown) >= SHOWN:
            continue
        seen = effect if screen is None else _covered(effect, record, run, screen)
        if len(shown) < SHOWN:
            shown.append(seen)
        yield seen
    view.forecast = await forecast(tallies, limits, store, now)


def group_of(name: str) -> str:
    """Return a step's name without the labels of items: ``sync[SN1]/add`` is ``sync[]/add``."""
    return _LABEL.sub("[]", name)


def plan_head(run: RunRecord, screen: Screen | None = None) -> dict[str, Json]:
    """Return what the document of a plan begins with."""

    def shown(value: Json) -> Json:
        return value if screen is None else screen.value(value)

    return {
        "plan": VERSION,
        "workflow": run.workflow,
        "digest": run.digest,
        "run_id": run.run_id,
        "status": run.status.value,
        "error": run.error if screen is None else screen.error(run.error),
        "inputs": shown(run.inputs),
        "event": shown(run.event),
        "created_at": utc_text(run.started_at or run.created_at),
    }


def _counted(view: PlanView, effect: Json) -> str:
    """Count an effect, and return its group."""
    view.by_action[effect["action"], effect["effect"]] += 1
    group = group_of(effect["step"])
    view.groups[group] += 1
    if "only_if" in effect:
        view.only_if[group_of(effect["only_if"])] += 1
    return group


def _other(view: PlanView, name: str, record: StepRecord, run: RunRecord, screen: Screen | None) -> None:
    """Put a wait, or a part of which it is not known what it would do, into the view."""
    own = None if screen is None else _screen_of(run, screen)
    notes = record.progress or {}
    if "undetermined" not in notes:
        # On a screen without the labels of items: what they hold is not known to be nobody's.
        shown = {"step": name if own is None else group_of(name), "for": record.params}
        view.waits.append(shown if own is None else own.value(shown))
        return
    group, reason = group_of(name), notes["undetermined"]
    known = view.undetermined.setdefault(
        group,
        {
            "step": group,
            "verb": record.verb,
            "reason": reason if own is None else own.text(reason),
            "may_change": notes.get("changed", []),
            "count": 0,
        },
    )
    known["count"] += 1


def _covered(effect: Json, record: StepRecord, run: RunRecord, screen: Screen) -> Json:
    own = _screen_of(run, screen)
    own.learn([record])
    for name in ("before", "after"):
        own.remember(effect.get(name))
    params = own.params(record)
    described = (record.progress or {}).get("describe")
    shown = {**effect, "params": params, "step": own.text(effect["step"])}
    if "only_if" in effect:
        shown["only_if"] = group_of(effect["only_if"])
    shown["describe"] = own.text(described) if described else in_words(effect["action"], params)
    for name in ("before", "after"):
        if name in effect:
            shown[name] = own.value(effect[name])
    return shown


def _screen_of(run: RunRecord, screen: Screen) -> Screen:
    """Return a screen for one step: nothing that another one held is looked for in it."""
    own = screen.fresh()
    remember_given(run, own)
    return own
