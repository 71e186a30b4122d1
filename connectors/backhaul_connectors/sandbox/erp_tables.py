"""All tables of the ERP, made for one population."""

from __future__ import annotations

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.erp_columns_office import MESSAGE, OFFICE_REQUIRED, ORDER, ORDER_MESSAGE, TICKET
from backhaul_connectors.sandbox.erp_columns_sales import FILES, LOG, SALES_REQUIRED
from backhaul_connectors.sandbox.erp_lists import SeededList, seeded_companies, seeded_lists, seeded_plans
from backhaul_connectors.sandbox.erp_seed import SeededContracts, SeededCustomers, SeededDevices, SeededLogins
from backhaul_connectors.sandbox.erp_seed_plant import SeededBills, SeededOnus, SeededSessions
from backhaul_connectors.sandbox.erp_seed_sales import (
    SeededAssets,
    SeededContractProducts,
    SeededFiles,
    SeededLent,
    SeededNegotiations,
)
from backhaul_connectors.sandbox.erp_seed_traffic import (
    SeededDailyTraffic,
    SeededLevels,
    SeededMonthlyTraffic,
    SeededTraffic,
)
from backhaul_connectors.sandbox.erp_table import SeededRows, Table
from backhaul_connectors.sandbox.population import Population

__all__ = ["erp_tables"]

_TICKET_OWN = ("protocolo", "data_criacao", "data_ultima_alteracao", "status")
_ORDER_OWN = ("protocolo", "status", "data_abertura", "data_fechamento", "data_hora_analise", "data_hora_execucao")
_FILE_OWN = ("nome_arquivo", "data_envio")
"""Columns that the server fills itself; an order's status moves by its buttons (assumed)."""


def erp_tables(population: Population, clock: WorldClock) -> dict[str, Table]:
    """Return the tables by the name that their columns carry."""
    seeds: tuple[SeededRows, ...] = (
        SeededCustomers(population, clock),
        SeededContracts(population, clock),
        SeededLogins(population, clock),
        SeededDevices(population, clock),
        SeededOnus(population, clock),
        SeededSessions(population, clock),
        SeededBills(population, clock),
        SeededTraffic(population, clock),
        SeededDailyTraffic(population, clock),
        SeededMonthlyTraffic(population, clock),
        SeededLevels(population, clock),
        SeededAssets(population, clock),
        SeededLent(population, clock),
        SeededContractProducts(population, clock),
        SeededFiles(population, clock),
        SeededNegotiations(population, clock),
        seeded_plans(),
        seeded_companies(),
        *seeded_lists(),
        *_written_at_run_time(),
    )
    return {seed.name: Table(seed, clock) for seed in seeds}


def _written_at_run_time() -> list[SeededList]:
    """Return the tables that start empty."""
    shapes = (
        ("su_ticket", TICKET, _TICKET_OWN, ("id_cliente", "id_login")),
        ("su_oss_chamado", ORDER, _ORDER_OWN, ("id_cliente", "id_ticket")),
        ("su_mensagens", MESSAGE, ("data",), ("id_ticket",)),
        ("su_oss_chamado_mensagem", ORDER_MESSAGE, ("data",), ("id_chamado",)),
        ("su_ticket_arquivos", FILES["su_ticket_arquivos"], _FILE_OWN, ("id_ticket",)),
        ("su_oss_chamado_arquivos", FILES["su_oss_chamado_arquivos"], _FILE_OWN, ("id_oss_chamado",)),
        ("ixc_logs", LOG, tuple(LOG), ()),
    )
    required = {**OFFICE_REQUIRED, **SALES_REQUIRED, "ixc_logs": ()}
    return [
        SeededList(name, defaults, required=required[name], read_only=own, indexed=indexed)
        for name, defaults, own, indexed in shapes
    ]
