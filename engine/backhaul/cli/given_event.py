"""The event that a person gives to a run which no event has started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from backhaul.clock import utc_text
from backhaul.errors import InputError, UnknownNameError
from backhaul.json_values import Json, load
from backhaul.triggers.event import type_fault

if TYPE_CHECKING:
    from backhaul.app import App

__all__ = ["event_of"]

_SOURCE = "manual"


async def event_of(app: App, name: str) -> Json:
    """Return an event as workflows see it.

    Args:
        name: a JSON file with ``type``, ``data`` and, if need be, the other fields; else the id of a stored event.

    Raises:
        UnknownNameError: there is neither.
        InputError: the file holds no event.
    """
    file = Path(name)
    if not _is_file(file):
        stored = await app.store.event(name)
        if stored is None:
            raise UnknownNameError("event", name)
        return stored.to_json()
    try:
        given = load(file.read_bytes())  # noqa: ASYNC240 (a small file, before anything runs)
    except (OSError, ValueError) as error:
        raise InputError(f"event {name}", [f"it cannot be read as JSON: {error}"]) from None
    if not isinstance(given, Mapping) or type_fault(str(given.get("type", ""))):
        raise InputError(f"event {name}", ['write it like {"type": "acs.device.added", "data": {"serial": "SN1"}}'])
    now = utc_text(app.clock.now())
    usual = {"id": file.stem, "source": _SOURCE, "subject": None, "time": now, "received_at": now, "data": None}
    return {**usual, **given}


def _is_file(file: Path) -> bool:
    return file.is_file()
