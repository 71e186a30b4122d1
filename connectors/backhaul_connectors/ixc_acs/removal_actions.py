"""The devices that the ACS's webhooks reported as removed, from the stored events of the connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from backhaul.sdk import Effect, Event, Page, RefusedError, action
from backhaul_connectors.ixc_acs.base import AcsConnector
from backhaul_connectors.ixc_acs.reading import mapping, text

__all__ = ["MOST_REPORTS", "Removal", "RemovalActions", "removals_of"]

MOST_REPORTS = 50_000
"""Reports that are read at most."""
_ADDED, _REMOVED = "device.added", "device.removed"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Removal(BaseModel):
    """A device that was deleted in the ACS by hand, as its webhook told."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    serial: str
    """Serial number as the ACS wrote it."""
    serial_key: str
    """Serial number in the form that is equal for all spellings."""
    when: datetime
    """When it was removed, UTC; when the ACS does not tell, when the webhook came in."""


class RemovalActions(AcsConnector):
    """What the ACS told about removed devices; the ACS itself keeps no list of them."""

    @action(effect=Effect.READ)
    async def list_removals(
        self, *, since: AwareDatetime | None = None, cursor: str | None = None
    ) -> AsyncIterator[Page[Removal]]:
        """List the devices whose removal the ACS reported and that it has not reported as added again, by `serial_key`.

        The ACS is not asked: this is what its webhooks brought to this installation and what the history still keeps
        (`history.max_age`). A device that is missing here can have been deleted by hand all the same, when its webhook
        was lost; a mass deletion is never reported (S4).

        Args:
            since: only what came in at or after this moment; without it, everything that is kept.

        Raises:
            RefusedError: so many reports came in since then that they are not read at once.
        """
        reports = await self.context.events(since or _EVER, (_ADDED, _REMOVED), limit=MOST_REPORTS + 1)
        if len(reports) > MOST_REPORTS:
            raise RefusedError(
                f"the ACS reported more than {MOST_REPORTS:,} devices as added or removed: name a later 'since'"
            )
        left = [one for one in removals_of(reports) if cursor is None or one.serial_key > cursor]
        size = self.settings.page_size
        for start in range(0, max(len(left), 1), size):
            items = left[start : start + size]
            last = start + size >= len(left)
            yield Page(items=items, next=None if last else items[-1].serial_key)


def removals_of(reports: Iterable[Event]) -> list[Removal]:
    """Return the devices whose last report says that they were removed, by `serial_key`.

    Webhooks can come in any order: what the ACS says happened later counts, and at one moment what came in later.
    """
    latest: dict[str, Event] = {}
    for report in reports:
        key = _serial_key(report)
        if key and (key not in latest or report.time >= latest[key].time):
            latest[key] = report
    return [
        Removal(serial=report.subject, serial_key=key, when=report.time)
        for key, report in sorted(latest.items())
        if report.type == _REMOVED
    ]


def _serial_key(report: Event) -> str | None:
    return text(mapping(report.data).get("serial_key"))
