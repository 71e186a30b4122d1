"""What the connector returns of Akixi's entries: typed, whichever form the answer had."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json, Personal
from backhaul_connectors.akixi.scope import ALL, ALL_DEVICES

__all__ = [
    "IntegratorClient",
    "IntegratorClientAddition",
    "IntegratorClientChange",
    "IntegratorClientRemoval",
    "integrator_client_of",
    "object_of",
    "plain",
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class IntegratorClient(_Model):
    """A configuration entry: policies and settings for a device, a partition or a whole telephony server.

    Personal data: `device_number`, `device_description`, and whatever somebody wrote into `description`.
    """

    id: str
    """Id of the entry; four parts with ``:`` between them."""
    description: Personal[str]
    """Free text; non-breaking spaces are plain ones here."""
    tel_sys_id: int
    """Telephony server; -1: all. A number in lists and a text in Info, always a number here."""
    partition_id: int
    """Partition; -1 and -3 both stand for none or all, and the vendor does not explain the difference."""
    device_number: Personal[str]
    """Number of the device, or ``UnknownNoneOrAll`` for none."""
    scope: Literal["device", "partition", "telsys"]
    """What the entry is for, by the three values above."""
    tel_sys_description: str | None = None
    """Name of the telephony server, on request."""
    partition_description: str | None = None
    """Name of the partition, on request."""
    device_description: Personal[str | None] = None
    """Name of the device, on request; None without a device, for which Akixi writes ``None``."""
    device_unique_id: str | None = None
    """Id of the device, on request."""
    cm_environment_id: str | None = None
    """Central management environment; lists do not have it."""
    policies: dict[str, Json] | None = None
    """Policies by their names such as ``core::showUseConfigurationWindow``, on request; None when not told."""
    settings: dict[str, Json] | None = None
    """Settings by their names such as ``interface::showMissedCallPreview``, on request; None when not told."""
    user_id_created_by: str | None = None
    """User who made the entry, on request."""
    user_id_updated_by: str | None = None
    """User who changed it last, on request."""
    date_time_created: datetime | None = None
    """When it was made, UTC by the connection's `timezone`, since Akixi's times have no zone; on request."""
    date_time_updated: datetime | None = None
    """When it was changed last, in the same way."""


class IntegratorClientAddition(_Model):
    """What became of adding an entry. Akixi's answer holds no id."""

    id: str | None
    """Id of the new entry, found by comparing the lists before and after; None when that could not tell."""
    description: Personal[str]
    """The entry's description."""
    note: str = ""
    """Why the id is not known; empty when it is."""


class IntegratorClientChange(_Model):
    """What became of changing an entry."""

    id: str
    """Id of the entry."""
    changed: bool
    """Whether something was sent; false when the entry was as wanted already."""


class IntegratorClientRemoval(_Model):
    """What became of deleting an entry."""

    id: str
    """Id of the entry."""
    removed: bool
    """Whether this call removed it; false when it was gone already."""


def integrator_client_of(record: Json, zone: ZoneInfo) -> IntegratorClient:
    """Return the entry of a record of List or Info.

    Raises:
        InvalidAnswerError: it has no id, or numbers that are none.
    """
    if not isinstance(record, dict):
        raise InvalidAnswerError("Akixi gave an Integrator Client that is no object")
    number = plain(record.get("DeviceNumber")) or ALL_DEVICES
    device = plain(record.get("DeviceDescription"))
    entry_id = plain(record.get("ID"))
    if entry_id is None:
        raise InvalidAnswerError("Akixi gave an Integrator Client without ID")
    partition_id = _whole(record, "PartitionID", entry_id)
    return IntegratorClient(
        id=entry_id,
        description=plain(record.get("Description")) or "",
        tel_sys_id=_whole(record, "TelSysID", entry_id),
        partition_id=partition_id,
        device_number=number,
        scope="device" if number != ALL_DEVICES else "partition" if partition_id > ALL else "telsys",
        tel_sys_description=plain(record.get("TelSysDescription")),
        partition_description=plain(record.get("PartitionDescription")),
        device_description=None if number == ALL_DEVICES and device == "None" else device,
        device_unique_id=plain(record.get("DeviceUniqueID")),
        cm_environment_id=plain(record.get("CMEnvironmentID")),
        policies=object_of(record.get("Policies")),
        settings=object_of(record.get("Settings")),
        user_id_created_by=plain(record.get("UserIDCreatedBy")),
        user_id_updated_by=plain(record.get("UserIDUpdatedBy")),
        date_time_created=_moment(record.get("DateTimeCreated"), zone),
        date_time_updated=_moment(record.get("DateTimeUpdated"), zone),
    )


def plain(value: Json) -> str | None:
    """Return a text or number as text with plain blanks and none at its ends; None for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).replace("\u00a0", " ").strip() or None


def object_of(value: Json) -> dict[str, Json] | None:
    """Return the object of a value that may be an object or its JSON text; None when it is neither."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return dict(value) if isinstance(value, Mapping) else None


def _whole(record: Mapping[str, Json], key: str, entry_id: str) -> int:
    text = plain(record.get(key)) or ""
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise InvalidAnswerError(f"Akixi gave the Integrator Client {entry_id} with {key} {text!r}, which is no number")
    return int(text)


def _moment(value: Json, zone: ZoneInfo) -> datetime | None:
    text = plain(value)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)
