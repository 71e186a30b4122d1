"""Tickets and service orders as the connector gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Personal
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.values import link, moment, text

__all__ = ["OrderPriority", "ServiceOrder", "Ticket", "TicketPriority", "order_of", "ticket_of"]

TicketPriority: TypeAlias = Literal["B", "M", "A", "C"]
"""Low, normal, high, critical."""
OrderPriority: TypeAlias = Literal["B", "N", "A", "C"]
"""Low, normal, high, critical."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Ticket(_Model):
    """A support ticket (``su_ticket``). Personal data: `titulo`, `menssagem`."""

    id: int
    protocolo: str | None = None
    id_cliente: int | None = None
    id_login: int | None = None
    id_contrato: int | None = None
    """None when the ticket has none: then look at the customer."""
    id_assunto: int | None = None
    titulo: Personal[str | None] = None
    menssagem: Personal[str | None] = None
    """The vendor's own spelling."""
    prioridade: str | None = None
    """``B`` low, ``M`` normal, ``A`` high, ``C`` critical."""
    su_status: str | None = None
    """``N`` new, ``P`` pending, ``EP`` in progress, ``S`` solved, ``C`` cancelled."""
    status: str | None = None
    """``T``, ``C``, ``F``, ``EX``, ``OSAB``, ``OSAG``, ``OSEX``: support flow with the linked service order."""
    id_ticket_setor: int | None = None
    id_responsavel_tecnico: int | None = None
    id_wfl_processo: int | None = None
    created: datetime | None = None
    """UTC."""
    updated: datetime | None = None
    """Last change, UTC."""


class ServiceOrder(_Model):
    """A service order (``su_oss_chamado``). Personal data: `mensagem`, `mensagem_resposta`."""

    id: int
    protocolo: str | None = None
    id_ticket: int | None = None
    id_cliente: int | None = None
    id_login: int | None = None
    id_assunto: int | None = None
    setor: int | None = None
    id_tecnico: int | None = None
    prioridade: str | None = None
    status: str | None = None
    """``A`` open, ``AN`` analysing, ``EN`` forwarded, ``AS`` assumed, ``AG`` scheduled, ``DS`` en route, ``EX``
    executing, ``F`` finished, ``RAG`` to be scheduled anew."""
    mensagem: Personal[str | None] = None
    mensagem_resposta: Personal[str | None] = None
    opened: datetime | None = None
    """UTC."""
    scheduled: datetime | None = None
    """``data_agenda``, UTC."""
    scheduled_until: datetime | None = None
    """``data_agenda_final``, UTC."""
    closed: datetime | None = None
    """``data_fechamento``, UTC."""


def ticket_of(record: Record, zone: ZoneInfo) -> Ticket:
    """Return the ticket of a record."""
    return Ticket(
        id=_id_of(record, "ticket"),
        protocolo=text(record.get("protocolo")),
        id_cliente=link(record.get("id_cliente")),
        id_login=link(record.get("id_login")),
        id_contrato=link(record.get("id_contrato")),
        id_assunto=link(record.get("id_assunto")),
        titulo=text(record.get("titulo")),
        menssagem=text(record.get("menssagem")),
        prioridade=text(record.get("prioridade")),
        su_status=text(record.get("su_status")),
        status=text(record.get("status")),
        id_ticket_setor=link(record.get("id_ticket_setor")),
        id_responsavel_tecnico=link(record.get("id_responsavel_tecnico")),
        id_wfl_processo=link(record.get("id_wfl_processo")),
        created=moment(record.get("data_criacao"), zone),
        updated=moment(record.get("ultima_atualizacao"), zone),
    )


def order_of(record: Record, zone: ZoneInfo) -> ServiceOrder:
    """Return the service order of a record."""
    return ServiceOrder(
        id=_id_of(record, "service order"),
        protocolo=text(record.get("protocolo")),
        id_ticket=link(record.get("id_ticket")),
        id_cliente=link(record.get("id_cliente")),
        id_login=link(record.get("id_login")),
        id_assunto=link(record.get("id_assunto")),
        setor=link(record.get("setor")),
        id_tecnico=link(record.get("id_tecnico")),
        prioridade=text(record.get("prioridade")),
        status=text(record.get("status")),
        mensagem=text(record.get("mensagem")),
        mensagem_resposta=text(record.get("mensagem_resposta")),
        opened=moment(record.get("data_abertura"), zone),
        scheduled=moment(record.get("data_agenda"), zone),
        scheduled_until=moment(record.get("data_agenda_final"), zone),
        closed=moment(record.get("data_fechamento"), zone),
    )


def _id_of(record: Record, kind: str) -> int:
    record_id = link(record.get("id"))
    if record_id is None:
        raise InvalidAnswerError(f"the ERP listed a record ({kind}) without id")
    return record_id
