"""Reading the device list page by page, with the checks that keep a broken answer from looking like a short list."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backhaul.sdk import InvalidAnswerError, Json, Page
from backhaul_connectors.ixc_acs.models import Device, device_of

if TYPE_CHECKING:
    from backhaul_connectors.ixc_acs.api import AcsApi
    from backhaul_connectors.ixc_acs.query import DeviceQuery
    from backhaul_connectors.ixc_acs.settings import IxcAcsSettings

__all__ = ["DeviceListing", "Place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a listing stands. The page size belongs to it: the setting may change before a listing is resumed."""

    number: int
    size: int

    @classmethod
    def of(cls, cursor: str | None, page_size: int) -> Place:
        """Return the place of a cursor such as ``3/50``: third page of fifty; None is the first page.

        Raises:
            InvalidAnswerError: it is not a cursor of this listing.
        """
        if cursor is None:
            return cls(number=1, size=page_size)
        found = re.fullmatch(r"([1-9][0-9]{0,9})/([1-9][0-9]{0,9})", cursor)
        if found is None:
            raise InvalidAnswerError(f"{cursor!r} is not a cursor of the device list, such as 3/50")
        return cls(number=int(found[1]), size=int(found[2]))

    @property
    def cursor(self) -> str:
        """The text from which `of` makes this place again."""
        return f"{self.number}/{self.size}"

    def after(self) -> Place:
        """Return the place of the next page."""
        return Place(number=self.number + 1, size=self.size)


class DeviceListing:
    """One walk through the device list, sorted by serial number."""

    def __init__(self, api: AcsApi, settings: IxcAcsSettings, query: DeviceQuery) -> None:
        self._api = api
        self._settings = settings
        self._query = query

    async def pages(self, place: Place) -> AsyncGenerator[Page[Device], None]:
        """Yield the pages from `place` on.

        A device that was pushed onto the next page by a new one before it is listed once.

        Raises:
            InvalidAnswerError: the answer is malformed, cut short or repeats itself, so the list is not complete.
        """
        before: frozenset[str] = frozenset()
        while True:
            devices, has_next = await self.read(place)
            serials = frozenset(device.serial for device in devices)
            if serials and serials == before:
                raise InvalidAnswerError(
                    f"page {place.number} of the device list is page {place.number - 1} again: the ACS does not page"
                )
            following = place.after() if has_next else None
            fresh = [device for device in devices if device.serial not in before]
            yield Page(items=fresh, next=following.cursor if following else None)
            if following is None:
                return
            before, place = serials, following

    async def read(self, place: Place) -> tuple[list[Device], bool]:
        """Return the devices of one page and whether more follow; errors as of `pages`."""
        if place.number > self._settings.page_cap:
            raise InvalidAnswerError(
                f"the device list does not end within {self._settings.page_cap} pages of {place.size} (page_cap)"
            )
        params = self._query.parameters(page=place.number, page_size=place.size)
        answer = await self._api.get(self._settings.list_version, self._settings.list_path, params)
        registers, has_next = _checked(answer, place)
        scale = self._settings.optical_scale()
        return [device_of(register, scale) for register in registers], has_next


def _checked(answer: Json, place: Place) -> tuple[Sequence[Json], bool]:
    """Return the registers and whether more follow, or raise when a part of the list may be missing."""
    registers = answer.get("registers") if isinstance(answer, dict) else None
    if not isinstance(registers, list):
        said = answer.get("message") if isinstance(answer, dict) else None
        tail = f"; it says {said[:200]!r}" if isinstance(said, str) else ""
        raise InvalidAnswerError(f"the ACS answered the device list without 'registers'{tail}")
    has_next = answer.get("hasNextPage")
    many = len(registers)
    page = f"page {place.number} of the device list"
    if many > place.size:
        raise InvalidAnswerError(f"{page} has {many} devices, {place.size} were asked for: it does not page")
    if has_next is True and many < place.size:
        advice = f"If the ACS never gives more, set page_size = {many}" if many else "Try again later"
        raise InvalidAnswerError(
            f"{page} has {many} of the {place.size} devices asked for, and yet more are to follow: "
            f"it is cut short. {advice}"
        )
    if not isinstance(has_next, bool) and many == place.size:
        raise InvalidAnswerError(f"{page} is full, but does not tell (hasNextPage) whether more devices follow")
    if not registers and place.number > 1:
        raise InvalidAnswerError(f"{page} is empty, although the page before it announced more devices")
    return registers, has_next is True
