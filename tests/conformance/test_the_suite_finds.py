"""The suite itself: the scaffold's connector passes, and every mistake in it is found by the rule that is for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from backhaul.cli.scaffold import make_connector
from backhaul.plugins.quality import Quality
from backhaul.testing import ConnectorCase
from backhaul.testing.conformance.suite import RULES, Results, grade
from conformance.mutants import MUTANTS, Mutant
from conformance.scaffolded import case_in

CaseMaker = Callable[[Mutant | None], ConnectorCase]


@pytest.fixture
def case_of(tmp_path: Path) -> Iterator[CaseMaker]:
    """Return the maker of the scaffold's case with a mistake put in, or with none."""
    with ExitStack() as opened:

        def make(mutant: Mutant | None) -> ConnectorCase:
            folder, _ = make_connector("mistaken", tmp_path / "mistaken", taken={})
            if mutant is not None:
                file = folder / "src" / "backhaul_mistaken" / mutant.file
                text = file.read_text()
                assert mutant.old in text, mutant
                file.write_text(text.replace(mutant.old, mutant.new).replace(*mutant.also))
            return opened.enter_context(case_in(folder))

        yield make


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.rule}-{MUTANTS.index(mutant)}")
def test_a_mistake_is_found(mutant: Mutant, case_of: CaseMaker) -> None:
    (rule,) = (rule for rule in RULES if rule.id == mutant.rule)
    assert Results(case_of(mutant)).offences(rule)


def test_the_connector_of_the_scaffold_is_gold(case_of: CaseMaker) -> None:
    record = Results(case_of(None)).record()
    assert (record.quality, record.missing) == (Quality.GOLD, {})


def test_every_rule_has_a_mistake_that_it_finds() -> None:
    # A connector without any action cannot be made from the scaffold; polls are in test_rules_on_polls.
    assert {rule.id for rule in RULES} - {mutant.rule for mutant in MUTANTS} == {"effects-stated", "polls-continue"}


def test_the_ids_of_the_rules_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_the_grade_is_the_highest_whose_rules_are_fulfilled() -> None:
    assert grade({}) is Quality.GOLD
    assert grade({"readme": "none yet"}) is Quality.SILVER
    assert grade({"readme": "none yet", "timeouts": "not yet"}) is Quality.BRONZE
    assert grade({"documented": "not yet"}) is Quality.NONE


def test_an_exception_for_a_rule_that_is_not_there_is_a_mistake(case_of: CaseMaker) -> None:
    with pytest.raises(ValueError, match="unknown rules: nonsense"):
        Results(replace(case_of(None), exceptions={"nonsense": "because"}))


def test_the_documentation_has_every_rule_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "write-a-connector.md").read_text()
    rows = [f"| {rule.quality.value} | `{rule.id}` | {rule.sentence} |" for rule in RULES]
    assert [row for row in rows if row not in text] == []
