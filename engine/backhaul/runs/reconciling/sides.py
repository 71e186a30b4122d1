"""Reading both sides of a reconcile into the file in which they are joined."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import anyio.to_thread

from backhaul.json_values import Json, dump
from backhaul.runs.datasets import StoredDataset
from backhaul.runs.each_results import PAGE
from backhaul.runs.reconciling.join_file import JoinFile, Row
from backhaul.workflows.missing import Missing
from backhaul.workflows.normalizers import Normalize, key_text, normalize_with, value_text
from backhaul.workflows.operands import read
from backhaul.workflows.reconcile import Compared, KeyFields, Side

__all__ = ["Fields", "Records", "read_sides"]

Records = list[Json] | StoredDataset


class Fields:
    """The fields of both sides that a reconcile reads: keys, and what is compared."""

    def __init__(self, key: KeyFields, compare: Sequence[Compared]) -> None:
        self._key_names: Mapping[Side, str] = {"source": key.source, "target": key.target}
        self._key = normalize_with(key.normalize)
        self._compare = [(one, normalize_with(one.normalize)) for one in compare]
        self._names: Mapping[Side, list[tuple[str, Normalize]]] = {
            "source": [(one.source, normalize) for one, normalize in self._compare],
            "target": [(one.target, normalize) for one, normalize in self._compare],
        }

    def key(self, side: Side, record: Json) -> str | None:
        """Return the normalised key of a record, or None when it has none."""
        return key_text(_field(record, self._key_names[side]), self._key)

    def print(self, side: Side, record: Json) -> str:
        """Return the text by which a record is compared with the other side's."""
        texts = [value_text(_field(record, name), normalize) for name, normalize in self._names[side]]
        return texts[0] if len(texts) == 1 else "".join([f"{len(text)}:{text}" for text in texts])

    def row(self, side: Side, position: int, record: Json) -> Row:
        """Return what the join needs of a record."""
        return position, self.key(side, record), self.print(side, record), dump(record)

    def differing(self, item: Json, target: Json) -> tuple[dict[str, Json], dict[str, Json]]:
        """Return the target's fields that change, by name, as they are and as they will be.

        `item` is None for a record that goes, `target` for one that comes.
        """
        before: dict[str, Json] = {}
        after: dict[str, Json] = {}
        for one, normalize in self._compare:
            new, old = _field(item, one.source), _field(target, one.target)
            if item is None or target is None or value_text(new, normalize) != value_text(old, normalize):
                before[one.target], after[one.target] = old, new
        return before, after


async def read_sides(
    source: Records, target: Records, fields: Fields, file: JoinFile, advanced: Callable[[int], None]
) -> None:
    """Put the records of both sides into the file.

    Args:
        advanced: is told how many records have been read.

    Raises:
        BackhaulError: the store does not hold all records of a side.
    """
    done = 0
    sides: tuple[tuple[Side, Records], ...] = (("source", source), ("target", target))
    for side, records in sides:
        async for start, page in _pages(records):
            await anyio.to_thread.run_sync(_add, file, side, fields, start, page)
            done += len(page)
            advanced(done)


def _add(file: JoinFile, side: Side, fields: Fields, start: int, page: list[Json]) -> None:
    file.add(side, [fields.row(side, position, record) for position, record in enumerate(page, start)])


async def _pages(records: Records) -> AsyncIterator[tuple[int, list[Json]]]:
    if isinstance(records, StoredDataset):
        async for start, page in records.pages():
            yield start, page
    else:
        for start in range(0, len(records), PAGE):
            yield start, records[start : start + PAGE]


def _field(record: Json, path: str) -> Json:
    if not isinstance(record, Mapping):
        return None
    if path in record:
        return record[path]
    found = read(record, path) if "." in path else None
    return None if isinstance(found, Missing) else found
