"""What has changed since a plan was made, as people get to see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from backhaul.json_values import Json, dump
from backhaul.runs.planning.effects import in_words

if TYPE_CHECKING:
    from backhaul.store.records import StepRecord
    from backhaul.views.screen import Screen

__all__ = ["drift_shown", "has_drift"]

_SIDES = ("planned", "now")
_FIELDS = ("before", "after")


def has_drift(step: StepRecord) -> bool:
    """Return whether a step has found that a plan does not hold any more."""
    return step.verb == "plan" and isinstance(step.output, Mapping) and "drift" in step.output


def drift_shown(step: StepRecord, screen: Screen) -> dict[str, Json]:
    """Return the output of a step that `has_drift`, each difference also in words, as its ``text``."""
    output: Json = step.output
    for one in output["drift"]:
        for effect in (one[side] for side in _SIDES if one[side] is not None):
            screen.learn([_call(step, one, effect)])
            for name in _FIELDS:
                screen.remember(effect.get(name))
    return {**output, "drift": [_shown(step, one, screen) for one in output["drift"]]}


def _shown(step: StepRecord, one: Json, screen: Screen) -> Json:
    shown = {**one, "step": screen.text(one["step"])}
    for side in _SIDES:
        effect = one[side]
        if effect is not None:
            fields = {name: screen.value(effect[name]) for name in _FIELDS if name in effect}
            params = screen.params(_call(step, one, effect))
            shown[side] = {**effect, "params": params, **fields}
    if one["kind"] == "changed":
        parts = "; ".join(_differences(one["planned"], one["now"], shown["planned"], shown["now"]))
        return {**shown, "text": f"{shown['step']}: {one['action']} ({parts})"}
    params = (shown["now"] or shown["planned"])["params"]
    return {**shown, "text": f"{shown['step']}: {in_words(one['action'], params)}"}


def _differences(planned: Json, now: Json, was: Json, will: Json) -> Iterator[str]:
    """Give the fields of an effect that are others now; `was` and `will` are how people get to see it."""
    for place in ("params", *_FIELDS):
        old, new = planned.get(place) or {}, now.get(place) or {}
        for name in dict.fromkeys((*old, *new)):
            if old.get(name) != new.get(name):
                label = name if place == "params" else f"{place} {name}"
                yield f"{label}: {_value(was, place, name)} -> {_value(will, place, name)}"
    if planned.get("only_if") != now.get("only_if"):
        yield f"only after a yes to: {planned.get('only_if') or 'nobody'} -> {now.get('only_if') or 'nobody'}"


def _value(effect: Json, place: str, name: str) -> str:
    return dump((effect.get(place) or {}).get(name))


def _call(step: StepRecord, one: Json, effect: Json) -> StepRecord:
    """Return an effect as the call that it would be."""
    return replace(step, verb="call", action=one["action"], params=effect["params"], output=None)
