"""The columns of the ERP's tables, with the value a row shows when nothing else is known.

Names are the vendor's own, misspellings included (ixc_provider.md section 8); ``f_`` columns stand for the ones
that installs add. A part of each table's columns is enough for the sandbox; secrets are stored in clear, as the
vendor does, so that redaction can be tested. Every value is invented.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ACS_DEVICE", "CONTRACT", "CUSTOMER", "EMPRESA", "LOGIN", "PLAN", "REQUIRED", "columns"]

_ZERO_TIME = "0000-00-00 00:00:00"


def columns(text: str, **values: str) -> dict[str, str]:
    """Return the named columns, empty unless a value is given."""
    row = dict.fromkeys(text.split(), "")
    row.update(values)
    return row


CUSTOMER: Final = columns(
    """id ativo tipo_pessoa razao fantasia cnpj_cpf ie_identidade contribuinte_icms tipo_assinante
    iss_classificacao_padrao fone telefone_celular telefone_comercial whatsapp email hotsite_email senha
    senha_hotsite_md5 cep endereco numero complemento bairro referencia cidade uf tipo_localidade latitude
    longitude id_condominio bloco apartamento filial_id data_cadastro data_nascimento ultima_atualizacao
    status_prospeccao obs alerta id_vendedor id_tipo_cliente participa_cobranca cob_envia_email cob_envia_sms
    crm crm_data_novo f_canal""",
    ativo="S", tipo_pessoa="F", contribuinte_icms="N", tipo_assinante="3", iss_classificacao_padrao="99",
    senha_hotsite_md5="N", uf="26", tipo_localidade="U", id_condominio="0", filial_id="1",
    status_prospeccao="C", id_vendedor="1", id_tipo_cliente="1", participa_cobranca="S", cob_envia_email="S",
    cob_envia_sms="N", crm="N", f_canal="loja",
)  # fmt: skip

CONTRACT: Final = columns(
    """id tipo id_cliente id_vd_contrato contrato id_tipo_contrato id_modelo id_filial data data_ativacao
    data_assinatura data_cancelamento data_acesso_desativado pago_ate_data nao_bloquear_ate nao_avisar_ate status
    status_internet status_velocidade bloqueio_automatico aviso_atraso desbloqueio_confianca
    desbloqueio_confianca_ativo contrato_suspenso id_tipo_documento id_carteira_cobranca id_vendedor cc_previsao
    tipo_cobranca renovacao_automatica base_geracao_tipo_doc fidelidade taxa_instalacao motivo_cancelamento
    obs_cancelamento endereco_padrao_cliente cep endereco numero bairro cidade complemento latitude longitude
    data_cadastro_sistema ultima_atualizacao""",
    tipo="I", id_vd_contrato="1", id_tipo_contrato="1", id_modelo="1", id_filial="1",
    data_cancelamento="0000-00-00", data_acesso_desativado="0000-00-00", pago_ate_data="0000-00-00",
    nao_bloquear_ate="0000-00-00", nao_avisar_ate="0000-00-00", status="A", status_internet="A",
    status_velocidade="N", bloqueio_automatico="S", aviso_atraso="S", desbloqueio_confianca="P",
    desbloqueio_confianca_ativo="N", contrato_suspenso="N", id_tipo_documento="501", id_carteira_cobranca="1",
    id_vendedor="1", cc_previsao="P", tipo_cobranca="P", renovacao_automatica="S", base_geracao_tipo_doc="P",
    fidelidade="12", taxa_instalacao="0.00", endereco_padrao_cliente="S",
)  # fmt: skip

LOGIN: Final = columns(
    """id id_cliente id_contrato id_grupo id_filial login senha senha_md5 autenticacao ativo online ip ip_aux
    pd_ipv6 framed_pd_ipv6 mac onu_mac concentrador id_concentrador conexao interface acct_session_id
    ultima_conexao_inicial ultima_conexao_final tempo_conectado tempo_conexao count_desconexao
    motivo_desconexao download_atual upload_atual id_transmissor id_porta_transmissor id_caixa_ftth ftth_porta
    tipo_conexao_mapa vlan mtu login_simultaneo auto_preencher_ip fixar_ip relacionar_ip_ao_login
    autenticacao_por_mac auto_preencher_mac relacionar_mac_ao_login tipo_vinculo_plano tipo_equipamento
    ssid_router_wifi senha_rede_sem_fio ssid_router_wifi_5ghz senha_rede_sem_fio_5ghz usuario_router1
    senha_router1 senha_router2 porta_http porta_router2 sinal_ultimo_atendimento endereco_padrao_cliente
    modelo_tranmissor conexoes_ulltima_data obs ultima_atualizacao f_tecnico""",
    id_filial="1", senha_md5="N", autenticacao="L", ativo="S", online="S", id_concentrador="1",
    concentrador="bras-1", ultima_conexao_final=_ZERO_TIME, tempo_conectado="0", count_desconexao="0",
    id_transmissor="1", id_porta_transmissor="0", id_caixa_ftth="0", ftth_porta="0", tipo_conexao_mapa="F",
    vlan="0", mtu="1492", login_simultaneo="1", auto_preencher_ip="N", fixar_ip="N", relacionar_ip_ao_login="H",
    autenticacao_por_mac="P", auto_preencher_mac="H", relacionar_mac_ao_login="H", tipo_vinculo_plano="D",
    tipo_equipamento="C", usuario_router1="admin", porta_http="80", porta_router2="8080",
    endereco_padrao_cliente="S", f_tecnico="0",
)  # fmt: skip

PLAN: Final = columns(
    """id tipo grupo id_produto download upload download_busrt upload_busrt prioridade garantia_download
    garantia_upload service_type qos_ativo franquia_mensal tipo_franquia id_plano_franquia id_plano_atraso
    reduzir_dias_atraso sici_tecnologia valor_produto ultima_atualizacao""",
    tipo="I", id_produto="1", prioridade="8", garantia_download="0", garantia_upload="0", qos_ativo="N",
    franquia_mensal="0", id_plano_franquia="0", id_plano_atraso="0", reduzir_dias_atraso="0",
    sici_tecnologia="F", valor_produto="99.90",
)  # fmt: skip

ACS_DEVICE: Final = columns(
    """id external_id id_acs_integration id_login device_primary serial_number manufacturer model ipv4 status
    last_inform last_update ssid_router_wifi ssid_router_wifi_2 senha_router_wifi senha_router_wifi_2
    status_contrato status_internet_contrato""",
    id_acs_integration="1", id_login="0", device_primary="S", status="offline", last_inform=_ZERO_TIME,
    last_update=_ZERO_TIME,
)  # fmt: skip

EMPRESA: Final = columns(
    "id razao fantasia cnpj fone email cep endereco numero bairro cidade ultima_atualizacao",
    razao="Provedor Exemplo Ltda", fantasia="Provedor Exemplo", cnpj="00.000.000/0001-91", fone="(11) 4000-0000",
    email="contato@example.net", cep="00000-000", endereco="Rua Inventada", numero="1", bairro="Centro",
    cidade="1", ultima_atualizacao="2024-01-02 08:00:00",
)  # fmt: skip

_REQUIRED_TEXT = {
    "cliente": """ativo tipo_pessoa razao contribuinte_icms tipo_assinante cep endereco numero bairro cidade
        tipo_localidade iss_classificacao_padrao""",
    "cliente_contrato": """tipo id_cliente id_vd_contrato contrato id_tipo_contrato id_modelo id_filial data
        id_tipo_documento id_carteira_cobranca id_vendedor cc_previsao tipo_cobranca renovacao_automatica
        base_geracao_tipo_doc bloqueio_automatico aviso_atraso endereco_padrao_cliente""",
    "radusuarios": """autenticacao tipo_conexao_mapa id_cliente id_contrato id_grupo login senha senha_md5
        login_simultaneo ativo auto_preencher_ip fixar_ip relacionar_ip_ao_login autenticacao_por_mac
        auto_preencher_mac relacionar_mac_ao_login tipo_vinculo_plano""",
    "radgrupos": "tipo grupo download upload",
    "acs_device": "serial_number id_login",
    "empresa": "razao",
}
REQUIRED: Final[dict[str, tuple[str, ...]]] = {name: tuple(text.split()) for name, text in _REQUIRED_TEXT.items()}
"""Fields that an insert must fill; those of ``acs_device`` are assumed."""
