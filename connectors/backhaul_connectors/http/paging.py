"""How a listing goes on after a page: pure decisions, and the place from which it can be resumed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backhaul.sdk import InvalidAnswerError, Json
from backhaul_connectors.http.extraction import MissingError, ValuePath, extract, found

__all__ = ["Paging", "Place", "following", "is_repeated", "require_whole", "total_of"]

_LONGEST_CURSOR = 4000


class Style(StrEnum):
    """How an API divides a list."""

    NONE = "none"
    PAGE = "page"
    OFFSET = "offset"
    CURSOR = "cursor"
    LINK = "link"


class PlaceIn(StrEnum):
    """Where a request carries the place in the list."""

    QUERY = "query"
    BODY = "body"


class Repeated(StrEnum):
    """What a page means that is the one before again."""

    ERROR = "error"
    STOP = "stop"


class Paging(BaseModel):
    """Paging of a listing."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    style: Style = Style.NONE
    """``none``, ``page`` (numbers), ``offset`` (records), ``cursor`` (a value of the answer), ``link`` (a URL)."""
    place_in: PlaceIn = PlaceIn.QUERY
    """``query``, or ``body`` of a POST."""
    page_param: str = "page"
    """Parameter of ``page``."""
    first_page: Annotated[int, Field(ge=0)] = 1
    """Number of the first page."""
    offset_param: str = "offset"
    """Parameter of ``offset``."""
    cursor_param: str = "cursor"
    """Parameter of ``cursor``."""
    size_param: str | None = "limit"
    """Parameter of the page's size; none: it is not sent."""
    page_size: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Records per page."""
    next: ValuePath | None = None
    """Path of the next cursor, or of the next URL for ``link`` without a Link header."""
    more: ValuePath | None = None
    """Path of the boolean that tells whether more follows."""
    total: ValuePath | None = None
    """Path of the number of records in the whole list."""
    short_page_ends: bool = False
    """Take a page with fewer records than `page_size` for the last. Safe only if the API never gives fewer."""
    repeated_page: Repeated = Repeated.ERROR
    """``error``, or ``stop``: what a page means that is the one before again."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.style is Style.CURSOR and not self.next:
            raise ValueError("style cursor needs next, the path of the cursor in the answer")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a listing stands. What decides the meaning of a place belongs to it: settings may change meanwhile.

    Attributes:
        style: of the paging.
        at: page number, offset, cursor, or path with query; None at the beginning of ``cursor`` and ``link``.
        size: records per page.
        seen: records before this place.
        page: pages before this place.
        last: digest of the page before this place.
    """

    style: str
    at: int | str | None
    size: int
    seen: int = 0
    page: int = 0
    last: str = ""

    @classmethod
    def of(cls, cursor: str | None, paging: Paging) -> Place:
        """Return the place of a cursor; None is the beginning.

        Raises:
            InvalidAnswerError: it is not a cursor of such a listing.
        """
        if cursor is None:
            first = {Style.PAGE: paging.first_page, Style.OFFSET: 0}.get(paging.style)
            return cls(style=paging.style.value, at=first, size=paging.page_size)
        try:
            place = cls(**json.loads(cursor))
            numbers = (place.size, place.seen, place.page)
            if place.style != paging.style.value or any(type(number) is not int for number in numbers):
                raise ValueError
            if type(place.at) is not (int if paging.style in {Style.PAGE, Style.OFFSET} else str):
                raise ValueError
        except (ValueError, TypeError, RecursionError):
            raise InvalidAnswerError(
                f"{cursor[:80]!r} is not a cursor of a listing with paging style {paging.style}"
            ) from None
        return place

    @property
    def cursor(self) -> str:
        """The text from which `of` makes this place again."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def parameters(self, paging: Paging) -> dict[str, int | str]:
        """Return what a request carries to get this page; for ``link``, what the first one does."""
        if paging.style is Style.NONE or (paging.style is Style.LINK and self.at is not None):
            return {}
        size: dict[str, int | str] = {paging.size_param: self.size} if paging.size_param else {}
        if self.at is None:
            return size
        name = {Style.PAGE: paging.page_param, Style.OFFSET: paging.offset_param}.get(paging.style, paging.cursor_param)
        return {**size, name: self.at}


def following(place: Place, items: Sequence[Json], body: Json, link: str | None, paging: Paging) -> Place | None:
    """Return the place after a page, or None when it was the last.

    Args:
        place: of the page.
        items: its records.
        body: the whole answer.
        link: path with query of the next page, for ``link``.
        paging: the rules.

    Raises:
        InvalidAnswerError: the list is not complete: cut short, or without what has to tell its end.
    """
    seen = place.seen + len(items)
    at = _next_place(place, items, body, link, paging, more=_more(items, body, place, paging))
    if at is None:
        require_whole(seen, body, paging)
        return None
    return replace(place, at=at, seen=seen, page=place.page + 1, last=_digest(items))


def is_repeated(place: Place, items: Sequence[Json], paging: Paging) -> bool:
    """Tell whether a page is the one before again, and that is taken for the end.

    Raises:
        InvalidAnswerError: it is the one before again, and that is taken for an error.
    """
    if not items or _digest(items) != place.last:
        return False
    if paging.repeated_page is Repeated.STOP:
        return True
    raise InvalidAnswerError(
        f"page {place.page + 1} of the list is the page before it again: the API does not page in this way "
        "(repeated_page = stop takes it for the end)"
    )


def require_whole(seen: int, body: Json, paging: Paging) -> None:
    """Return when a list that ends after so many records is whole, as far as its total is known.

    Raises:
        InvalidAnswerError: it is not.
    """
    total = total_of(body, paging)
    if total is not None and seen < total:
        raise InvalidAnswerError(f"the list ends after {seen} of {total} records: it is cut short")


def _next_place(
    place: Place, items: Sequence[Json], body: Json, link: str | None, paging: Paging, *, more: bool
) -> int | str | None:
    match paging.style:
        case Style.NONE:
            return None
        case Style.PAGE:
            return int(place.at or 0) + 1 if more else None
        case Style.OFFSET:
            # By what came and not by what was asked for: an API may give fewer.
            return int(place.at or 0) + len(items) if more else None
        case Style.LINK:
            return _moved(link, place) if more else None
        case Style.CURSOR:
            value = found(body, paging.next or "")
            if value in (None, "", False) or not more:
                return None
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise InvalidAnswerError(f"the next cursor at {paging.next!r} is neither text nor number")
            return _moved(str(value), place)


def _moved(at: str | None, place: Place) -> str | None:
    if at is not None and at == place.at:
        raise InvalidAnswerError(f"page {place.page + 1} of the list leads to itself: the list does not end")
    if at is not None and len(at) > _LONGEST_CURSOR:
        raise InvalidAnswerError(f"the next cursor has {len(at)} characters")
    return at


def _more(items: Sequence[Json], body: Json, place: Place, paging: Paging) -> bool:
    """Return whether a further page is asked for; for ``cursor`` and ``link`` only whether it is denied."""
    if paging.more is not None:
        value = _required(body, paging.more, "whether more follows")
        if not isinstance(value, bool):
            raise InvalidAnswerError(f"the answer does not tell at {paging.more!r} whether more follows: {value!r}")
        if value and not items:
            raise InvalidAnswerError("the answer announces more records, but the page is empty")
        return value
    if paging.style in {Style.CURSOR, Style.LINK}:
        return True
    total = total_of(body, paging)
    if total is not None:
        return bool(items) and place.seen + len(items) < total
    return bool(items) and not (paging.short_page_ends and len(items) < place.size)


def total_of(body: Json, paging: Paging) -> int | None:
    """Return the number of records in the whole list, or None when the paging does not say where it is told."""
    if paging.total is None:
        return None
    value = _required(body, paging.total, "the number of records")
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 16:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise InvalidAnswerError(f"the answer does not tell the number of records at {paging.total!r}")


def _required(body: Json, path: str, what: str) -> Json:
    try:
        return extract(body, path)
    except MissingError as error:
        raise InvalidAnswerError(f"the answer does not tell {what}: {error}") from None


def _digest(items: Sequence[Json]) -> str:
    return hashlib.blake2b(json.dumps(items, sort_keys=True).encode(), digest_size=12).hexdigest()
