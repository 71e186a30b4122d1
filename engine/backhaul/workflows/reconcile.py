"""The verb ``reconcile`` as the engine sees it: frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from backhaul.problems import Place
    from backhaul.workflows.expressions import Expression
    from backhaul.workflows.templates import Template

__all__ = [
    "CHANGES",
    "OUTCOMES",
    "RESULT_FIELDS",
    "Change",
    "ChangeName",
    "Compared",
    "Guard",
    "KeyFields",
    "NamedNormalizers",
    "Reason",
    "Reconcile",
    "Side",
]

ChangeName: TypeAlias = Literal["create", "update", "delete"]
Side: TypeAlias = Literal["source", "target"]
NamedNormalizers: TypeAlias = tuple[tuple[str, str], ...]
"""Names of normalisers with their arguments (the region of ``e164``; else empty), the first one first."""

CHANGES: tuple[ChangeName, ...] = ("create", "update", "delete")
OUTCOMES: Mapping[str, str] = {
    "same": "same",
    "created": "created",
    "updated": "updated",
    "deleted": "deleted",
    "failed": "failed",
    "skipped": "skipped",
    "held": "held",
    "unconfirmed": "unconfirmed",
    "changed": "changed",
    "duplicate": "duplicates",
    "no_key": "no_key",
}
"""The outcomes of a key, each with the name of its count in the step's output."""
RESULT_FIELDS = frozenset({*OUTCOMES.values(), "source", "target", "total", "complete", "guard", "explained", "items"})
"""Fields of the step's output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFields:
    """The field of each side that says which records are the same thing."""

    source: str
    target: str
    normalize: NamedNormalizers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A field of the source and the one of the target that shall have its value."""

    source: str
    target: str
    normalize: NamedNormalizers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A call for one key. Its expressions see ``item`` (of the source), ``target``, ``key`` and ``last``.

    Attributes:
        condition: ``if``; the key is skipped when its value is empty, zero, null or false.
        places: where its keys stand in the file, as in `Step.places`.
    """

    connection: str
    action: str
    params: Template
    condition: Expression | None = None
    places: Mapping[str, Place] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What deletes have to pass.

    Attributes:
        max_delete: greatest share of the target's records, a text such as ``2%``.
        max_delete_count: greatest number; None: the share alone counts.
        min_source: records that the source must have.
        recheck: reads the target's record just before its delete.
        to: who is asked, in words.
        timeout: the duration after which nothing is deleted; None asks for ever.
    """

    max_delete: Template
    min_source: Template
    max_delete_count: Template | None = None
    recheck: Change | None = None
    to: Template | None = None
    timeout: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A named reason for a record to be on one side only.

    Attributes:
        side: the side to which it belongs; None is either.
        when: sees ``item``, ``target``, ``key``, ``side``, ``outcome``, ``error`` and ``last``; None always holds.
    """

    reason: str
    side: Side | None = None
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """``reconcile``: make the target what the source is. The step's output has the fields `RESULT_FIELDS`.

    Attributes:
        source: a list or a dataset; null when it could not be read.
        target: as the source.
        order: all changes of the first kind are made before those of the second.
        confirm_runs: a record is deleted once so many runs in a row did not find it in the source.
        on_item_error: whether a key that fails ends the step.
        max_failures: keys that may fail before the step ends; None: any number.
        explain: in this order; the first that holds counts.
        names: the sides in words; as the steps that listed them say where it is empty.
    """

    source: Expression
    target: Expression
    key: KeyFields
    compare: tuple[Compared, ...] = ()
    create: Change | None = None
    update: Change | None = None
    delete: Change | None = None
    order: tuple[ChangeName, ...] = CHANGES
    guard: Guard
    confirm_runs: int = 1
    concurrency: int = 1
    on_item_error: Literal["continue", "stop"] = "continue"
    max_failures: int | None = None
    explain: tuple[Reason, ...] = ()
    names: Mapping[Side, str] = field(default_factory=dict)

    def change(self, name: ChangeName) -> Change | None:
        """Return the call of one kind of change."""
        return {"create": self.create, "update": self.update, "delete": self.delete}[name]

    @property
    def calls(self) -> tuple[tuple[str, Change], ...]:
        """The calls that are given, by where they stand: ``create``, ``guard.recheck``."""
        named = [*((name, self.change(name)) for name in CHANGES), ("guard.recheck", self.guard.recheck)]
        return tuple((name, change) for name, change in named if change is not None)

    @property
    def reads_last(self) -> bool:
        """Whether an expression reads what became of a key the last time."""
        conditions = [change.condition for _, change in self.calls] + [rule.when for rule in self.explain]
        params = [one for _, change in self.calls for one in change.params.expressions]
        return any("last" in one.names for one in (*conditions, *params) if one is not None)
