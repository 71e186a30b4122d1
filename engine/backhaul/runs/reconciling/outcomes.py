"""What has become of the keys of a reconcile: a record for each, counts, and reasons that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from backhaul.json_values import Json
from backhaul.runs.planning.line import PlanLine
from backhaul.workflows.reconcile import OUTCOMES, Side

__all__ = ["DoneKey", "OutcomeTally", "explained"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneKey:
    """A key that is done.

    Attributes:
        result: its record in the step's dataset.
        one_sided: for each side, how many of its records have no partner on the other side, and the reason.
        problem: the rule of ``explain`` that could not be evaluated, and why.
        line: in a plan: what was planned for it.
    """

    result: Json
    one_sided: tuple[tuple[Side, int, str], ...] = ()
    problem: tuple[str, str] | None = None
    line: PlanLine | None = None


@dataclass(slots=True)
class OutcomeTally:
    """The counts of a reconcile under way, as they are kept in its progress; ``same`` is not among them.

    Attributes:
        done: keys that are done, in the order of the work.
        pages: pages of the step's dataset that are written.
        reasons: by side and reason, how many records have no partner on the other side.
        problems: by rule of ``explain`` that could not be evaluated, the first error.
        line: in a plan: what was planned for all keys.
    """

    done: int = 0
    pages: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: {"source": Counter(), "target": Counter()})
    problems: dict[str, str] = field(default_factory=dict)
    line: PlanLine | None = None

    @classmethod
    def restored(cls, progress: Json) -> OutcomeTally:
        """Return the tally that a step's progress holds."""
        if not progress or "done" not in progress:
            return cls()
        return cls(
            done=progress["done"],
            pages=progress["pages"],
            outcomes=Counter(progress["outcomes"]),
            reasons={side: Counter(counts) for side, counts in progress["reasons"].items()},
            problems=dict(progress["problems"]),
            line=PlanLine(**progress["planned"]) if "planned" in progress else None,
        )

    def count(self, done: DoneKey) -> None:
        """Count one key."""
        self.outcomes[done.result["outcome"]] += 1
        for side, records, reason in done.one_sided:
            self.reasons[side][reason] += records
        if done.problem is not None:
            self.problems.setdefault(*done.problem)
        if done.line is not None:
            self.line = self.line or PlanLine()
            self.line.merge(done.line)

    def to_json(self) -> Json:
        """Return the form that a step's progress holds."""
        form = {
            "done": self.done,
            "pages": self.pages,
            "outcomes": dict(self.outcomes),
            "reasons": {side: dict(counts) for side, counts in self.reasons.items()},
            "problems": self.problems,
        }
        return form if self.line is None else {**form, "planned": self.line.to_json()}

    def counts(self, same: int) -> dict[str, int]:
        """Return the counts of the step's output."""
        found = {**self.outcomes, "same": same}
        return {name: found.get(outcome, 0) for outcome, name in OUTCOMES.items()}


def explained(tally: OutcomeTally, source: int, target: int, names: Mapping[Side, str]) -> Json:
    """Return how the two sides differ, with reasons that add up: ``difference`` is source less target.

    Args:
        names: the two sides in words.
    """
    reasons = [
        {"reason": reason, "side": side, "count": count}
        for side, counts in tally.reasons.items()
        for reason, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    ]
    return {
        "source": source,
        "source_name": names["source"],
        "target": target,
        "target_name": names["target"],
        "difference": source - target,
        "only_in_source": sum(tally.reasons["source"].values()),
        "only_in_target": sum(tally.reasons["target"].values()),
        "reasons": reasons,
        "problems": tally.problems,
    }
