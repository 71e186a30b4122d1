"""The columns of the ERP's plant and session tables, as ``erp_columns`` has those of the customers.

Names are the vendor's own (ixc_provider.md sections 7 and 8). The columns of ``radacct`` are FreeRADIUS's, whose table
it is (assumed); every value is invented.
"""

from __future__ import annotations

from typing import Final

from backhaul_connectors.sandbox.erp_columns import columns

__all__ = [
    "BOX",
    "LEVEL",
    "OLT",
    "ONU",
    "ONU_PROFILE",
    "PLANT_REQUIRED",
    "POP",
    "PORT",
    "SESSION",
    "TRAFFIC",
    "WAITING_ONU",
]

ONU: Final = columns(
    """id nome id_login id_contrato id_transmissor mac ponid slotno ponno onu_numero gemport service_port onu_tipo
    id_perfil id_hardware versao tipo_autenticacao vlan vlan_pppoe vlan_dhcp vlan_tr69 vlan_iptv vlan_voip
    vlan_outros sinal_rx sinal_tx temperatura voltagem data_sinal causa_ultima_queda distancia_onu ip_gerencia
    login_onu_cliente senha_onu_cliente porta_web_onu_cliente porta_telnet_onu_cliente id_caixa_ftth porta_ftth
    radpop_estrutura script_onu_cliente comandos perfil_onu_cliente endereco_padrao_cliente cep endereco numero
    bairro cidade complemento latitude longitude id_projeto id_condominio bloco apartamento referencia
    user_onu_acesso_web obs data_cadastro ultima_atualizacao f_instalador""",
    id_login="0", id_contrato="0", onu_tipo="ONT", id_perfil="1", id_hardware="1", versao="1.0",
    tipo_autenticacao="MAC", vlan_tr69="4000", data_sinal="0000-00-00 00:00:00", login_onu_cliente="admin",
    porta_web_onu_cliente="80", porta_telnet_onu_cliente="23", id_caixa_ftth="0", radpop_estrutura="N",
    endereco_padrao_cliente="S", data_cadastro="2024-01-02", f_instalador="0",
)  # fmt: skip

OLT: Final = columns(
    """id descricao fabricante_modelo id_pop ip login senha porta_telnet porta_ssh uptime cpu_load temperatura ativo
    snmp_community id_filial ultima_atualizacao""",
    id_pop="1", login="olt", senha="olt-secret", porta_telnet="23", porta_ssh="22", uptime="864000", cpu_load="12",
    temperatura="41", ativo="S", snmp_community="sandbox", id_filial="1", ultima_atualizacao="2024-01-02 08:00:00",
)  # fmt: skip

PORT: Final = columns(
    """id id_pop_radio id_slot numero_pon interface fabricante potencia_pon potencia_limite descricao vlan_pppoe
    vlan_tr69 ultima_atualizacao""",
    id_slot="1", potencia_pon="4.50", potencia_limite="-27.00", vlan_tr69="4000",
    ultima_atualizacao="2024-01-02 08:00:00",
)  # fmt: skip

BOX: Final = columns(
    "id descricao tipo id_transmissor id_interface capacidade latitude longitude status endereco ultima_atualizacao",
    tipo="CTO", capacidade="16", status="A", ultima_atualizacao="2024-01-02 08:00:00",
)  # fmt: skip

SESSION: Final = columns(
    """id radacctid username callingstationid framedipaddress nasipaddress nasportid acctstarttime acctstoptime
    acctsessiontime acctsessionid framedipv6prefix acctterminatecause""",
    nasipaddress="10.0.0.1", nasportid="PPPoE_X", acctsessiontime="0",
)  # fmt: skip

TRAFFIC: Final = columns("id id_login data consumo consumo_upload maior_id_consumo", maior_id_consumo="0")
"""Of all three traffic tables; the unit is not documented, the sandbox counts bytes (assumed)."""

LEVEL: Final = columns("id id_cliente_fibra data_sinal sinal_rx sinal_tx temperatura voltagem")

POP: Final = columns(
    """id pop id_projeto cep endereco numero bairro id_cidade latitude longitude observacoes abertura
    numestacao_anatel id_fornecedor""",
    id_cidade="1", cep="00000-000", numero="1",
)  # fmt: skip

ONU_PROFILE: Final = columns("id fabricante_modelo nome comando")

WAITING_ONU: Final = columns("id id_olt chassi slot pon modelo mac", chassi="1", slot="1")

_REQUIRED_TEXT = {
    "radpop_radio_cliente_fibra": "radpop_estrutura id_transmissor nome",
    "radpop_radio": "descricao fabricante_modelo ip",
    "radpop_radio_porta": "id_pop_radio numero_pon",
    "rad_caixa_ftth": "descricao",
    "radpop": "pop id_cidade",
    "radpop_radio_cliente_fibra_perfil": "fabricante_modelo nome comando",
    "radusuarios_consumo": "id_login data consumo consumo_upload",
    "radusuarios_consumo_d": "id_login data consumo consumo_upload",
    "radusuarios_consumo_m": "id_login data consumo consumo_upload",
}
PLANT_REQUIRED: Final[dict[str, tuple[str, ...]]] = {n: tuple(text.split()) for n, text in _REQUIRED_TEXT.items()}
"""Fields that an insert must fill; those of OLT, port and box are assumed."""
