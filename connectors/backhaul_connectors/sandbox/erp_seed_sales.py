"""The assets, lent equipment, contracts' products, files and negotiations that the ERP starts with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.erp_columns_sales import ASSET, FILES, LENT, NEGOTIATION, PRODUCT, SALES_REQUIRED
from backhaul_connectors.sandbox.erp_lists import PLANS, plan_price
from backhaul_connectors.sandbox.erp_seed import CONTRACT_ID, CUSTOMER_ID, LOGIN_ID, Subscribers, plan_of
from backhaul_connectors.sandbox.population import Population

__all__ = ["SeededAssets", "SeededContractProducts", "SeededFiles", "SeededLent", "SeededNegotiations"]

ASSET_ID = 50_001
LENT_ID = 60_001


class _OfSubscribers(Subscribers):
    """Rows that belong to every ``step``-th subscriber, the first being ``first``."""

    step = 1
    first = 0

    def __init__(self, population: Population, clock: WorldClock) -> None:
        super().__init__(population, clock)
        self.required: Sequence[str] = SALES_REQUIRED.get(self.name, ())

    def ids(self) -> Iterable[int]:
        """Return one id per subscriber that has such a row."""
        return range(self.base + self.first, self.base + self.population.logins, self.step)


class SeededAssets(_OfSubscribers):
    """``patrimonio``: the equipment of each subscriber who has a device, all of it lent; read only."""

    name = "patrimonio"
    base = ASSET_ID
    defaults: Mapping[str, str] = ASSET
    read_only = frozenset(ASSET)
    stamp = ""
    indexed = frozenset({"serial", "id_movimento_produto"})

    def ids(self) -> Iterable[int]:
        """Return one id per device that the ISP has."""
        return range(self.base, self.base + min(self.population.logins, self.population.devices))

    def row(self, row_id: int) -> dict[str, str]:
        """Return an asset: its serial number is the one that the ACS knows."""
        index = row_id - self.base
        _, manufacturer, models = self.population.maker(index)
        model = models[mix(self.population.seed, index) % len(models)]
        return {
            "descricao": f"{manufacturer} {model}", "serial": self.population.serial(index),
            "id_mac": "02:00:" + index.to_bytes(4, "big").hex(":").upper(), "local": f"CONTRATO {CONTRACT_ID + index}",
            "id_movimento_produto": str(LENT_ID + index),
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return what assets are found by."""
        index = row_id - self.base
        if column == "serial":
            return self.population.serial(index)
        return str(LENT_ID + index) if column == "id_movimento_produto" else None

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by serial number, or by the row that lends it."""
        if column == "serial":
            index = self.population.serial_index(value)
            return () if index is None else (self.base + index,)
        return (int(value) - LENT_ID + self.base,) if value.isascii() and value.isdigit() and len(value) < 10 else ()


class SeededLent(_OfSubscribers):
    """``movimento_produtos``, listed as ``cliente_contrato_comodato``: each asset with the contract that has it."""

    name = "movimento_produtos"
    base = LENT_ID
    defaults: Mapping[str, str] = LENT
    read_only = frozenset()
    stamp = ""
    indexed = frozenset({"id_contrato", "id_login", "id_patrimonio"})

    def __init__(self, population: Population, clock: WorldClock) -> None:
        super().__init__(population, clock)
        self._assets = SeededAssets(population, clock)

    def ids(self) -> Iterable[int]:
        """Return one id per asset."""
        return range(self.base, self.base + min(self.population.logins, self.population.devices))

    def row(self, row_id: int) -> dict[str, str]:
        """Return a loan."""
        index = row_id - self.base
        asset = self._assets.row(ASSET_ID + index)
        return {
            "id_patrimonio": str(ASSET_ID + index), "mac": asset["id_mac"], "numero_serie": asset["serial"],
            "numero_patrimonial": f"PAT{index:06d}", "descricao": asset["descricao"],
            "data": self.changed_at(index)[:10], "id_login": str(LOGIN_ID + index),
            "id_contrato": str(CONTRACT_ID + index),
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the links without building the row."""
        index = row_id - self.base
        first = {"id_contrato": CONTRACT_ID, "id_login": LOGIN_ID, "id_patrimonio": ASSET_ID}.get(column)
        return None if first is None else str(first + index)

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by contract, login or asset."""
        first = {"id_contrato": CONTRACT_ID, "id_login": LOGIN_ID, "id_patrimonio": ASSET_ID}[column]
        return (int(value) - first + self.base,) if value.isascii() and value.isdigit() and len(value) < 10 else ()


class SeededContractProducts(_OfSubscribers):
    """``vd_contratos_produtos``: what each sales plan holds (ids from 1), and one contract in five of its own."""

    name = "vd_contratos_produtos"
    base = 1_001
    step = 5
    first = 2
    defaults: Mapping[str, str] = PRODUCT
    indexed = frozenset({"id_contrato", "id_vd_contrato"})

    def ids(self) -> Iterable[int]:
        """Return the ids of the plans' rows, then those of the contracts'."""
        return [*range(1, len(PLANS) + 1), *super().ids()]

    def row(self, row_id: int) -> dict[str, str]:
        """Return a product: that of a plan names no contract, that of a contract no sales plan."""
        own = row_id >= self.base
        plan = plan_of(self.population, row_id - self.base) + 1 if own else row_id
        return {
            "id_vd_contrato": "0" if own else str(row_id),
            "id_contrato": str(CONTRACT_ID + row_id - self.base) if own else "0", "id_plano": str(plan),
            "valor_unit": f"{plan_price(plan)}0000000",
            "ultima_atualizacao": self.changed_at(row_id - self.base) if own else "2024-01-02 08:00:00",
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the links without building the row."""
        plan = row_id < self.base
        if column == "id_vd_contrato":
            return str(row_id) if plan else "0"
        if column == "id_contrato":
            return "0" if plan else str(CONTRACT_ID + row_id - self.base)
        return None

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by contract or sales plan; ``0`` names all of the other kind."""
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            return ()
        if value == "0":
            return super().ids() if column == "id_vd_contrato" else range(1, self.base)
        return (int(value) - CONTRACT_ID + self.base,) if column == "id_contrato" else (int(value),)


class SeededFiles(_OfSubscribers):
    """``cliente_arquivos``: the signed contract of one subscriber in ten."""

    name = "cliente_arquivos"
    base = 70_001
    step = 10
    first = 3
    defaults: Mapping[str, str] = FILES["cliente_arquivos"]
    read_only = frozenset({"nome_arquivo", "data_envio"})
    stamp = ""
    indexed = frozenset({"id_cliente", "id_contrato"})

    def row(self, row_id: int) -> dict[str, str]:
        """Return what is known of a file; its content is made when somebody looks at it."""
        index = row_id - self.base
        contract = CONTRACT_ID + index
        return {
            "descricao": f"Contrato {contract}", "id_cliente": str(CUSTOMER_ID + index), "id_contrato": str(contract),
            "local_arquivo": f"arquivos/contrato_{contract}.pdf", "nome_arquivo": f"contrato_{contract}.pdf",
            "data_envio": self.changed_at(index),
        }  # fmt: skip


class SeededNegotiations(_OfSubscribers):
    """``crm_negociacoes``: an upgrade that one customer in forty, those with ``crm`` S, is being offered."""

    name = "crm_negociacoes"
    base = 8_001
    step = 40
    first = 7
    defaults: Mapping[str, str] = NEGOTIATION
    indexed = frozenset({"id_cliente"})

    def row(self, row_id: int) -> dict[str, str]:
        """Return a negotiation about the next larger plan."""
        index = row_id - self.base
        plan = min(plan_of(self.population, index) + 2, len(PLANS))
        return {
            "id_cliente": str(CUSTOMER_ID + index), "id_plano_negocio": str(plan), "id_plano": str(plan),
            "descricao": f"Upgrade para {PLANS[plan - 1][0]}", "valor_mensal": plan_price(plan),
            "id_contrato": str(CONTRACT_ID + index), "ultima_atualizacao": self.changed_at(index),
        }  # fmt: skip
