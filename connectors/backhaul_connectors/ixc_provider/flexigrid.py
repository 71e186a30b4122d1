"""Rows that come as cells without names: connections of logins, and ONUs that wait for authorisation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json, Personal
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.values import moment, text, whole

__all__ = ["Session", "WaitingOnu", "session_of", "waiting_onu_of"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Session(_Model):
    """A connection of a login (``radacct``). Personal data: `login`, `mac`, `ip`, `ipv6_prefix`."""

    id: str
    login: Personal[str]
    mac: Personal[str | None] = None
    ip: Personal[str | None] = None
    concentrator_ip: str | None = None
    nas_port: str | None = None
    started: datetime | None = None
    """UTC."""
    stopped: datetime | None = None
    """UTC; None while it is up."""
    up: bool
    """It has begun and has no end."""
    duration_s: int | None = None
    ipv6_prefix: Personal[str | None] = None


class WaitingOnu(_Model):
    """An ONU that an OLT hears and that nobody has authorised yet (``fh_onu_nao_autorizadas``)."""

    row_id: str
    """Opaque key of the row, for `authorise_onu`; it changes with the row."""
    olt: str | None = None
    chassis: str | None = None
    slot: str | None = None
    pon: str | None = None
    model: str | None = None
    mac: str | None = None
    """Serial number or MAC address."""


def session_of(row: Record, cells: Mapping[str, int], zone: ZoneInfo) -> Session:
    """Return the session of a row. Which cell means what is assumed: ixc_provider reference, section 3.2."""
    found = _named(row, cells)
    started, stopped = moment(found.get("started"), zone), moment(found.get("stopped"), zone)
    return Session(
        id=text(found.get("id")) or text(row.get("id")) or "",
        login=text(found.get("login")) or "",
        mac=text(found.get("mac")),
        ip=text(found.get("ip")),
        concentrator_ip=text(found.get("concentrator_ip")),
        nas_port=text(found.get("nas_port")),
        started=started,
        stopped=stopped,
        up=started is not None and stopped is None,
        duration_s=whole(found.get("duration_s")),
        ipv6_prefix=text(found.get("ipv6_prefix")),
    )


def waiting_onu_of(row: Record, cells: Mapping[str, int]) -> WaitingOnu:
    """Return the waiting ONU of a row.

    Raises:
        InvalidAnswerError: it has no key, without which it cannot be authorised.
    """
    row_id = row.get("id")
    if not isinstance(row_id, str) or not row_id:
        raise InvalidAnswerError("the ERP listed a waiting ONU without the key of its row")
    found = {name: text(value) for name, value in _named(row, cells).items()}
    return WaitingOnu(row_id=row_id, **{name: found.get(name) for name in cells if name in WaitingOnu.model_fields})


def _named(row: Record, cells: Mapping[str, int]) -> dict[str, Json]:
    """Return a row's cells by name; a row that has columns instead is taken as it is."""
    values = row.get("cell")
    if not isinstance(values, list):
        return dict(row)
    return {name: values[index] for name, index in cells.items() if index < len(values)}
