"""What the connector returns of the ERP's records: the needed fields, typed, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Personal
from backhaul_connectors.ixc_acs.serials import serial_key
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.values import flag, link, moment, text

__all__ = ["AcsDevice", "AcsDeviceChange", "Done", "Login", "Removal", "Skipped", "acs_device_of", "login_of"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())


class Login(_Model):
    """A customer's login (``radusuarios``). Personal data: `login`, `mac`."""

    id: int
    login: Personal[str]
    """Text with which the customer's equipment logs in; empty for logins that are known by MAC alone."""
    active: bool | None
    """``ativo``: may log in; None when the ERP gives neither S nor N."""
    online: bool | None
    """None when the ERP does not know (``SS``)."""
    linked: bool
    """Tied to a customer (`id_cliente` is set) [assumed meaning of the vendor's *linked login*]."""
    id_cliente: int | None = None
    id_contrato: int | None = None
    """Contract; None when the login has none of its own: then look at the customer."""
    id_grupo: int | None = None
    """Speed plan (``radgrupos``)."""
    mac: Personal[str | None] = None
    """MAC address seen at the last connection."""
    updated: datetime | None = None
    """Last change, UTC."""


class AcsDevice(_Model):
    """A device that the ERP knows through its ACS integration (``acs_device``). Personal data: `login`."""

    id: int
    serial_number: str
    """Serial number as the ERP writes it; empty when the record has none."""
    serial_key: str
    """Serial number in the form that is equal for all spellings; ``ixc_acs`` has the same field."""
    id_login: int | None
    """Login that the device is linked to; None when it is unlinked."""
    login: Personal[str | None]
    """Text of that login; None when unlinked or when the login does not exist any more."""
    login_active: bool | None
    """Whether that login may log in; None without one."""
    status: str | None = None
    """The ERP's own idea of the state, such as ``online``."""
    manufacturer: str | None = None
    model: str | None = None
    device_primary: bool | None = None
    """Main device of its login."""
    last_inform: datetime | None = None
    """Last report of the device that reached the ERP, UTC."""
    last_update: datetime | None = None
    """Last change of the record, UTC."""
    status_contrato: str | None = None
    status_internet_contrato: str | None = None


class Done(StrEnum):
    """What became of a change."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


class Skipped(StrEnum):
    """Why a device was left as it is."""

    NO_LOGIN = "no_login"
    UNKNOWN_LOGIN = "unknown_login"
    INACTIVE_LOGIN = "inactive_login"


class AcsDeviceChange(_Model):
    """What was done to a device's record."""

    id: int | None
    """Id of the record; None when there is none because it was skipped."""
    done: Done
    id_login: int | None = None
    """Login that the record is linked to now; None when it is unlinked or was skipped."""
    reason: Skipped | None = None
    """Why it was skipped."""


class Removal(_Model):
    """What was done to remove a record."""

    id: int
    removed: bool
    """False when it was gone already."""


def login_of(record: Record, zone: ZoneInfo) -> Login:
    """Return the login of a ``radusuarios`` record.

    Raises:
        InvalidAnswerError: it has no id.
    """
    record_id = _id_of(record, "login")
    id_cliente = link(record.get("id_cliente"))
    return Login(
        id=record_id,
        login=text(record.get("login")) or "",
        active=flag(record.get("ativo")),
        online=flag(record.get("online")),
        linked=id_cliente is not None,
        id_cliente=id_cliente,
        id_contrato=link(record.get("id_contrato")),
        id_grupo=link(record.get("id_grupo")),
        mac=text(record.get("mac")),
        updated=moment(record.get("ultima_atualizacao"), zone),
    )


def acs_device_of(record: Record, logins: Mapping[int, Login], zone: ZoneInfo) -> AcsDevice:
    """Return the device of an ``acs_device`` record, with the text of its login.

    Raises:
        InvalidAnswerError: it has no id.
    """
    record_id = _id_of(record, "ACS device")
    serial = text(record.get("serial_number")) or ""
    id_login = link(record.get("id_login"))
    login = logins.get(id_login) if id_login is not None else None
    return AcsDevice(
        id=record_id,
        serial_number=serial,
        serial_key=serial_key(serial),
        id_login=id_login,
        login=login.login if login else None,
        login_active=login.active if login else None,
        status=text(record.get("status")),
        manufacturer=text(record.get("manufacturer")),
        model=text(record.get("model")),
        device_primary=flag(record.get("device_primary")),
        last_inform=moment(record.get("last_inform"), zone),
        last_update=moment(record.get("last_update"), zone),
        status_contrato=text(record.get("status_contrato")),
        status_internet_contrato=text(record.get("status_internet_contrato")),
    )


def _id_of(record: Record, kind: str) -> int:
    record_id = link(record.get("id"))
    if record_id is None:
        raise InvalidAnswerError(f"the ERP listed a record ({kind}) without id")
    return record_id
