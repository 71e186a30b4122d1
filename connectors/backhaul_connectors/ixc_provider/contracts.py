"""Customers, contracts and speed plans as the connector gives them."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json, Personal
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.values import date_of, flag, link, moment, text

__all__ = ["Contract", "Customer", "Plan", "contract_of", "customer_of", "plan_of", "rate_mbps", "service_should_work"]

PHONE_COLUMNS = ("fone", "telefone_celular", "telefone_comercial", "whatsapp")
_UNITS = {"k": 1e-3, "m": 1.0, "g": 1e3}
_CONTRACT_STATES = frozenset("PAIND")
_ACCESS_STATES = frozenset({"A", "D", "CM", "CA", "FA", "AA", "CE"})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())


class Customer(_Model):
    """A customer (``cliente``). All but the ids and `active` is personal data."""

    id: int
    razao: Personal[str]
    """Name of the person or company."""
    fantasia: Personal[str | None] = None
    cnpj_cpf: Personal[str | None] = None
    """As stored, usually masked."""
    tipo_pessoa: str | None = None
    """``F`` person, ``J`` company, ``E`` foreign."""
    active: bool | None
    phones: Personal[tuple[str, ...]] = ()
    """All numbers on record, as typed."""
    email: Personal[str | None] = None
    endereco: Personal[str | None] = None
    numero: Personal[str | None] = None
    bairro: Personal[str | None] = None
    cep: Personal[str | None] = None
    cidade: int | None = None
    """Id of the city (table ``cidade``)."""
    filial_id: int | None = None
    updated: datetime | None = None
    """Last change, UTC."""


class Contract(_Model):
    """A contract (``cliente_contrato``)."""

    id: int
    id_cliente: int | None
    tipo: str | None = None
    """``I`` internet, ``T`` telephone, ``S`` services, ``SVA``."""
    contrato: str | None = None
    """Name of the sold plan, copied at the sale."""
    id_vd_contrato: int | None = None
    status: str | None
    """``P`` pre-contract, ``A`` active, ``I`` inactive, ``N`` negative-listed, ``D`` gave up."""
    status_internet: str | None
    """``A`` active, ``D`` disabled, ``CM`` manual block, ``CA`` automatic block, ``FA`` late, ``AA`` unsigned."""
    service_should_work: bool | None
    """Whether the customer should have service: both states are ``A``. None when the ERP gives neither letter."""
    status_velocidade: str | None = None
    """``N`` normal, ``R`` reduced."""
    speed_reduced: bool = False
    contrato_suspenso: bool | None = None
    desbloqueio_confianca_ativo: bool | None = None
    """A trust unblock is running."""
    data_ativacao: str | None = None
    """Date, local."""
    data_cancelamento: str | None = None
    """Date, local."""
    pago_ate_data: str | None = None
    """Date, local."""
    nao_bloquear_ate: str | None = None
    """Date, local."""
    updated: datetime | None = None
    """Last change, UTC."""


class Plan(_Model):
    """Contracted speed of a login (``radgrupos``)."""

    id: int
    grupo: str | None = None
    """Name of the speed plan."""
    download_mbps: float | None
    """Mbit/s; None when the text has no unit or is none. Often some per cent above what was sold."""
    upload_mbps: float | None
    download: str | None = None
    """As the ERP writes it: ``310M``."""
    upload: str | None = None
    contrato: str | None = None
    """Name of the sold plan, from the contract; None without one."""


def service_should_work(status: str | None, status_internet: str | None) -> bool | None:
    """Tell whether a customer should have service; both states matter. None when a state is not known."""
    if status not in _CONTRACT_STATES or status_internet not in _ACCESS_STATES:
        return None
    return status == "A" and status_internet == "A"


def rate_mbps(value: Json) -> float | None:
    """Return Mbit/s of a text such as ``310M``, ``1G``, ``20480k`` or ``1,5 M``; None without a unit."""
    found = re.fullmatch(r"([0-9]{1,9}(?:[.,][0-9]{1,6})?)\s*([kmg])(?:bps|bit/s|b)?", (text(value) or "").lower())
    return float(found[1].replace(",", ".")) * _UNITS[found[2]] if found else None


def customer_of(record: Record, zone: ZoneInfo) -> Customer:
    """Return the customer of a record."""
    return Customer(
        id=_id_of(record, "customer"),
        razao=text(record.get("razao")) or "",
        fantasia=text(record.get("fantasia")),
        cnpj_cpf=text(record.get("cnpj_cpf")),
        tipo_pessoa=text(record.get("tipo_pessoa")),
        active=flag(record.get("ativo")),
        phones=tuple(dict.fromkeys(found for name in PHONE_COLUMNS if (found := text(record.get(name))) is not None)),
        email=text(record.get("email")),
        endereco=text(record.get("endereco")),
        numero=text(record.get("numero")),
        bairro=text(record.get("bairro")),
        cep=text(record.get("cep")),
        cidade=link(record.get("cidade")),
        filial_id=link(record.get("filial_id")),
        updated=moment(record.get("ultima_atualizacao"), zone),
    )


def contract_of(record: Record, zone: ZoneInfo) -> Contract:
    """Return the contract of a record."""
    status, access = text(record.get("status")), text(record.get("status_internet"))
    speed = text(record.get("status_velocidade"))
    return Contract(
        id=_id_of(record, "contract"),
        id_cliente=link(record.get("id_cliente")),
        tipo=text(record.get("tipo")),
        contrato=text(record.get("contrato")),
        id_vd_contrato=link(record.get("id_vd_contrato")),
        status=status,
        status_internet=access,
        service_should_work=service_should_work(status, access),
        status_velocidade=speed,
        speed_reduced=speed == "R",
        contrato_suspenso=flag(record.get("contrato_suspenso")),
        desbloqueio_confianca_ativo=flag(record.get("desbloqueio_confianca_ativo")),
        data_ativacao=date_of(record.get("data_ativacao")),
        data_cancelamento=date_of(record.get("data_cancelamento")),
        pago_ate_data=date_of(record.get("pago_ate_data")),
        nao_bloquear_ate=date_of(record.get("nao_bloquear_ate")),
        updated=moment(record.get("ultima_atualizacao"), zone),
    )


def plan_of(group: Record, contract: Record | None) -> Plan:
    """Return the plan of a ``radgrupos`` record, with the sold plan's name of a contract."""
    return Plan(
        id=_id_of(group, "speed plan"),
        grupo=text(group.get("grupo")),
        download_mbps=rate_mbps(group.get("download")),
        upload_mbps=rate_mbps(group.get("upload")),
        download=text(group.get("download")),
        upload=text(group.get("upload")),
        contrato=text(contract.get("contrato")) if contract is not None else None,
    )


def _id_of(record: Record, kind: str) -> int:
    record_id = link(record.get("id"))
    if record_id is None:
        raise InvalidAnswerError(f"the ERP listed a record ({kind}) without id")
    return record_id
