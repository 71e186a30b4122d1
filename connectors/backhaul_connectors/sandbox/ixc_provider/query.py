"""The body of a listing: which rows, in which order, which page (ixc_provider.md section 3.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.ixc_provider.dates import iso_date

__all__ = ["Condition", "ListQuery", "QueryError"]

_OPERATORS = frozenset({"=", "!=", ">", "<", ">=", "<=", "L", "NL", "IN", "NI", "BE", "NBE"})
_DEFAULT_ROWS = 20
_BARE = ("fh_onu_nao_autorizadas",)
"""Tables whose columns go without a prefix (ixc_provider.md section 3.1)."""


class QueryError(ValueError):
    """A listing that the ERP answers with its red HTML div."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a column; ``high`` is the upper end of ``BE`` and ``NBE``."""

    column: str
    operator: str
    value: str
    high: str = ""

    def holds(self, cell: str) -> bool:
        """Tell whether a cell meets the condition. Numbers compare as numbers where both sides are."""
        match self.operator:
            case "=":
                return cell == self.value
            case "!=":
                return cell != self.value
            case "L":
                return self.value.lower() in cell.lower()
            case "NL":
                return self.value.lower() not in cell.lower()
            case "IN":
                return cell in self.values()
            case "NI":
                return cell not in self.values()
            case "BE":
                return self._between(cell)
            case "NBE":
                return not self._between(cell)
            case ">" | "<" | ">=" | "<=":
                order = _compare(cell, self.value)
                return (order > 0, order < 0, order >= 0, order <= 0)[(">", "<", ">=", "<=").index(self.operator)]
            case operator:
                raise QueryError(f"unknown operator {operator}")

    def values(self) -> list[str]:
        """Return the values of a comma list."""
        return [value.strip() for value in self.value.split(",")]

    def _between(self, cell: str) -> bool:
        """Both ends included. Zero dates slip through a range of dates, as seen live."""
        if cell.startswith("0000-00-00") and "-" in self.value[1:]:
            return True
        return _compare(cell, self.value) >= 0 and _compare(cell, self.high) <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A parsed listing. All conditions must hold; ``rp`` rows per page, pages from 1."""

    conditions: tuple[Condition, ...] = ()
    page: int = 1
    rp: int = _DEFAULT_ROWS
    sort: str = "id"
    descending: bool = False

    @classmethod
    def parse(cls, body: Mapping[str, str], table: Table, only: Condition | None = None) -> ListQuery:
        """Read a listing's body; ``only`` holds for the resource whatever is asked.

        Raises QueryError for a bare or unknown column and an unknown operator.
        """
        conditions: list[Condition] = [] if only is None else [only]
        if body.get("qtype") and body.get("query", "") != "":
            conditions.append(_condition(table, body["qtype"], body.get("oper") or "=", body["query"], ""))
        conditions.extend(_grid(table, body.get("grid_param", "")))
        if body.get("qtype"):
            _column(table, body["qtype"])
        return cls(
            conditions=tuple(conditions),
            page=_number(body.get("page"), 1),
            rp=_number(body.get("rp"), _DEFAULT_ROWS),
            sort=_column(table, body["sortname"]) if body.get("sortname") else "id",
            descending=body.get("sortorder", "asc").lower() == "desc",
        )


def sort_key(cell: str) -> tuple[int, float, str]:
    """Return what orders a cell: numbers before text, by value."""
    try:
        return 0, float(cell), ""
    except ValueError:
        return 1, 0.0, cell


def _grid(table: Table, text: str) -> list[Condition]:
    """Read ``grid_param``: a JSON string of a list of {TB, OP, P, P2}."""
    if not text:
        return []
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise QueryError("grid_param is not JSON") from error
    if not isinstance(items, list) or not all(isinstance(item, dict) and "TB" in item for item in items):
        raise QueryError("grid_param is not a list of conditions")
    return [
        _condition(table, str(i["TB"]), str(i.get("OP") or "="), str(i.get("P", "")), str(i.get("P2", "")))
        for i in items
    ]


def _condition(table: Table, name: str, operator: str, value: str, high: str) -> Condition:
    if operator not in _OPERATORS:
        raise QueryError(f"unknown operator {operator}")
    return Condition(_column(table, name), operator, iso_date(value), iso_date(high))


def _column(table: Table, name: str) -> str:
    """Return the column of ``table.column``; the case is tolerated, the prefix must be the table's own."""
    prefix, dot, column = name.strip().lower().partition(".")
    if not dot and table.name in _BARE and prefix in table.column_set:
        return prefix
    if not dot or prefix != table.name or column not in table.column_set:
        raise QueryError(f"unknown column {name}")
    return column


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else default


def _compare(cell: str, value: str) -> int:
    try:
        left, right = float(cell), float(value)
    except ValueError:
        return (cell > value) - (cell < value)
    return (left > right) - (left < right)
