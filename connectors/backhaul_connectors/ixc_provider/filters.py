"""Conditions of a listing in the ERP's words, and the tables' column prefixes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backhaul.sdk import Personal, RefusedError

__all__ = ["Filter", "Operator", "column_name", "grid_param", "is_button", "is_secret_column"]

# Resources whose columns carry another prefix than their own name (ixc_provider reference, section 3.1).
_PREFIXES = {
    "acs_device_grid": "acs_device",
    "cliente_contrato_comodato": "movimento_produtos",
    "crm_canditados": "cliente",
    "fh_onu_nao_autorizadas": "",
    "fn_areceber_altera": "fn_areceber",
    "radpop_radio_porta_fibra": "radpop_radio_porta",
}
_COLUMN = r"[A-Za-z_][A-Za-z0-9_]*"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}/[0-9]{2}/[0-9]{4}")
# What acts when it is called, besides everything that ends in a number (ixc_provider reference, section 5).
_BUTTONS = re.compile(
    r".*_[0-9]{4,}|desconectar_clientes|desbloqueio_confianca|cliente_contrato_ativar_cliente|gerar_protocolo_.*"
    r"|su_oss_chamado_(analisar|reagendar|executar|fechar|reabrir)|get_boleto|get_pix|cancelar_financeiro"
    r"|fn_areceber_recebimentos(_baixas_novo)?|cliente_arquivo|visualizar_arquivo_os|viabilidade_tecnica"
    r"|crm_negociacoes_(simplificado|perdemos_data)",
    re.IGNORECASE,
)
_SECRET = re.compile(r"senha|password|acesso_token|^token$", re.IGNORECASE)


class Operator(StrEnum):
    """The documented operators, written as the ERP writes them. No others: ``<>``, ``GE`` and ``like`` fail."""

    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    LESS = "<"
    AT_LEAST = ">="
    AT_MOST = "<="
    CONTAINS = "L"
    NOT_CONTAINS = "NL"
    IN = "IN"
    NOT_IN = "NI"
    BETWEEN = "BE"
    NOT_BETWEEN = "NBE"


class Filter(BaseModel):
    """One condition; several are joined with AND, there is no OR."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    column: Annotated[str, Field(pattern=rf"^{_COLUMN}(\.{_COLUMN})?$")]
    """Column, with or without the table before it: ``ativo`` or ``radusuarios.ativo``."""
    operator: Operator = Operator.EQUAL
    """``=``, ``!=``, ``>``, ``<``, ``>=``, ``<=``, ``L`` (contains), ``NL``, ``IN``, ``NI``, ``BE``, ``NBE``."""
    value: Personal[str | Sequence[str]]
    """Value to compare with; a list for ``IN`` and ``NI``."""
    value2: Personal[str | None] = None
    """Upper end for ``BE`` and ``NBE``."""

    @model_validator(mode="after")
    def _fits(self) -> Filter:
        ranged = self.operator in (Operator.BETWEEN, Operator.NOT_BETWEEN)
        if ranged != (self.value2 is not None):
            raise ValueError("value2 belongs to BE and NBE, and only to them")
        if isinstance(self.value, str):
            if ranged and _DATE.match(self.value):
                raise ValueError("BE and NBE let zero dates through: use >= and <= for dates")
        elif self.operator not in (Operator.IN, Operator.NOT_IN):
            raise ValueError("a list of values belongs to IN and NI")
        elif any("," in value for value in self.value):
            raise ValueError("a value of IN or NI cannot hold a comma")
        return self

    @property
    def text(self) -> str:
        """The value as one text."""
        return self.value if isinstance(self.value, str) else ",".join(self.value)


def column_name(table: str, column: str, prefixes: Mapping[str, str]) -> str:
    """Return a column as the ERP wants it, ``table.column``; one that has a table already is left alone."""
    prefix = prefixes.get(table, _PREFIXES.get(table, table))
    return column if "." in column or not prefix else f"{prefix}.{column}"


def grid_param(table: str, filters: Sequence[Filter], prefixes: Mapping[str, str]) -> str:
    """Return the conditions as the ERP wants them: a JSON text, not an array.

    Raises:
        RefusedError: a condition on a column that holds secrets.
    """
    conditions = []
    for condition in filters:
        if is_secret_column(condition.column):
            raise RefusedError(f"the column {condition.column} holds secrets and cannot be searched")
        entry = {
            "TB": column_name(table, condition.column, prefixes),
            "OP": condition.operator.value,
            "P": condition.text,
        }
        if condition.value2 is not None:
            entry["P2"] = condition.value2
        conditions.append(entry)
    return json.dumps(conditions, ensure_ascii=False)


def is_secret_column(column: str) -> bool:
    """Tell whether a column holds a password or a token (ixc_provider reference, section 4, last line)."""
    return _SECRET.search(column.rpartition(".")[2]) is not None


def is_button(table: str) -> bool:
    """Tell whether a resource is not a table but acts when it is called."""
    return _BUTTONS.fullmatch(table) is not None
