"""Reading the list of users, with whatever paging appears, and checking each row against the conditions."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from backhaul.sdk import InvalidAnswerError, Json, NotFoundError, Page, RefusedError
from backhaul_connectors.ispcrm.links import USERS_LINK, discovery_of
from backhaul_connectors.ispcrm.models import ListedUser, listed_user_of, text_of
from backhaul_connectors.ispcrm.paging import ListAnswer, list_answer

if TYPE_CHECKING:
    from backhaul_connectors.ispcrm.api import IspCrmApi
    from backhaul_connectors.ispcrm.settings import IspCrmSettings

__all__ = ["UserListing", "UserQuery"]

_WHAT = "list of users"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserQuery:
    """Which users, and which further fields of them."""

    status: str | None = None
    filters: Mapping[str, str]
    fields: Sequence[str] = ()

    @property
    def conditions(self) -> dict[str, str]:
        """The query parameters; the server may ignore any of them."""
        status = {} if self.status is None else {"status": self.status}
        return {**self.filters, **status}

    def fits(self, record: Mapping[str, Json]) -> bool:
        """Tell whether a row meets the conditions; one that its row does not show is left to the server.

        Raises:
            InvalidAnswerError: a status was asked for and the row shows none.
        """
        if self.status is not None and "status" not in record:
            raise InvalidAnswerError(f"{_WHAT}: a row has no status, so it cannot be told which are {self.status!r}")
        return all(
            (text_of(record[name]) or "").casefold() == wanted.strip().casefold()
            for name, wanted in self.conditions.items()
            if name in record
        )


class UserListing:
    """The list of users of one connection. Safe for any number of concurrent readers."""

    def __init__(self, api: IspCrmApi, settings: IspCrmSettings) -> None:
        self._api = api
        self._settings = settings

    async def pages(self, query: UserQuery, cursor: str | None) -> AsyncGenerator[Page[ListedUser], None]:
        """Yield the pages, each user once.

        The cursor is ``<page number> <path and query>``, without the host: a listing that is resumed goes to the
        connection's own.

        Raises:
            InvalidAnswerError: the list is malformed, repeats itself, points to another host or ends before its total.
        """
        number, url = await self._start(query, cursor)
        first = url
        seen: set[str] = set()
        while number <= self._settings.page_cap:
            answer = await self._read(url)
            records = [record for record in answer.records if (_id_of(record)) not in seen]
            if answer.records and not records:
                raise InvalidAnswerError(f"{_WHAT}: page {number} brought nothing new: ISPCRM does not page")
            following = self._following(answer, number, url, query)
            if following is not None and not answer.records:
                raise InvalidAnswerError(f"{_WHAT}: page {number} is empty, although it announces another one")
            seen.update(_id_of(record) for record in records)
            if following is None and cursor is None:
                _raise_if_short(answer, len(seen), query, first)
            items = [listed_user_of(record, query.fields) for record in records if query.fits(record)]
            total = answer.total if not query.conditions else None
            yield Page(items=items, next=None if following is None else f"{number + 1} {following}", total=total)
            if following is None:
                return
            number, url = number + 1, self._absolute(following)
        raise InvalidAnswerError(f"{_WHAT}: it does not end within {self._settings.page_cap} pages (page_cap)")

    async def _start(self, query: UserQuery, cursor: str | None) -> tuple[int, str]:
        if cursor is not None:
            found = re.fullmatch(r"([1-9][0-9]{0,8}) (/(?!/)[^\s#]*)", cursor)
            if found is None:
                raise RefusedError(f"{cursor!r} is not a cursor of the list of users, such as '2 /api/v1/users?page=2'")
            return int(found[1]), self._absolute(found[2])
        url = await self._discovered() if self._settings.follow_links else self._api.users()
        return 1, _with(url, query.conditions)

    async def _discovered(self) -> str:
        discovery = discovery_of(await self._api.get(self._api.root, "root of the API"), self._api)
        if discovery.lists_users:
            return self._api.root
        if USERS_LINK in discovery.links:
            return self._absolute(discovery.links[USERS_LINK])
        foreign = discovery.foreign.get(USERS_LINK)
        why = f"leads to {urlsplit(foreign).netloc}, to which the token is not sent" if foreign else "is missing"
        raise InvalidAnswerError(f"root of the API: the link {USERS_LINK!r} {why}. Set follow_links = false")

    async def _read(self, url: str) -> ListAnswer:
        try:
            return list_answer(await self._api.get(url, _WHAT))
        except NotFoundError as error:
            raise InvalidAnswerError(
                f"{_WHAT}: ISPCRM has no such path (404). Check base_url and api_prefix; some tenants may write it "
                "Users (capital_users)",
                status=error.status,
            ) from None

    def _following(self, answer: ListAnswer, number: int, url: str, query: UserQuery) -> str | None:
        """Return path and query of the next page, or None."""
        if answer.next_url is not None:
            absolute = urljoin(self._absolute(url), answer.next_url)
            if not self._api.is_own(absolute):
                raise InvalidAnswerError(
                    f"{_WHAT}: its next page is at {urlsplit(absolute).netloc}, to which the token is not sent, so the "
                    "list is not complete"
                )
        elif answer.last_page is not None and number < answer.last_page:
            absolute = _with(self._absolute(url), {"page": str(number + 1)}, replace=True)
        else:
            return None
        # A paginator may forget the conditions in its links.
        parts = urlsplit(_with(absolute, query.conditions))
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _absolute(self, path: str) -> str:
        """Return the URL of a link, of an absolute path, or of a path of the API."""
        base = self._settings.base_url
        if path.startswith(self._api.root) and not path.startswith(urlsplit(base).path + self._api.root):
            return base + path
        return urljoin(base, path)


def _with(url: str, conditions: Mapping[str, str], *, replace: bool = False) -> str:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if replace:
        query = [(name, value) for name, value in query if name not in conditions]
    names = {name for name, _ in query}
    query += [(name, value) for name, value in conditions.items() if name not in names]
    return parts._replace(query=urlencode(query)).geturl()


def _id_of(record: Json) -> str:
    return listed_user_of(record).id


def _raise_if_short(answer: ListAnswer, many: int, query: UserQuery, first: str) -> None:
    if answer.total is not None and many < answer.total and not query.conditions:
        raise InvalidAnswerError(
            f"{_WHAT}: it ended after {many} of {answer.total} users ({urlsplit(first).path}): it is not complete"
        )
