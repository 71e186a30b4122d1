"""ONUs of customers, and the optical summary that the ERP gives as text."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json, Personal
from backhaul_connectors.ixc_acs.serials import serial_key
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.values import decimal, link, moment, text, whole

__all__ = ["Onu", "OnuText", "OpticalSummary", "onu_of", "optical_summary_of", "signal_dbm"]

_LOWEST_DBM, _HIGHEST_DBM = -60.0, 15.0
_LEVEL = r"\s*(?:\([^)]*\))?\s*[:=]?\s*([+-]?[0-9]{1,3}(?:[.,][0-9]{1,4})?)"
_LABELS = {
    "rx_dbm": r"recv\s+power|sinal\s+rx(?!\s*olt)|rx\s+(?:onu|power)|rx\s+optical\s+power|optical\s+rx",
    "tx_dbm": r"send\s+power|sinal\s+tx(?!\s*olt)|tx\s+(?:onu|power)|tx\s+optical\s+power|optical\s+tx",
    "olt_rx_dbm": r"(?:sinal\s+)?rx\s+olt|olt\s+rx(?:\s+onu)?(?:\s+optical)?(?:\s+power)?",
    "olt_tx_dbm": r"(?:sinal\s+)?tx\s+olt|olt\s+tx(?:\s+optical)?(?:\s+power)?",
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())


class Onu(_Model):
    """A customer's ONU (``radpop_radio_cliente_fibra``). Personal data: `nome`, `mac`, `serial_key`."""

    id: int
    nome: Personal[str | None] = None
    mac: Personal[str | None] = None
    """Serial number or MAC address, by maker of the OLT, as the ERP writes it."""
    serial_key: Personal[str] = ""
    """`mac` in the form that is equal for all spellings; ``ixc_acs`` has the same field."""
    id_login: int | None = None
    id_contrato: int | None = None
    """None when the ONU has none of its own: then look at its login or customer."""
    id_transmissor: int | None = None
    """OLT (``radpop_radio``)."""
    slot: str | None = None
    pon: str | None = None
    onu_numero: str | None = None
    onu_tipo: str | None = None
    id_perfil: int | None = None
    vlan: str | None = None
    id_caixa_ftth: int | None = None
    porta_ftth: str | None = None
    rx_dbm: float | None = None
    """Received level; None when there is no reading (0 and empty are none)."""
    tx_dbm: float | None = None
    """Sent level; None when there is no reading."""
    temperatura: float | None = None
    """Degrees Celsius."""
    voltagem: float | None = None
    """Volts."""
    distancia_onu: int | None = None
    """As the ERP writes it, usually metres."""
    causa_ultima_queda: str | None = None
    signal_read_at: datetime | None = None
    """When the levels were read (``data_sinal``), UTC."""


class OpticalSummary(_Model):
    """Levels out of the text that the ERP's optical summary gives; labels differ by maker of the OLT."""

    id: int
    rx_dbm: float | None = None
    """Received by the ONU. Some OLTs swap the viewpoint of ONU and OLT: compare with another source."""
    tx_dbm: float | None = None
    """Sent by the ONU."""
    olt_rx_dbm: float | None = None
    """Received by the OLT."""
    olt_tx_dbm: float | None = None
    """Sent by the OLT."""
    text: str
    """The ERP's text, without tags."""


class OnuText(_Model):
    """A script of an ONU or OLT; it may hold passwords, which are removed where they are recognised."""

    id: int
    text: Personal[str]


def onu_of(record: Record, zone: ZoneInfo) -> Onu:
    """Return the ONU of a record."""
    record_id = link(record.get("id"))
    if record_id is None:
        raise InvalidAnswerError("the ERP listed an ONU without id")
    mac = text(record.get("mac"))
    return Onu(
        id=record_id,
        nome=text(record.get("nome")),
        mac=mac,
        serial_key=serial_key(mac) if mac else "",
        id_login=link(record.get("id_login")),
        id_contrato=link(record.get("id_contrato")),
        id_transmissor=link(record.get("id_transmissor")),
        slot=text(record.get("slotno")),
        pon=text(record.get("ponno")),
        onu_numero=text(record.get("onu_numero")),
        onu_tipo=text(record.get("onu_tipo")),
        id_perfil=link(record.get("id_perfil")),
        vlan=text(record.get("vlan")),
        id_caixa_ftth=link(record.get("id_caixa_ftth")),
        porta_ftth=text(record.get("porta_ftth")),
        rx_dbm=signal_dbm(record.get("sinal_rx")),
        tx_dbm=signal_dbm(record.get("sinal_tx")),
        temperatura=decimal(record.get("temperatura")),
        voltagem=decimal(record.get("voltagem")),
        distancia_onu=whole(record.get("distancia_onu")),
        causa_ultima_queda=text(record.get("causa_ultima_queda")),
        signal_read_at=moment(record.get("data_sinal"), zone),
    )


def signal_dbm(value: Json) -> float | None:
    """Return an optical level from a text with point or comma; 0, empty and what cannot be one mean no reading."""
    level = decimal(value)
    return level if level is not None and level != 0 and _LOWEST_DBM <= level <= _HIGHEST_DBM else None


def optical_summary_of(onu: int, said: str) -> OpticalSummary:
    """Return the levels in a text. Source: ixc_provider reference, section 5 (labels seen in three clients)."""
    levels = {}
    for name, labels in _LABELS.items():
        found = re.search(rf"(?<![a-z])(?:{labels}){_LEVEL}", said, re.IGNORECASE)
        levels[name] = signal_dbm(found[1]) if found else None
    return OpticalSummary(id=onu, text=said, **levels)
