"""Where a list's records are, and where it goes on: neither is documented, so each known form is looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backhaul.sdk import InvalidAnswerError, Json

__all__ = ["ListAnswer", "list_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer:
    """One page of a list.

    Attributes:
        records: the records as they came.
        next_url: link to the next page, as written; None without one.
        last_page: number of the last page, if the answer tells pages by number only.
        total: number of records in the whole list, if told.
    """

    records: Sequence[Json]
    next_url: str | None
    last_page: int | None
    total: int | None


def list_answer(answer: Json) -> ListAnswer:
    """Return the records of an answer, and where the list goes on.

    The container is the first of ``users``, ``data.users``, ``data``, the answer itself; each may be a Laravel
    paginator with the records in its own ``data``. Source: ispcrm reference, section 6.

    Raises:
        InvalidAnswerError: there is no list in it.
    """
    records = next(_lists(answer), None)
    if records is None:
        raise InvalidAnswerError("list of users: ISPCRM's answer holds no list. Check base_url and api_prefix")
    next_url: str | None = None
    last_page: int | None = None
    total: int | None = None
    for part in _paging(answer):
        for key in ("next_page_url", "next"):
            next_url = next_url or _url(part.get(key))
        last_page = last_page or _number(part.get("last_page"))
        total = total if total is not None else _number(part.get("total"))
    return ListAnswer(records=records, next_url=next_url, last_page=last_page, total=total)


def _lists(answer: Json) -> Iterator[Sequence[Json]]:
    outer = answer if isinstance(answer, dict) else {}
    data = outer.get("data")
    inner = data if isinstance(data, dict) else {}
    for container in (outer.get("users"), inner.get("users"), data, answer):
        if isinstance(container, list):
            yield container
        elif isinstance(container, dict) and isinstance(container.get("data"), list):
            yield container["data"]


def _paging(answer: Json) -> Iterator[Mapping[str, Json]]:
    outer = answer if isinstance(answer, dict) else {}
    data = outer.get("data")
    inner = data if isinstance(data, dict) else {}
    for part in (outer, inner, outer.get("users"), inner.get("users")):
        if isinstance(part, dict):
            yield part
            yield from (part[key] for key in ("meta", "links") if isinstance(part.get(key), dict))


def _url(value: Json) -> str | None:
    if isinstance(value, dict):
        value = value.get("href") or value.get("url")
    return value.strip() or None if isinstance(value, str) else None


def _number(value: Json) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
