"""Customers' bills, traffic counters, lent equipment and files as the connector gives them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Personal
from backhaul_connectors.ixc_acs.serials import serial_key
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.values import date_of, decimal, link, moment, text, whole

__all__ = [
    "Bill",
    "Consumption",
    "FileContent",
    "LentItem",
    "StoredFile",
    "bill_of",
    "consumption_of",
    "lent_item_of",
    "stored_file_of",
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Bill(_Model):
    """A receivable of a customer (``fn_areceber``); amounts in reais, dates in the server's calendar."""

    id: int
    status: str | None
    """``A`` open, ``P`` received in part, ``R`` received, ``C`` cancelled."""
    id_cliente: int | None = None
    id_contrato: int | None = None
    """None where the ERP names no contract, which is often: then look at the customer."""
    valor: float | None = None
    valor_recebido: float | None = None
    valor_aberto: float | None = None
    data_emissao: str | None = None
    data_vencimento: str | None = None
    pagamento_data: str | None = None
    linha_digitavel: Personal[str | None] = None
    """What the customer types to pay it."""
    updated: datetime | None = None
    """Last change, UTC."""


class Consumption(_Model):
    """What a login has used in a span of time (``radusuarios_consumo`` and its daily and monthly tables)."""

    id: int
    id_login: int | None = None
    since: datetime | None = None
    """``data``: begin of the day or month, or time of the sample, UTC."""
    data: str | None = None
    """Its date in the server's calendar."""
    consumo: int | None = None
    """Received. The vendor documents no unit; public clients take it for bytes."""
    consumo_upload: int | None = None
    """Sent, in the same unit."""


class LentItem(_Model):
    """Equipment lent to a customer (``cliente_contrato_comodato``). Personal data: what names the device."""

    id: int
    id_contrato: int | None = None
    id_login: int | None = None
    id_patrimonio: int | None = None
    """The asset (``patrimonio``); None for a product that is not kept as one."""
    id_produto: int | None = None
    descricao: str | None = None
    mac: Personal[str | None] = None
    numero_serie: Personal[str | None] = None
    serial_key: Personal[str] = ""
    """`numero_serie` in the form that is equal for all spellings; ``ixc_acs`` has the same field."""
    numero_patrimonial: str | None = None
    status_comodato: str | None = None
    """``E``: with the customer. Other letters are not documented."""
    with_customer: bool
    """It is with the customer."""
    data: str | None = None
    """Since when, in the server's calendar."""


class StoredFile(_Model):
    """A file that is attached to something, without its content."""

    id: int
    descricao: Personal[str | None] = None
    nome_arquivo: Personal[str | None] = None
    sent: datetime | None = None
    """UTC."""


class FileContent(_Model):
    """The content of a file. Personal data: all of it."""

    id: int
    content_base64: Personal[str]


def bill_of(record: Record, zone: ZoneInfo) -> Bill:
    """Return the bill of a record."""
    return Bill(
        id=_id_of(record, "bill"),
        status=text(record.get("status")),
        id_cliente=link(record.get("id_cliente")),
        id_contrato=link(record.get("id_contrato")),
        valor=decimal(record.get("valor")),
        valor_recebido=decimal(record.get("valor_recebido")),
        valor_aberto=decimal(record.get("valor_aberto")),
        data_emissao=date_of(record.get("data_emissao")),
        data_vencimento=date_of(record.get("data_vencimento")),
        pagamento_data=date_of(record.get("pagamento_data")),
        linha_digitavel=text(record.get("linha_digitavel")),
        updated=moment(record.get("ultima_atualizacao"), zone),
    )


def consumption_of(record: Record, zone: ZoneInfo) -> Consumption:
    """Return the counter of a record."""
    return Consumption(
        id=_id_of(record, "traffic counter"),
        id_login=link(record.get("id_login")),
        since=moment(record.get("data"), zone),
        data=date_of(record.get("data")),
        consumo=whole(record.get("consumo")),
        consumo_upload=whole(record.get("consumo_upload")),
    )


def lent_item_of(record: Record) -> LentItem:
    """Return the loan of a record."""
    serial, status = text(record.get("numero_serie")), text(record.get("status_comodato"))
    return LentItem(
        id=_id_of(record, "lent item"),
        id_contrato=link(record.get("id_contrato")),
        id_login=link(record.get("id_login")),
        id_patrimonio=link(record.get("id_patrimonio")),
        id_produto=link(record.get("id_produto")),
        descricao=text(record.get("descricao")),
        mac=text(record.get("mac")),
        numero_serie=serial,
        serial_key=serial_key(serial) if serial else "",
        numero_patrimonial=text(record.get("numero_patrimonial")),
        status_comodato=status,
        with_customer=status == "E",
        data=date_of(record.get("data")),
    )


def stored_file_of(record: Record, zone: ZoneInfo) -> StoredFile:
    """Return the file of a record."""
    return StoredFile(
        id=_id_of(record, "file"),
        descricao=text(record.get("descricao")),
        nome_arquivo=text(record.get("nome_arquivo")),
        sent=moment(record.get("data_envio"), zone),
    )


def _id_of(record: Record, kind: str) -> int:
    record_id = link(record.get("id"))
    if record_id is None:
        raise InvalidAnswerError(f"the ERP listed a record ({kind}) without id")
    return record_id
