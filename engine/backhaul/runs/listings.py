"""A listing as a step: stored page by page, and after a crash gone on with behind the last page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from backhaul.json_values import Json
from backhaul.store.records import PageRecord

if TYPE_CHECKING:
    from backhaul.plugins.action import Page
    from backhaul.runs.journal import Journal

__all__ = ["store_listing"]


async def store_listing(
    journal: Journal, key: str, pages: Callable[[str | None], AsyncIterator[Page[Json]]], *, goes_on: bool
) -> Json:
    """Store a listing and return the dataset that names it.

    Args:
        key: of the step.
        pages: gives the pages from a cursor on; None: from the beginning.
        goes_on: an earlier attempt may have stored pages; those are kept.
    """
    last = await _last_page(journal, key) if goes_on else None
    number, index = (last.number + 1, last.first_index + last.count) if last else (0, 0)
    if last is None or last.next is not None:
        async for page in pages(last.next if last else None):
            count = len(page.items)
            await journal.write_page(
                PageRecord(
                    run_id=journal.run_id,
                    key=key,
                    number=number,
                    first_index=index,
                    count=count,
                    items=list(page.items),
                    next=page.next,
                )
            )
            number, index = number + 1, index + count
            journal.observer.step_advanced(key, index, page.total)
    return journal.dataset(key, index)


async def _last_page(journal: Journal, key: str) -> PageRecord | None:
    """Return the page after which a listing goes on; None when it has to begin anew.

    A last page without a cursor is the end only of a listing whose pages had cursors: one that gives none is
    not known to be complete.
    """
    last = await journal.store.last_page(journal.run_id, key)
    if last is None or last.next is not None:
        return last
    before = await journal.store.page(journal.run_id, key, last.number - 1)
    return last if before is not None and before.next is not None else None
