"""The suite as pytest sees it: a collector per case, a test per rule, and one that grades."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backhaul.plugins.quality import quality_file, record_quality, recorded_quality
from backhaul.testing.case import ConnectorCase
from backhaul.testing.conformance.rules import Rule
from backhaul.testing.conformance.suite import RULES, Results

__all__ = ["CaseCollector"]

GRADING = "quality-recorded"


class _OffenceError(Exception):
    """A rule is not fulfilled; the text is what a person reads."""


class CaseCollector(pytest.Collector):
    """The tests of one case."""

    case: ConnectorCase

    @classmethod
    def of(cls, parent: pytest.Collector, *, name: str, case: ConnectorCase) -> CaseCollector:
        """Return the collector of a case that stands in a test module under `name`."""
        collector: CaseCollector = cls.from_parent(parent, name=name)
        collector.case = case
        return collector

    def collect(self) -> Iterator[pytest.Item]:
        """Give one test per rule, and the one that grades."""
        results = Results(self.case)
        for rule in RULES:
            item: _RuleItem = _RuleItem.from_parent(self, name=rule.id)
            item.results, item.rule = results, rule
            yield self._together(item)
        grading: _GradingItem = _GradingItem.from_parent(self, name=GRADING)
        grading.results = results
        yield self._together(grading)

    def _together(self, item: pytest.Item) -> pytest.Item:
        """Keep the tests of a case in one process: they share what was found out."""
        if self.config.pluginmanager.hasplugin("xdist"):
            item.add_marker(pytest.mark.xdist_group(f"conformance-{self.case.connector.name}"))
        return item


class _Item(pytest.Item):
    results: Results

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, _OffenceError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.results.case.connector.name}: {self.name}"


class _RuleItem(_Item):
    rule: Rule

    def runtest(self) -> None:
        offences = self.results.offences(self.rule)
        reason = self.results.case.exceptions.get(self.rule.id)
        if reason is not None and offences:
            pytest.xfail(reason)
        if reason is not None:
            raise _OffenceError(f"the rule {self.rule.id} is fulfilled: remove its exception from the case")
        if offences:
            listed = "\n".join(f"  - {offence}" for offence in offences)
            raise _OffenceError(f"{self.rule.id} ({self.rule.quality.value}): {self.rule.sentence}\n{listed}")


class _GradingItem(_Item):
    def runtest(self) -> None:
        connector = self.results.case.connector
        found = self.results.record()
        if self.config.getoption("--backhaul-write-quality"):
            record_quality(connector, found)
            return
        if recorded_quality(connector) != found:
            raise _OffenceError(
                f"{quality_file(connector).name} beside the module of {connector.__name__} does not say what the suite "
                f"finds now ({found.quality.value}): pytest --backhaul-write-quality"
            )
