"""One request under a budget."""

from __future__ import annotations

from collections.abc import Callable

from backhaul.plugins.budget import Budget


async def use(
    budget: Budget, note: Callable[[], None] = lambda: None, priority: int = 0, run: str | None = None
) -> None:
    async with budget.slot(priority, run):
        note()
