"""The ERP's small tables, whose rows are simply listed: speed plans, sales plans, OLTs and catalogues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backhaul_connectors.sandbox import erp_columns
from backhaul_connectors.sandbox.erp_columns_office import CITY, NAMED, OFFICE_REQUIRED, PRODUCT, SALES_PLAN
from backhaul_connectors.sandbox.erp_columns_plant import BOX, OLT, PLANT_REQUIRED, PORT, WAITING_ONU
from backhaul_connectors.sandbox.people import CITIES

__all__ = ["OLTS", "PLANS", "SeededList", "seeded_companies", "seeded_lists", "seeded_plans"]

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
}


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


def seeded_lists() -> list[SeededList]:
    """Return every other listed table: sales, plant and catalogues."""
    sales = [
        {"nome": group, "descricao": f"Plano {group}", "valor_contrato": f"{59.9 + 20 * place:.2f}"}
        for place, (group, _, _) in enumerate(PLANS)
    ]
    products = [
        {"id_vd_contrato": str(place), "descricao": f"Internet {group}", "valor_unit": f"{39.9 + 20 * place:.2f}",
         "id_plano": str(place)}
        for place, (group, _, _) in enumerate(PLANS, 1)
    ]  # fmt: skip
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
    cities = [{"nome": name, "cod_ibge": f"350000{place}"} for place, name in enumerate(CITIES, 1)]
    catalogues = [
        SeededList(table, NAMED[table], [{column: name} for name in names], required=(column,))
        for table, (column, names) in _NAMES.items()
    ]
    return [
        SeededList("vd_contratos", SALES_PLAN, sales, required=OFFICE_REQUIRED["vd_contratos"]),
        SeededList("view_vd_contratos_produtos_gen", PRODUCT, products),
        SeededList("radpop_radio", OLT, olts, required=PLANT_REQUIRED["radpop_radio"]),
        SeededList("radpop_radio_porta", PORT, ports, required=PLANT_REQUIRED["radpop_radio_porta"]),
        SeededList("rad_caixa_ftth", BOX, boxes, required=PLANT_REQUIRED["rad_caixa_ftth"]),
        SeededList("fh_onu_nao_autorizadas", WAITING_ONU, waiting, indexed=("id_olt",)),
        SeededList("cidade", CITY, cities, required=("nome",)),
        *catalogues,
    ]
