"""The ERP's small tables, whose rows are simply listed: speed plans, sales plans, OLTs and catalogues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backhaul_connectors.sandbox import erp_columns
from backhaul_connectors.sandbox.erp_columns_office import CITY, NAMED, OFFICE_REQUIRED, PAYABLE
from backhaul_connectors.sandbox.erp_columns_plant import BOX, OLT, ONU_PROFILE, PLANT_REQUIRED, POP, PORT, WAITING_ONU
from backhaul_connectors.sandbox.erp_columns_sales import CRM_PLAN, PRODUCT_VIEW, SALES_PLAN, SALES_REQUIRED
from backhaul_connectors.sandbox.people import CITIES

__all__ = ["OLTS", "PLANS", "SeededList", "plan_price", "seeded_companies", "seeded_lists", "seeded_plans"]

PLANS = (
    ("FIBRA_100", "105M", "53M"), ("FIBRA_300", "310M", "155M"), ("FIBRA_500", "520M", "260M"),
    ("FIBRA_700", "720M", "360M"), ("FIBRA_1G", "1G", "500M"), ("RADIO_20", "20480k", "10240k"),
)  # fmt: skip
"""Name, download and upload of each speed plan."""

OLTS = (("OLT Centro", "Huatech MA58"), ("OLT Norte", "Fibraco AN55"), ("OLT Sul", "Zetalink C3"))
"""Name and model; the maker decides how an optical level is written."""

_NAMES = {
    "su_oss_assunto": ("assunto", ("Sem sinal", "Lentidão", "Troca de equipamento", "Instalação")),
    "su_ticket_setor": ("setor", ("Suporte", "Campo", "Financeiro")),
    "su_diagnostico": ("descricao", ("Fibra rompida", "Equipamento trocado", "Configuração refeita")),
    "filial": ("razao", ("Provedor Exemplo Ltda",)),
    "uf": ("nome", tuple(f"Estado {number}" for number in range(1, 28))),
    "usuarios": ("nome", ("Administrador", "Suporte", "Integração")),
    "funcionarios": ("funcionario", ("Técnica Um", "Técnico Dois", "Técnica Três")),
    "contas": ("conta", ("Caixa 1", "Banco")),
    "fn_areceber_mot_cancelamento": ("motivo", ("Erro de lançamento", "Contrato cancelado")),
}
_PAYABLES = (("Energia", "842.10"), ("Aluguel", "3500.00"), ("Cabo óptico", "12890.00"))


class SeededList:
    """A small table whose rows are simply listed, ids from 1."""

    def __init__(
        self,
        name: str,
        defaults: Mapping[str, str],
        rows: Sequence[dict[str, str]] = (),
        *,
        required: Sequence[str] = (),
        read_only: Iterable[str] = (),
        indexed: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.defaults = defaults
        self.required = required
        self.stamp = "ultima_atualizacao" if "ultima_atualizacao" in defaults else ""
        self.read_only = frozenset((*read_only, "ultima_atualizacao"))
        self.indexed = frozenset(indexed)
        self._rows = rows

    def ids(self) -> Iterable[int]:
        """Return 1..n."""
        return range(1, len(self._rows) + 1)

    def row(self, row_id: int) -> dict[str, str]:
        """Return the listed row."""
        return self._rows[row_id - 1]

    def cell(self, row_id: int, column: str) -> str | None:
        """Leave it to the row."""
        return None

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Return the ids of the listed rows with this value."""
        return (n for n, row in enumerate(self._rows, 1) if row.get(column, self.defaults[column]) == value)


def seeded_plans() -> SeededList:
    """Return ``radgrupos``."""
    changed = "2024-01-02 08:00:00"
    rows = [{"grupo": g, "download": d, "upload": u, "ultima_atualizacao": changed} for g, d, u in PLANS]
    return SeededList("radgrupos", erp_columns.PLAN, rows, required=erp_columns.REQUIRED["radgrupos"])


def seeded_companies() -> SeededList:
    """Return ``empresa``, which clients read as a ping."""
    return SeededList("empresa", erp_columns.EMPRESA, [{}], required=erp_columns.REQUIRED["empresa"])


def plan_price(plan: int) -> str:
    """Return what the sales plan with this id costs in a month."""
    return f"{39.9 + 20 * plan:.2f}"


def seeded_lists() -> list[SeededList]:
    """Return every other listed table: sales, payables, plant and catalogues."""
    catalogues = [
        SeededList(table, NAMED[table], [{column: name} for name in names], required=(column,))
        for table, (column, names) in _NAMES.items()
    ]
    cities = [{"nome": name, "cod_ibge": f"350000{place}"} for place, name in enumerate(CITIES, 1)]
    return [*_sales(), *_plant(), SeededList("cidade", CITY, cities, required=("nome",)), *catalogues]


def _sales() -> list[SeededList]:
    groups = [group for group, _, _ in PLANS]
    sales = [
        {"nome": group, "descricao": f"Plano {group}", "valor_contrato": plan_price(place)}
        for place, group in enumerate(groups, 1)
    ]
    products = [
        {"id_vd_contrato": str(place), "descricao": f"Internet {group}", "valor_unit": plan_price(place),
         "id_plano": str(place)}
        for place, group in enumerate(groups, 1)
    ]  # fmt: skip
    offers = [
        {"descricao": f"Oferta {group}", "valor_mensal": plan_price(place), "velocidade": download,
         "id_plano": str(place), "id_grupo": str(place)}
        for place, (group, download, _) in enumerate(PLANS, 1)
    ]  # fmt: skip
    payables = [{"documento": text, "obs": text, "valor": value, "valor_aberto": value} for text, value in _PAYABLES]
    settled = ("status", "valor_aberto", "valor_pago", "valor_total_pago", "data_pagamento")
    return [
        SeededList("vd_contratos", SALES_PLAN, sales, required=SALES_REQUIRED["vd_contratos"]),
        SeededList("view_vd_contratos_produtos_gen", PRODUCT_VIEW, products),
        SeededList("crm_planos_negociacoes", CRM_PLAN, offers, required=SALES_REQUIRED["crm_planos_negociacoes"]),
        SeededList("fn_apagar", PAYABLE, payables, required=OFFICE_REQUIRED["fn_apagar"], read_only=settled),
    ]


def _plant() -> list[SeededList]:
    olts = [
        {"descricao": name, "fabricante_modelo": model, "ip": f"10.10.0.{place}"}
        for place, (name, model) in enumerate(OLTS, 1)
    ]
    ports = [
        {"id_pop_radio": str(olt), "numero_pon": str(pon), "interface": f"gpon 0/1/{pon}",
         "fabricante": OLTS[olt - 1][1].split()[0], "descricao": f"PON {pon}", "vlan_pppoe": str(100 * olt + pon)}
        for olt in range(1, len(OLTS) + 1) for pon in range(1, 9)
    ]  # fmt: skip
    boxes = [{"descricao": f"CTO {n}", "id_transmissor": str(1 + n % 3), "id_interface": str(n)} for n in range(1, 13)]
    waiting = [
        {"id_olt": str(olt), "pon": str(place), "modelo": "AX-1", "mac": f"WAIT{olt:04d}{place:04d}"}
        for olt in (1, 2) for place in (1, 2)
    ]  # fmt: skip
    profiles = [{"fabricante_modelo": model, "nome": "Bridge", "comando": "onu #pon_id#"} for _, model in OLTS]
    return [
        SeededList("radpop", POP, [{"pop": "POP Centro"}], required=PLANT_REQUIRED["radpop"]),
        SeededList("radpop_radio", OLT, olts, required=PLANT_REQUIRED["radpop_radio"]),
        SeededList("radpop_radio_porta", PORT, ports, required=PLANT_REQUIRED["radpop_radio_porta"]),
        SeededList("rad_caixa_ftth", BOX, boxes, required=PLANT_REQUIRED["rad_caixa_ftth"]),
        SeededList(
            "radpop_radio_cliente_fibra_perfil",
            ONU_PROFILE,
            profiles,
            required=PLANT_REQUIRED["radpop_radio_cliente_fibra_perfil"],
        ),
        SeededList("fh_onu_nao_autorizadas", WAITING_ONU, waiting, indexed=("id_olt",)),
    ]
