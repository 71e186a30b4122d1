"""Opening the history alone: to look at it, neither connections nor their secrets are needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from backhaul.clock import SystemClock
from backhaul.store.store import Store

if TYPE_CHECKING:
    from backhaul.app import Project

__all__ = ["open_history", "store_url"]


@asynccontextmanager
async def open_history(project: Project, *, migrate: bool | None = None) -> AsyncIterator[Store]:
    """Give the project's store and close it afterwards.

    Args:
        project: the project.
        migrate: bring the schema up to date; by default on SQLite only.

    Raises:
        ConfigurationError: the settings of the store are wrong.
        StoreError: it cannot be opened.
    """
    async with await Store.open(store_url(project), clock=SystemClock(), migrate=migrate) as store:
        yield store


def store_url(project: Project) -> str:
    """Return the URL of the project's store, which may hold a password.

    Raises:
        ConfigurationError: the settings of the store are wrong, or cannot be read at all.
    """
    project.settings.require_valid()
    return project.settings.store_url
