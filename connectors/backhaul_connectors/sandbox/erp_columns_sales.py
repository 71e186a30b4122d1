"""The columns of the ERP's sales, stock and CRM tables, of files and of its log, as ``erp_columns`` has the customers'.

Names are the vendor's own (ixc_provider.md sections 3.1 and 7; the vendor's Postman collection; a public schema made
from a database dump); every value is invented.
"""

from __future__ import annotations

from typing import Final

from backhaul_connectors.sandbox.erp_columns import columns

__all__ = [
    "ASSET",
    "CRM_PLAN",
    "FILES",
    "LENT",
    "LOG",
    "NEGOTIATION",
    "PRODUCT",
    "PRODUCT_VIEW",
    "SALES_PLAN",
    "SALES_REQUIRED",
]

_ZERO = "0000-00-00 00:00:00"

SALES_PLAN: Final = columns(
    """id tipo nome descricao valor_contrato ativo limitar_n_logins logins_simultaneos fidelidade id_filial id_modelo
    id_tipo_documento base_geracao_por_tipo_doc ultima_atualizacao""",
    tipo="I", ativo="S", limitar_n_logins="N", logins_simultaneos="1", fidelidade="12", id_filial="1", id_modelo="1",
    id_tipo_documento="501", base_geracao_por_tipo_doc="P", ultima_atualizacao="2024-01-02 08:00:00",
)  # fmt: skip

PRODUCT_VIEW: Final = columns(
    "id id_vd_contrato id_produto descricao qtde valor_unit tipo id_plano", qtde="1", tipo="I", id_produto="1"
)

PRODUCT: Final = columns(
    """id tipo id_plano id_produto descricao qtde valor_unit id_vd_contrato id_contrato obs valor_ate_vencimento
    id_tipo_documento id_contrato_produto_plano descricao_plano_valor_1 descricao_plano_valor_2 fixar_ip tipo_desconto
    desconto_percentual repetir qtde_repeticoes_desconto_produto valor_desconto_produto ultima_atualizacao""",
    tipo="I", id_produto="0", qtde="1", id_vd_contrato="0", id_contrato="0", id_tipo_documento="501", fixar_ip="0",
    tipo_desconto="V", repetir="V", ultima_atualizacao="2024-01-02 08:00:00",
)  # fmt: skip

ASSET: Final = columns(
    """id descricao id_produto serial serial_fornecedor id_mac valor_bem situacao estado local id_filial id_almoxarifado
    id_movimento_produto data_aquisicao numero_nf""",
    id_produto="34", valor_bem="180.00", situacao="1", estado="1", id_filial="1", id_almoxarifado="1",
    id_movimento_produto="0", data_aquisicao="2024-01-02",
)  # fmt: skip

LENT: Final = columns(
    """id id_patrimonio id_produto mac numero_serie numero_patrimonial descricao data id_unidade id_almox filial_id
    id_login qtde_saida valor_unitario pcomissao pdesconto vdesconto valor_total status_comodato id_devolucao quantidade
    patrimonio id_classificacao_tributaria tipo estoque unidade_sigla fator_conversao id_contrato id_equipamento_tv
    tipo_produto""",
    id_patrimonio="0", id_produto="34", id_unidade="1", id_almox="1", filial_id="1", qtde_saida="1",
    valor_unitario="180.00", valor_total="180.00", status_comodato="E", id_devolucao="0",
    id_classificacao_tributaria="1", tipo="E", estoque="S", unidade_sigla="UND", fator_conversao="1.000000000",
)  # fmt: skip

NEGOTIATION: Final = columns(
    """id id_cliente id_plano_negocio descricao id_estagio id_responsavel criado_por id_filial valor_mensal valor_fixo
    previsao_fechamento substatus status data_perdemos data_vencemos obs alerta id_plano id_contrato id_login fidelidade
    prioridade ultima_atualizacao""",
    id_plano_negocio="1", id_estagio="1", id_responsavel="1", id_filial="1", status="N", data_perdemos="0000-00-00",
    data_vencemos="0000-00-00", id_contrato="0", id_login="0",
)  # fmt: skip

CRM_PLAN: Final = columns(
    "id descricao id_filial valor_mensal valor_fixo ativo velocidade id_plano id_grupo fidelidade ultima_atualizacao",
    id_filial="1", ativo="S", fidelidade="12", ultima_atualizacao="2024-01-02 08:00:00",
)  # fmt: skip

FILES: Final = {
    "cliente_arquivos": columns(
        "id descricao id_cliente id_contrato id_termo local_arquivo nome_arquivo data_envio",
        id_contrato="0", id_termo="0", data_envio=_ZERO,
    ),
    "su_ticket_arquivos": columns("id descricao id_ticket local_arquivo nome_arquivo data_envio", data_envio=_ZERO),
    "su_oss_chamado_arquivos": columns(
        "id descricao id_oss_chamado classificacao_arquivo local_arquivo nome_arquivo data_envio",
        classificacao_arquivo="P", data_envio=_ZERO,
    ),
}  # fmt: skip
"""Tables that files are attached through; those of tickets and orders have the columns of the customers' (assumed)."""

LOG: Final = columns("id tabela id_tabela tipo campos data operador executou usuario_ip", operador="7", executou="A")

_REQUIRED_TEXT = {
    "vd_contratos": "nome",
    "vd_contratos_produtos": "tipo id_plano qtde valor_unit fixar_ip",
    "movimento_produtos": """id_produto data id_unidade id_almox filial_id qtde_saida valor_unitario valor_total
        status_comodato id_classificacao_tributaria tipo estoque unidade_sigla fator_conversao id_contrato""",
    "crm_negociacoes": "id_cliente descricao id_estagio status",
    "crm_planos_negociacoes": "descricao velocidade",
    "crm_canditados": "razao status_prospeccao tipo_pessoa ativo telefone_celular cidade crm",
    "cliente_arquivos": "descricao id_cliente local_arquivo",
    "su_ticket_arquivos": "descricao id_ticket local_arquivo",
    "su_oss_chamado_arquivos": "descricao id_oss_chamado local_arquivo",
}
SALES_REQUIRED: Final[dict[str, tuple[str, ...]]] = {n: tuple(text.split()) for n, text in _REQUIRED_TEXT.items()}
"""Fields that an insert must fill; that of sales plans is assumed."""
