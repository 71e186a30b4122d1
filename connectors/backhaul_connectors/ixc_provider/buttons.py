"""The ERP's buttons: what each is called, and under which name it takes the id.

The numbers are equal in the vendor's collection and in four clients, but one author says that they differ per install,
so each is a setting. Source: ixc_provider reference, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import Json

__all__ = ["BUTTONS", "Button", "ButtonMethod", "ButtonName", "Pressed"]

ButtonName: TypeAlias = Literal[
    "push_wifi",
    "disconnect",
    "clear_mac",
    "reboot_onu",
    "reset_onu",
    "write_onu",
    "onu_script",
    "olt_script",
    "onu_credentials",
    "open_onu_web",
    "provision_onu",
    "remove_onu",
    "authorise_onu",
    "sync_olt",
    "onu_optical",
    "activate_contract",
    "access_release",
    "access_late",
    "access_block",
    "access_await_signature",
    "trust_unblock",
    "release_72h",
    "lift_reduction",
    "ticket_protocol",
    "order_protocol",
    "order_analyse",
    "order_reschedule",
    "order_execute",
    "order_finish",
    "order_reopen",
    "get_boleto",
    "get_pix",
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
    "check_coverage",
]
ButtonMethod: TypeAlias = Literal["POST", "GET", "PUT"]


@dataclass(frozen=True, slots=True)
class Button:
    """The resource to post to, and the field that takes the id."""

    resource: str
    key: str = "id"
    method: ButtonMethod = "POST"
    """``GET`` carries a JSON body and the header of listings; ``PUT`` goes to the id, with a form as its body."""


_FIBER = "radpop_radio_cliente_fibra_"
BUTTONS: Mapping[ButtonName, Button] = {
    "push_wifi": Button("botaoAjax_30774"),
    "disconnect": Button("desconectar_clientes"),
    "clear_mac": Button("radusuarios_25452", "get_id"),
    "reboot_onu": Button(f"{_FIBER}26379"),
    "reset_onu": Button(f"{_FIBER}24699"),
    "write_onu": Button(f"{_FIBER}24700"),
    "onu_script": Button(f"{_FIBER}24701"),
    "olt_script": Button(f"{_FIBER}22407"),
    "onu_credentials": Button(f"{_FIBER}22952"),
    "open_onu_web": Button(f"{_FIBER}28120"),
    "provision_onu": Button("botao_gravar_dispositivo_22408"),
    "remove_onu": Button("botao_excluir_dispositivo_22434"),
    "authorise_onu": Button("fh_onu_nao_autorizadas_22396", "get_id"),
    "sync_olt": Button("sincronizar_olt_22397", "transmissor"),
    "onu_optical": Button("botao_rel_22991"),
    "activate_contract": Button("cliente_contrato_ativar_cliente", "id_contrato"),
    "access_release": Button("cliente_contrato_15464", "id_contrato"),
    "access_late": Button("cliente_contrato_15463", "id_contrato"),
    "access_block": Button("cliente_contrato_15300", "id_contrato"),
    "access_await_signature": Button("cliente_contrato_23529", "id_contrato"),
    "trust_unblock": Button("desbloqueio_confianca"),
    "release_72h": Button("cliente_contrato_btn_lib_temp_24722", "get_id"),
    "lift_reduction": Button("liberacao_reducao_contrato_29157", "get_id"),
    "ticket_protocol": Button("gerar_protocolo_atendimento"),
    "order_protocol": Button("gerar_protocolo_ordem_servico"),
    "order_analyse": Button("su_oss_chamado_analisar", "id_chamado"),
    "order_reschedule": Button("su_oss_chamado_reagendar", "id_chamado"),
    "order_execute": Button("su_oss_chamado_executar", "id_chamado"),
    "order_finish": Button("su_oss_chamado_fechar", "id_chamado"),
    "order_reopen": Button("su_oss_chamado_reabrir", "id_chamado"),
    "get_boleto": Button("get_boleto", "boletos"),
    "get_pix": Button("get_pix", "id_areceber"),
    "receive_bill": Button("fn_areceber_recebimentos_baixas_novo", "id_receber"),
    "cancel_bill": Button("cancelar_financeiro"),
    "cancel_bill_form": Button("fn_areceber_recebimentos", method="PUT"),
    "alter_bill": Button("fn_areceber_altera", method="PUT"),
    "pay_payable": Button("botao_pagar_26409", "id_pagar"),
    "return_lent": Button("baixar_comodato_23069"),
    "customer_file": Button("cliente_arquivo"),
    "order_file": Button("visualizar_arquivo_os", method="GET"),
    "negotiation_won": Button("crm_negociacoes_simplificado", method="PUT"),
    "negotiation_lost": Button("crm_negociacoes_perdemos_data", method="PUT"),
    "check_coverage": Button("viabilidade_tecnica", "cep"),
}


class Pressed(BaseModel):
    """What the ERP answered to a button. Only that it is no error counts; words and language vary."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    button: str
    id: str
    """What it was pressed for."""
    message: str = ""
    """The ERP's words, without tags."""
    already: bool = False
    """The record was in the wanted state already, so nothing was pressed."""
    answer: dict[str, Json] = {}
    """The rest of the ERP's answer, without secrets."""
