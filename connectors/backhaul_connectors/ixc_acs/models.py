"""What the connector returns of the ACS's records: the needed fields, typed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json
from backhaul_connectors.ixc_acs.serials import serial_key

__all__ = ["Device", "device_of", "level_dbm", "moment"]


class Device(BaseModel):
    """A router or ONT that the ACS manages.

    Personal data: `pppoe_login` and `ipv6` belong to a subscriber. The record's Wi-Fi, PPPoE password and CPF data are
    never read.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())

    serial: str
    """Serial number as the ACS writes it; the device's key in the ACS."""
    serial_key: str
    """Serial number in the form that is equal for all spellings; ``ixc_provider`` has the same field."""
    online: bool | None
    """Whether the device is online; None when the ACS does not tell."""
    pppoe_login: str | None
    """PPPoE login on the device; None for bridges. Several devices can have the same one. Personal."""
    manufacturer: str | None = None
    model: str | None = None
    hardware_version: str | None = None
    software_version: str | None = None
    package_version: str | None = None
    """Driver package of the ACS for the model (``v2``, ``v3``); only ``v3`` has capabilities."""
    uptime_s: int | None = None
    """Seconds since the last restart."""
    rx_dbm: float | None = None
    """Received optical power; None without fibre or when the value cannot be one."""
    tx_dbm: float | None = None
    """Sent optical power; None without fibre or when the value cannot be one."""
    optical_suspect: bool = False
    """The ACS gave an optical level that cannot be one (outside `optical_range_dbm`, or no number)."""
    ipv6: str | None = None
    """IPv6 address or prefix. Personal."""
    macs: tuple[str, ...] = ()
    """MAC addresses as the ACS writes them."""
    created: datetime | None = None
    """When the ACS first saw the device, UTC."""
    last_inform: datetime | None = None
    """When the device last reported, UTC."""


def device_of(register: Json, optical_range_dbm: tuple[float, float]) -> Device:
    """Return the device of one register.

    Raises:
        InvalidAnswerError: it is not a record with a serial number. It is never left out: a listing that lost a
            device would have it deleted elsewhere.
    """
    record = _mapping(register)
    serial = _text(record.get("serialNumber"))
    if serial is None:
        raise InvalidAnswerError("the ACS listed a device without serialNumber; nothing of this page is used")
    info = _mapping(record.get("deviceInfo"))
    rx_dbm, rx_suspect = _level(info.get("rx"), optical_range_dbm)
    tx_dbm, tx_suspect = _level(info.get("tx"), optical_range_dbm)
    status = record.get("status")
    macs = record.get("macs")
    return Device(
        serial=serial,
        serial_key=serial_key(serial),
        online=status if isinstance(status, bool) else None,
        pppoe_login=_text(_mapping(record.get("connection")).get("pppoeLogin")),
        manufacturer=_text(info.get("manufacturer")),
        model=_text(info.get("modelName")),
        hardware_version=_text(info.get("hardwareVersion")),
        software_version=_text(info.get("softwareVersion")),
        package_version=_text(info.get("packageVersion")),
        uptime_s=_seconds(info.get("uptime")),
        rx_dbm=rx_dbm,
        tx_dbm=tx_dbm,
        optical_suspect=rx_suspect or tx_suspect,
        ipv6=_text(info.get("ipv6")),
        macs=tuple(mac for mac in macs if isinstance(mac, str) and mac) if isinstance(macs, list) else (),
        created=moment(record.get("created")),
        last_inform=moment(record.get("lastInform")),
    )


def level_dbm(value: Json) -> float | None:
    """Return an optical level from a number or a text such as ``"-19,4 dBm"``; None when it is neither."""
    if isinstance(value, str):
        found = re.fullmatch(r"\s*([+-]?[0-9]{1,9}(?:[.,][0-9]{1,9})?)\s*(?:dBm)?\s*", value, re.IGNORECASE)
        return float(found[1].replace(",", ".")) if found else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        level = float(value)
    except OverflowError:
        return None
    return level if math.isfinite(level) else None


def moment(value: Json) -> datetime | None:
    """Return the UTC moment of an ISO 8601 text with a zone; None when it is anything else."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        return None if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _level(value: Json, allowed: tuple[float, float]) -> tuple[float | None, bool]:
    """Return a believable level or None, and whether there was one that is not believable."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, False
    level = level_dbm(value)
    if level is None or not allowed[0] <= level <= allowed[1]:
        return None, True
    return level, False


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Json) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _seconds(value: Json) -> int | None:
    level = level_dbm(value)
    return int(level) if level is not None and level >= 0 else None
