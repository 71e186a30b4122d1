"""What can be switched in the Provider sandbox while it runs."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from backhaul_connectors.sandbox.daily import TIME_OF_DAY
from backhaul_connectors.sandbox.switches import VendorSwitches

__all__ = ["ButtonName", "ProviderSwitches"]

ButtonName = Literal[
    "push_wifi",
    "disconnect",
    "clear_mac",
    "release",
    "late",
    "block",
    "await_signature",
    "activate",
    "trust_unblock",
    "release_72h",
    "lift_reduction",
    "onu_reboot",
    "onu_reset",
    "onu_write",
    "onu_script",
    "olt_script",
    "onu_credentials",
    "onu_web",
    "onu_provision",
    "onu_remove",
    "onu_authorise",
    "olt_sync",
    "onu_optical",
    "order_analyse",
    "order_reschedule",
    "order_execute",
    "order_close",
    "order_reopen",
    "ticket_protocol",
    "order_protocol",
    "boleto",
    "pix",
    "receive_bill",
    "cancel_bill",
    "cancel_bill_form",
    "alter_bill",
    "pay_payable",
    "return_lent",
    "customer_file",
    "order_file",
    "negotiation_won",
    "negotiation_lost",
    "coverage",
]

_BY_GET: tuple[ButtonName, ...] = ("boleto", "pix", "trust_unblock", "order_file")


def _buttons() -> dict[ButtonName, str]:
    """Return the resource of each button as the vendor's collection has it (ixc_provider.md section 5)."""
    return {
        "push_wifi": "botaoAjax_30774",
        "disconnect": "desconectar_clientes",
        "clear_mac": "radusuarios_25452",
        "release": "cliente_contrato_15464",
        "late": "cliente_contrato_15463",
        "block": "cliente_contrato_15300",
        "await_signature": "cliente_contrato_23529",
        "activate": "cliente_contrato_ativar_cliente",
        "trust_unblock": "desbloqueio_confianca",
        "release_72h": "cliente_contrato_btn_lib_temp_24722",
        "lift_reduction": "liberacao_reducao_contrato_29157",
        "onu_reboot": "radpop_radio_cliente_fibra_26379",
        "onu_reset": "radpop_radio_cliente_fibra_24699",
        "onu_write": "radpop_radio_cliente_fibra_24700",
        "onu_script": "radpop_radio_cliente_fibra_24701",
        "olt_script": "radpop_radio_cliente_fibra_22407",
        "onu_credentials": "radpop_radio_cliente_fibra_22952",
        "onu_web": "radpop_radio_cliente_fibra_28120",
        "onu_provision": "botao_gravar_dispositivo_22408",
        "onu_remove": "botao_excluir_dispositivo_22434",
        "onu_authorise": "fh_onu_nao_autorizadas_22396",
        "olt_sync": "sincronizar_olt_22397",
        "onu_optical": "botao_rel_22991",
        "order_analyse": "su_oss_chamado_analisar",
        "order_reschedule": "su_oss_chamado_reagendar",
        "order_execute": "su_oss_chamado_executar",
        "order_close": "su_oss_chamado_fechar",
        "order_reopen": "su_oss_chamado_reabrir",
        "ticket_protocol": "gerar_protocolo_atendimento",
        "order_protocol": "gerar_protocolo_ordem_servico",
        "boleto": "get_boleto",
        "pix": "get_pix",
        "receive_bill": "fn_areceber_recebimentos_baixas_novo",
        "cancel_bill": "cancelar_financeiro",
        "cancel_bill_form": "fn_areceber_recebimentos",
        "alter_bill": "fn_areceber_altera",
        "pay_payable": "botao_pagar_26409",
        "return_lent": "baixar_comodato_23069",
        "customer_file": "cliente_arquivo",
        "order_file": "visualizar_arquivo_os",
        "negotiation_won": "crm_negociacoes_simplificado",
        "negotiation_lost": "crm_negociacoes_perdemos_data",
        "coverage": "viabilidade_tecnica",
    }


class ProviderSwitches(VendorSwitches):
    """What differs between installs, and what the vendor leaves undocumented."""

    zone: str = "America/Sao_Paulo"
    """IANA zone of the server's local times."""
    total_as: Literal["str", "int"] = "str"
    id_as: Literal["str", "int"] = "str"
    """Type of ``id`` in the answer of a write."""
    get_listing: bool = True
    """Whether GET with a JSON body lists; POST with the header always does."""
    rp_max: int | None = Field(default=None, ge=1)
    """A larger page is answered 504, as an overloaded server does."""
    red_status: Literal[200, 500] = 200
    """Status of the red HTML div: 500 by the vendor's documentation, 200 as seen."""
    denied: list[str] = Field(default_factory=list)
    """Tables (``cliente``) or actions (``cliente:update``) that the token's user may not use."""
    buttons: dict[ButtonName, str] = Field(default_factory=_buttons)
    """Resource of each button; the numbers differ between installs."""
    get_buttons: list[ButtonName] = Field(default_factory=lambda: list(_BY_GET))
    """Buttons that GET with a JSON body presses too: those that clients are seen to press so."""
    reconnect_s: float = Field(default=20.0, ge=0)
    """World seconds until a disconnected login that may connect is online again."""
    order_delay_s: float = Field(default=30.0, ge=0)
    """World seconds until the service order of a ticket with a process appears."""
    trust_unblock_h: float = Field(default=72.0, gt=0)
    """World hours until a trust unblock expires; the other temporary release always has 72."""
    optical_decimal: Literal["by_olt", "point", "comma"] = "by_olt"
    """Decimal sign of the ONU's optical text."""
    daily_sync_at: str | None = Field(default=None, pattern=TIME_OF_DAY)
    """``HH:MM`` in ``zone`` of the ERP's own daily synchronisation (S4, S5); None: only by hand."""
    fill_fields: bool = True
    """Whether the answer of an insert names the fields that the server filled (``atualiza_campos``)."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError) as error:
            raise ValueError(f"unknown zone {value}") from error
        return value

    @field_validator("buttons")
    @classmethod
    def _all_buttons(cls, value: dict[ButtonName, str]) -> dict[ButtonName, str]:
        return {**_buttons(), **value}
