"""Connections as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from backhaul.errors import BackhaulError
from backhaul.json_values import Json
from backhaul.plugins.connector import Connector
from backhaul.secrets import redact

if TYPE_CHECKING:
    from backhaul.errors import SettingError
    from backhaul.plugins.budget import UsageStore
    from backhaul.plugins.connections import Connections

__all__ = [
    "BudgetView",
    "CheckError",
    "CheckView",
    "ConnectionPage",
    "ConnectionView",
    "budget_view",
    "check_connection",
    "connection_view",
]


class ConnectionView(TypedDict):
    """A connection as the settings name it; `status` is ``ready`` or ``wrong settings``."""

    name: str
    connector: str
    base_url: str | None
    limits: dict[str, Json]
    status: str
    problems: list[str]


class BudgetView(TypedDict):
    """What a connection has used of its limits.

    `used_today` is null without a limit per day; it counts what this and other processes have reserved. The others
    are of this process, since its start.
    """

    used_today: int | None
    per_day: int | None
    requests: int
    answers: int
    refusals: int
    under_way: int
    waiting: int
    pause_left_s: float


class ConnectionPage(ConnectionView):
    """A connection with what it has used of its limits."""

    budget: BudgetView


class CheckError(TypedDict):
    """Why a connection does not work."""

    type: str
    message: str


class CheckView(TypedDict):
    """What became of the try of a connection; `proven` is false when it failed, or its connector has no check."""

    name: str
    ok: bool
    proven: bool
    duration_s: float
    error: CheckError | None


def connection_view(connections: Connections, name: str, faults: Iterable[SettingError]) -> ConnectionView:
    """Return the JSON form of a connection.

    Args:
        connections: the connections.
        name: which.
        faults: what is wrong with the settings of all of them.

    Raises:
        UnknownNameError: there is no such connection.
    """
    settings = connections.settings(name)
    wrong = [redact(str(error)) for error in faults if f": connections.{name}." in f"{error.where}."]
    base_url = settings.raw.get("base_url")
    return {
        "name": name,
        "connector": settings.connector,
        "base_url": redact(base_url) if isinstance(base_url, str) else None,
        "limits": settings.limits.model_dump(mode="json", exclude_none=True),
        "status": "wrong settings" if wrong else "ready",
        "problems": wrong,
    }


async def budget_view(connections: Connections, name: str, usage: UsageStore, now: datetime) -> BudgetView:
    """Return what a connection has used of its limits.

    Args:
        connections: the connections.
        name: which.
        usage: keeps the day counts.
        now: aware.

    Raises:
        UnknownNameError: there is no such connection.
    """
    limits = connections.settings(name).limits
    used = None
    if limits.per_day is not None:
        # The last block that was reserved may go beyond the limit.
        used = min(await usage.usage(name, now.astimezone(ZoneInfo(limits.day_zone)).date()), limits.per_day)
    budget = connections.budget(name)
    return {
        "used_today": used,
        "per_day": limits.per_day,
        "requests": budget.requests if budget else 0,
        "answers": budget.answers if budget else 0,
        "refusals": budget.refusals if budget else 0,
        "under_way": budget.under_way if budget else 0,
        "waiting": budget.waiting if budget else 0,
        "pause_left_s": round(budget.pause_left_s, 3) if budget else 0.0,
    }


async def check_connection(connections: Connections, name: str) -> CheckView:
    """Prove that a connection works, with the least rights and without changing anything."""
    began = monotonic()
    error: CheckError | None = None
    has_check = False
    try:
        connection = await connections.open(name)
        has_check = type(connection.connector).check is not Connector.check
        await connection.check()
    except BackhaulError as failure:
        error = {"type": type(failure).__name__, "message": redact(str(failure))}
    except Exception as mistake:  # noqa: BLE001  # boundary: other people's code, and the others are checked too
        kind = type(mistake).__name__
        error = {"type": kind, "message": redact(f"a mistake in the connector: {kind}: {mistake}")}
    return {
        "name": name,
        "ok": error is None,
        "proven": error is None and has_check,
        "duration_s": round(monotonic() - began, 3),
        "error": error,
    }
