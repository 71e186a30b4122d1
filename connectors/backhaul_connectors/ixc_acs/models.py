"""What the connector returns of the ACS's records: the needed fields, typed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json, Personal
from backhaul_connectors.ixc_acs.optical import OpticalScale
from backhaul_connectors.ixc_acs.reading import decimal
from backhaul_connectors.ixc_acs.serials import serial_key

__all__ = ["Device", "device_of", "moment"]


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
    pppoe_login: Personal[str | None]
    """PPPoE login on the device; None for bridges. Several devices can have the same one."""
    manufacturer: str | None = None
    model: str | None = None
    hardware_version: str | None = None
    software_version: str | None = None
    package_version: str | None = None
    """Driver package of the ACS for the model (``v2``, ``v3``); only ``v3`` has capabilities."""
    uptime_s: int | None = None
    """Seconds since the last restart."""
    rx_dbm: float | None = None
    """Received optical power; None without fibre, without a reading or when the value cannot be one."""
    tx_dbm: float | None = None
    """Sent optical power; None without fibre, without a reading or when the value cannot be one."""
    optical_suspect: bool = False
    """The ACS gave an optical level that cannot be one (outside `optical_range_dbm`, or no number)."""
    ipv6: Personal[str | None] = None
    """IPv6 address or prefix."""
    macs: Personal[tuple[str, ...]] = ()
    """MAC addresses as the ACS writes them."""
    created: datetime | None = None
    """When the ACS first saw the device, UTC."""
    last_inform: datetime | None = None
    """When the device last reported, UTC."""


def device_of(register: Json, optical: OpticalScale) -> Device:
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
    model = _text(info.get("modelName"))
    rx_dbm, rx_suspect = optical.level(info.get("rx"), model)
    tx_dbm, tx_suspect = optical.level(info.get("tx"), model)
    status = record.get("status")
    macs = record.get("macs")
    return Device(
        serial=serial,
        serial_key=serial_key(serial),
        online=status if isinstance(status, bool) else None,
        pppoe_login=_text(_mapping(record.get("connection")).get("pppoeLogin")),
        manufacturer=_text(info.get("manufacturer")),
        model=model,
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


def moment(value: Json) -> datetime | None:
    """Return the UTC moment of an ISO 8601 text with a zone; None when it is anything else."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        return None if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Json) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _seconds(value: Json) -> int | None:
    level = decimal(value)
    return int(level) if level is not None and level >= 0 else None
