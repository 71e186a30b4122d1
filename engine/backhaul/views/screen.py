"""What people get to see of recorded values: secrets never, personal data when they ask for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from backhaul.plugins.personal import covered, marked_values
from backhaul.secrets import MASK, is_secret_name
from backhaul.views.reconciled_schema import reconciled_schema

if TYPE_CHECKING:
    from backhaul.app import Project
    from backhaul.json_values import Json
    from backhaul.plugins.action import ActionSpec
    from backhaul.store.records import StepRecord

__all__ = ["Actions", "Screen", "plain", "screen_of"]

Actions: TypeAlias = Callable[[], "Mapping[str, Mapping[str, ActionSpec]]"]
"""Gives the actions of every connection; it is called when a step of one is shown."""

_SHORTEST = 5
_MOST_INSIDE_TEXTS = 1_000


class Screen:
    """Stands between the history and people.

    Parameters and results of actions are covered where the connector marks them as personal, and everything else
    (inputs, outputs, events, results of steps without an action) where a field's name tells. What marked fields of the
    steps in `learn` held, in texts of 5 characters and more, is covered wherever else it stands.

    Args:
        actions: the actions of every connection. A step whose action is not among them is covered by names.
        show_personal: cover only secrets, and what is never shown (a Wi-Fi passphrase).
    """

    def __init__(self, actions: Actions, *, show_personal: bool = False) -> None:
        self._load = actions
        self._show_personal = show_personal
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def fresh(self) -> Screen:
        """Return a screen that covers the same, and has learnt nothing yet."""
        return Screen(lambda: self._actions, show_personal=self._show_personal)

    def learn(self, steps: Iterable[StepRecord]) -> None:
        """Remember what the marked fields of steps hold."""
        for step in steps:
            if (spec := self._spec(step)) is not None:
                for value, schema in ((step.params, spec.params_schema), (step.output, spec.result_schema)):
                    texts = marked_values(value, schema, show_personal=self._show_personal)
                    self._known.update(text for text in texts if len(text) >= _SHORTEST)
        self._pattern = None

    def remember(self, fields: Mapping[str, Json] | None) -> None:
        """Remember what the fields of a mapping hold whose names tell that it is personal."""
        shown = self.value(fields or {})
        hidden = [value for name, value in (fields or {}).items() if isinstance(value, str) and shown[name] != value]
        self._known.update(text for text in hidden if len(text) >= _SHORTEST)
        self._pattern = None

    def value(self, value: Json) -> Json:
        """Return a value of which nothing but the names of its fields is known."""
        return self._shown(value, {})

    def params(self, step: StepRecord) -> Json:
        """Return the parameters of a step."""
        spec = self._spec(step)
        return self._shown(step.params, spec.params_schema if spec is not None else {})

    def output(self, step: StepRecord) -> Json:
        """Return the output of a step."""
        return self._shown(step.output, self._result(step))

    def records(self, step: StepRecord, records: list[Json]) -> list[Json]:
        """Return records of a step's dataset."""
        schema = reconciled_schema(step, self._named) if step.verb == "reconcile" else self._result(step)
        shown: list[Json] = self._shown(records, schema)
        return shown

    def error(self, error: Mapping[str, Json] | None) -> dict[str, Json] | None:
        """Return a recorded error."""
        if error is None:
            return None
        return {name: self.text(value) if isinstance(value, str) else value for name, value in error.items()}

    def text(self, text: str) -> str:
        """Return a text without what marked fields held."""
        if text in self._known:
            return MASK
        if self._pattern is None and self._known:
            longest_first = sorted(self._known, key=len, reverse=True)[:_MOST_INSIDE_TEXTS]
            self._pattern = re.compile("|".join(re.escape(one) for one in longest_first))
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    @cached_property
    def _actions(self) -> Mapping[str, Mapping[str, ActionSpec]]:
        return self._load()

    def _spec(self, step: StepRecord) -> ActionSpec | None:
        return self._named(step.action or "")

    def _named(self, name: str) -> ActionSpec | None:
        connection, _, action = name.partition(".")
        return self._actions.get(connection, {}).get(action) if action else None

    def _result(self, step: StepRecord) -> Mapping[str, Json]:
        spec = self._spec(step)
        return spec.result_schema if spec is not None else {}

    def _shown(self, value: Json, schema: Mapping[str, Json]) -> Json:
        shown = covered(plain(value), schema, show_personal=self._show_personal)
        return self._without_known(shown) if self._known else shown

    def _without_known(self, value: Json) -> Json:
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {key: self._without_known(item) for key, item in value.items()}
            case list():
                return [self._without_known(item) for item in value]
            case _:
                return value


def screen_of(project: Project, *, show_personal: bool = False) -> Screen:
    """Return a screen that knows the actions of a project's connections; connectors are loaded when it needs them."""
    return Screen(lambda: project.connections().actions(), show_personal=show_personal)


def plain(value: Json) -> Json:
    """Return a recorded value with datasets in words, and what a field like ``password`` holds masked."""
    if isinstance(value, Mapping):
        if value.keys() == {"$dataset"}:
            return {"dataset": value["$dataset"]["step"], "items": value["$dataset"]["count"]}
        return {key: MASK if _is_secret(key, item) else plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _is_secret(name: str, value: Json) -> bool:
    return bool(value) and not isinstance(value, bool) and is_secret_name(name)
