"""Datasets as expressions see them: large listings that stay in the store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias, overload

from backhaul.errors import BackhaulError
from backhaul.json_values import Json, dump
from backhaul.workflows.unknown import MARK, UnknownValueError, first_unknown, known

__all__ = ["Dataset", "Need", "NotReady", "find_in", "json_text", "tally", "text_of"]

Need: TypeAlias = Literal["index", "tally", "items"]


class NotReady(Exception):  # noqa: N818  # no failure: asks the runtime to prepare data and to evaluate again
    """An expression needs something of a dataset that has to be prepared first.

    Expressions are pure: the runtime prepares what is needed and evaluates the expression again.

    Attributes:
        dataset: the dataset.
        kind: ``index`` (for `Dataset.find`), ``tally`` (for `Dataset.count_by`) or ``items``.
        field: the field of the index or of the tally; empty for items.
    """

    def __init__(self, dataset: Dataset, kind: Need, field: str = "") -> None:
        self.dataset = dataset
        self.kind = kind
        self.field = field
        super().__init__(f"the dataset's {kind}" + (f" by {field!r}" if field else "") + " is not prepared")


class Dataset(ABC):
    """A listing's records in the store. The runtime implements it; expressions read it.

    As a value of an expression a dataset is passed on as it is: nothing is read from the store.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of records."""

    @abstractmethod
    def find(self, field: str, value: Json) -> Json | None:
        """Return the first record whose `field` is exactly the scalar `value`, or None.

        Raises:
            NotReady: the index by `field` has to be prepared.
        """

    @abstractmethod
    def count_by(self, field: str) -> dict[str, int]:
        """Return the number of records by the text of `field`, as `tally` does.

        Raises:
            NotReady: the tally by `field` has to be prepared.
        """

    @abstractmethod
    def items(self) -> list[Json]:
        """Return all records.

        Raises:
            NotReady: the records have to be read.
        """

    @abstractmethod
    def to_json(self) -> Json:
        """Return a small JSON value that stands for this dataset."""

    def __len__(self) -> int:
        return self.count

    def __bool__(self) -> bool:
        return self.count > 0

    def __iter__(self) -> Iterator[Json]:
        return iter(self.items())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list):
            return self.count == len(other) and self.items() == other
        return self is other

    __hash__ = object.__hash__

    def __contains__(self, value: object) -> bool:
        return value in self.items()

    @overload
    def __getitem__(self, index: int) -> Json: ...

    @overload
    def __getitem__(self, index: slice) -> list[Json]: ...

    def __getitem__(self, index: int | slice) -> Json:
        return self.items()[index]


def find_in(items: Iterable[Json], field: str, value: Json) -> Json | None:
    """Return the first mapping of `items` whose `field` is `value`, same type and same value, or None."""
    kind = type(known(value))
    for item in items:
        if isinstance(known(item), Mapping):
            found = known(item.get(field))
            if type(found) is kind and found == value:
                return item
    return None


def tally(items: Iterable[Json], field: str) -> dict[str, int]:
    """Return how many mappings of `items` have each text of `field`; null and missing count as empty text."""
    return dict(Counter(text_of(item.get(field)) for item in items if isinstance(known(item), Mapping)))


def text_of(value: Json) -> str:
    """Return a value as it appears inside a text: null is empty, booleans are true and false, the rest is JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json_text(value)


def json_text(value: Json) -> str:
    """Return the compact JSON text of a value.

    Raises:
        ValueError: it is nested too deeply.
        UnknownValueError: a part of it is known after apply.
    """
    try:
        text = dump(value.to_json() if isinstance(value, Dataset) else value)
    except BackhaulError as error:
        raise ValueError(str(error)) from None
    if MARK in text and (step := first_unknown(value)) is not None:
        raise UnknownValueError(step)
    return text
