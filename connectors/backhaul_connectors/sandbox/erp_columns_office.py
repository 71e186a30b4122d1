"""The columns of the ERP's support and billing tables, as ``erp_columns`` has those of the customers.

Names are the vendor's own, ``menssagem`` included (ixc_provider.md section 8); every value is invented.
"""

from __future__ import annotations

from typing import Final

from backhaul_connectors.sandbox.erp_columns import columns

__all__ = [
    "BILL",
    "CITY",
    "MESSAGE",
    "NAMED",
    "OFFICE_REQUIRED",
    "ORDER",
    "ORDER_MESSAGE",
    "PAYABLE",
    "TICKET",
]

_ZERO = "0000-00-00 00:00:00"

TICKET: Final = columns(
    """id tipo id_cliente id_login id_contrato id_filial id_assunto titulo id_ticket_setor id_responsavel_tecnico
    id_wfl_processo id_ticket_origem id_usuarios prioridade menssagem su_status status protocolo origem_endereco
    endereco latitude longitude interacao_pendente melhor_horario_reserva data_criacao data_ultima_alteracao
    finalizar_atendimento token ultima_atualizacao""",
    id_login="0", id_contrato="0", id_filial="1", id_responsavel_tecnico="0", id_wfl_processo="0",
    id_ticket_origem="I", id_usuarios="7", status="T", origem_endereco="C", interacao_pendente="N",
    melhor_horario_reserva="Q", data_criacao=_ZERO, data_ultima_alteracao=_ZERO, finalizar_atendimento="N",
)  # fmt: skip

ORDER: Final = columns(
    """id tipo id_ticket id_assunto id_cliente id_login id_contrato_kit id_filial id_tecnico setor origem_endereco
    endereco prioridade status mensagem mensagem_resposta protocolo id_su_diagnostico id_resposta id_wfl_tarefa
    id_estrutura data_abertura data_agenda data_agenda_final data_inicio data_final data_fechamento
    data_prazo_limite data_hora_analise data_hora_encaminhado data_hora_assumido data_hora_execucao liberado
    impresso gera_comissao status_sla regiao_manutencao latitude longitude ultima_atualizacao""",
    id_ticket="0", id_login="0", id_contrato_kit="0", id_tecnico="0", id_su_diagnostico="0", id_wfl_tarefa="0",
    data_abertura=_ZERO, data_agenda=_ZERO, data_agenda_final=_ZERO, data_inicio=_ZERO, data_final=_ZERO,
    data_fechamento=_ZERO, data_prazo_limite=_ZERO, data_hora_analise=_ZERO, data_hora_encaminhado=_ZERO,
    data_hora_assumido=_ZERO, data_hora_execucao=_ZERO, status="A", liberado="1", impresso="N", gera_comissao="S",
)  # fmt: skip

MESSAGE: Final = columns("id id_ticket mensagem data id_usuarios visibilidade", data=_ZERO, visibilidade="PU")
ORDER_MESSAGE: Final = columns(
    "id id_chamado mensagem data status id_tecnico id_evento data_inicio data_final latitude longitude gps_time",
    data=_ZERO, id_tecnico="0", id_evento="0", data_inicio=_ZERO, data_final=_ZERO,
)  # fmt: skip

BILL: Final = columns(
    """id status id_cliente id_contrato id_contrato_avulso id_contrato_principal valor valor_recebido valor_aberto
    data_emissao data_vencimento pagamento_data liberado linha_digitavel boleto gateway_link pix_txid filial_id
    tipo_recebimento documento obs valor_cancelado data_cancelamento id_mot_cancelamento ultima_atualizacao""",
    status="A", id_contrato_avulso="0", id_contrato_principal="0", valor_recebido="0.00", pagamento_data="0000-00-00",
    liberado="S", filial_id="1", tipo_recebimento="Boleto", valor_cancelado="0.00", data_cancelamento="0000-00-00",
    id_mot_cancelamento="0",
)  # fmt: skip

PAYABLE: Final = columns(
    """id status id_fornecedor id_contas id_conta filial_id valor valor_aberto valor_pago valor_total_pago data_emissao
    data_vencimento data_pagamento tipo_pagamento documento obs previsao liberado status_auditoria""",
    status="A", id_fornecedor="1", id_contas="1", id_conta="1", filial_id="1", valor_pago="0.00",
    valor_total_pago="0.00", data_emissao="2024-12-01", data_vencimento="2024-12-20", data_pagamento="0000-00-00",
    tipo_pagamento="Dinheiro", previsao="N", liberado="S", status_auditoria="A",
)  # fmt: skip

CITY: Final = columns("id nome uf cod_ibge", uf="26")
NAMED: Final = {
    "su_oss_assunto": columns("id assunto ativo", ativo="S"),
    "su_ticket_setor": columns("id setor ativo", ativo="S"),
    "su_diagnostico": columns("id descricao ativo", ativo="S"),
    "filial": columns("id razao fantasia cnpj cidade", cidade="1"),
    "uf": columns("id nome sigla"),
    "usuarios": columns("id nome email status acesso_webservice acesso_token", status="A", acesso_webservice="N"),
    "funcionarios": columns("id funcionario email ativo", ativo="S"),
    "contas": columns("id conta tipo ativo", tipo="C", ativo="S"),
    "fn_areceber_mot_cancelamento": columns(
        "id motivo ativo id_conta libera_periodo", ativo="S", id_conta="1", libera_periodo="S"
    ),
}
"""Reference tables whose columns are only the ones that a catalogue needs (assumed)."""

_REQUIRED_TEXT = {
    "su_ticket": "tipo id_cliente id_assunto titulo id_ticket_setor prioridade menssagem su_status",
    "su_oss_chamado": "tipo id_assunto id_cliente id_filial origem_endereco prioridade setor status",
    "su_mensagens": "id_ticket mensagem",
    "su_oss_chamado_mensagem": "id_chamado mensagem",
    "fn_areceber": "id_cliente valor data_vencimento",
    "fn_apagar": """id_fornecedor data_emissao data_vencimento valor id_contas tipo_pagamento filial_id previsao
        liberado""",
}
OFFICE_REQUIRED: Final[dict[str, tuple[str, ...]]] = {n: tuple(text.split()) for n, text in _REQUIRED_TEXT.items()}
"""Fields that an insert must fill; those of messages and bills are assumed."""
