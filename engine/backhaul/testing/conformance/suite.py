"""The whole suite: all rules, the results of a connector, its grade."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from io import StringIO

from backhaul.plugins.quality import Quality, QualityRecord
from backhaul.testing.case import ConnectorCase
from backhaul.testing.conformance import behaviour, declarations, failures, personal, repetition, secrecy, webhooks
from backhaul.testing.conformance.examination import Examination, said_by
from backhaul.testing.conformance.logs import captured_logs
from backhaul.testing.conformance.rules import Rule

__all__ = ["RULES", "Results", "grade"]

RULES: tuple[Rule, ...] = (
    *declarations.RULES,
    *behaviour.RULES,
    *secrecy.RULES,
    *personal.RULES,
    *failures.RULES,
    *repetition.RULES,
    *webhooks.RULES,
)
"""Every rule of the suite, by topic."""

_GRADES = (Quality.BRONZE, Quality.SILVER, Quality.GOLD)


class Results:
    """What the suite finds out about one connector; each rule is examined once, when it is first asked for."""

    def __init__(self, case: ConnectorCase) -> None:
        unknown = sorted(set(case.exceptions) - {rule.id for rule in RULES})
        if unknown:
            raise ValueError(
                f"the case of {case.connector.__name__} has exceptions for unknown rules: {', '.join(unknown)}"
            )
        self.case = case
        self._examination = Examination(case)
        self._offences: dict[str, Sequence[str]] = {}

    def offences(self, rule: Rule) -> Sequence[str]:
        """Return what offends against a rule, one sentence each."""
        if rule.id not in self._offences:
            # Every request makes an entry at debug level, of which hundreds of attempts would fill pages.
            with captured_logs(StringIO()):
                self._offences[rule.id] = asyncio.run(self._examined(rule))
        return self._offences[rule.id]

    def record(self) -> QualityRecord:
        """Return the grade and what is missing for the higher ones."""
        missing = {}
        for rule in RULES:
            if offences := self.offences(rule):
                missing[rule.id] = self.case.exceptions.get(rule.id) or offences[0]
        return QualityRecord(quality=grade(missing), missing=missing)

    async def _examined(self, rule: Rule) -> Sequence[str]:
        try:
            return await rule.check(self._examination)
        except Exception as error:  # noqa: BLE001  # boundary: other people's code, whose failure is the finding
            return [f"it cannot be examined: {_inner(error)}"]


def grade(missing: Mapping[str, str]) -> Quality:
    """Return the highest grade of which all rules, and those of the lower grades, are fulfilled."""
    reached = Quality.NONE
    for one in _GRADES:
        if any(rule.quality is one and rule.id in missing for rule in RULES):
            break
        reached = one
    return reached


def _inner(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return said_by(error)
