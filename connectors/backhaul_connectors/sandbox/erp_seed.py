"""The rows that the ERP's tables start with, derived from the population."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backhaul_connectors.sandbox import erp_columns
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.erp_lists import PLANS
from backhaul_connectors.sandbox.people import cpf_index, name_of, person
from backhaul_connectors.sandbox.phones import subscriber_of
from backhaul_connectors.sandbox.population import Population

__all__ = [
    "CONTRACT_ID",
    "CUSTOMER_ID",
    "DEVICE_ID",
    "LOGIN_ID",
    "PLANS",
    "SeededContracts",
    "SeededCustomers",
    "SeededDevices",
    "SeededLogins",
    "Subscribers",
    "plan_of",
]

CUSTOMER_ID = 101
CONTRACT_ID = 2_001
LOGIN_ID = 5_001
DEVICE_ID = 701
"""The id of index 0 in each table; different on purpose, so that mixed-up ids are noticed."""

_ANCHOR = 1_735_689_600  # 2025-01-01T00:00:00Z: every seeded time lies before it
_DAY = 86_400


class Subscribers:
    """What the tables with one row per login have in common: ids are a base plus the login index."""

    name = ""
    base = 0
    defaults: Mapping[str, str] = {}
    read_only: frozenset[str] = frozenset({"ultima_atualizacao"})
    stamp = "ultima_atualizacao"
    indexed: frozenset[str] = frozenset()

    def __init__(self, population: Population, clock: WorldClock) -> None:
        self.population = population
        self.clock = clock
        self.required: Sequence[str] = erp_columns.REQUIRED.get(self.name, ())

    def ids(self) -> Iterable[int]:
        """Return one id per login."""
        return range(self.base, self.base + self.population.logins)

    def cell(self, row_id: int, column: str) -> str | None:
        """Return one cheap value, or None."""
        link = {"id_cliente": CUSTOMER_ID, "id_contrato": CONTRACT_ID}.get(column)
        return None if link is None else str(row_id - self.base + link)

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Return the one row that belongs with the customer or contract of this id."""
        link = {"id_cliente": CUSTOMER_ID, "id_contrato": CONTRACT_ID}.get(column)
        if link is None or not (value.isascii() and value.isdigit() and len(value) < 10):
            return ()
        return (int(value) - link + self.base,)

    def changed_at(self, index: int) -> str:
        """Return the invented time of the last change of a row."""
        return self.clock.local(_ANCHOR - mix(self.population.seed, index + self.base) % (400 * _DAY))


class SeededCustomers(Subscribers):
    """``cliente``: one customer per login."""

    name = "cliente"
    base = CUSTOMER_ID
    defaults: Mapping[str, str] = erp_columns.CUSTOMER
    indexed = frozenset({"cnpj_cpf", "fone", "telefone_celular", "whatsapp", "crm"})

    def row(self, row_id: int) -> dict[str, str]:
        """Return a customer's own columns."""
        index = row_id - self.base
        who = person(self.population.seed, index)
        return {
            "razao": who.name, "cnpj_cpf": who.cpf, "fone": who.line, "telefone_celular": who.phone,
            "whatsapp": who.phone,
            "email": who.email, "hotsite_email": who.email, "senha": f"portal-{index + 101}",
            "cep": who.cep, "endereco": who.street, "numero": who.number, "bairro": who.quarter,
            "cidade": str(who.city + 1), "data_cadastro": self.changed_at(index)[:10],
            "data_nascimento": f"{1940 + index % 60}-01-01", "ultima_atualizacao": self.changed_at(index),
            "crm": _prospect(index),
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the name, which people search for by a part, and what tells prospects, without building the row."""
        if column == "crm":
            return _prospect(row_id - self.base)
        return name_of(self.population.seed, row_id - self.base) if column == "razao" else None

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by CPF or telephone number, or all that came by way of the CRM."""
        if column == "crm":
            return (row_id for row_id in self.ids() if _prospect(row_id - self.base) == value)
        index = cpf_index(value) if column == "cnpj_cpf" else subscriber_of(self.population.seed, value)
        return () if index is None else (self.base + index,)


class SeededContracts(Subscribers):
    """``cliente_contrato``: one contract per login; the contract of an inactive login is cancelled."""

    name = "cliente_contrato"
    base = CONTRACT_ID
    defaults: Mapping[str, str] = erp_columns.CONTRACT
    indexed = frozenset({"id_cliente"})

    def row(self, row_id: int) -> dict[str, str]:
        """Return a contract's own columns."""
        index = row_id - self.base
        who = person(self.population.seed, index)
        changed = self.changed_at(index)
        return {
            "id_cliente": str(CUSTOMER_ID + index), "contrato": f"Plano {PLANS[plan_of(self.population, index)][0]}",
            "id_vd_contrato": str(plan_of(self.population, index) + 1),
            "status_velocidade": "R" if mix(self.population.seed, index) % 60 == 7 else "N",
            "status": self._status(index), "status_internet": self._access(index), "data": changed[:10],
            "data_ativacao": changed[:10], "data_assinatura": changed[:10], "cep": who.cep, "endereco": who.street,
            "numero": who.number, "bairro": who.quarter, "cidade": str(who.city + 1),
            "data_cadastro_sistema": changed, "ultima_atualizacao": changed,
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the columns that other tables join."""
        if column == "status":
            return self._status(row_id - self.base)
        if column == "status_internet":
            return self._access(row_id - self.base)
        return super().cell(row_id, column) if column == "id_cliente" else None

    def _status(self, index: int) -> str:
        return "A" if self.population.login_active(index) else "I"

    def _access(self, index: int) -> str:
        if not self.population.login_active(index):
            return "D"
        return {0: "CA", 1: "FA"}.get(mix(self.population.seed, index) % 50, "A")


class SeededLogins(Subscribers):
    """``radusuarios``: the PPPoE logins."""

    name = "radusuarios"
    base = LOGIN_ID
    defaults: Mapping[str, str] = erp_columns.LOGIN
    indexed = frozenset({"login", "id_cliente", "id_contrato"})

    def row(self, row_id: int) -> dict[str, str]:
        """Return a login's own columns."""
        index = row_id - self.base
        bits = mix(self.population.seed, index)
        changed = self.changed_at(index)
        online = self._online(index)
        return {
            "id_cliente": str(CUSTOMER_ID + index), "id_contrato": str(CONTRACT_ID + index),
            "id_grupo": str(plan_of(self.population, index) + 1), "login": self.population.login(index),
            "senha": f"ppp{bits % 1_000_000:06d}", "ativo": "S" if self.population.login_active(index) else "N",
            "online": online, "ip": f"100.{64 + (index >> 16) % 64}.{(index >> 8) % 256}.{index % 256}",
            "mac": f"02:00:{index >> 24 & 255:02X}:{index >> 16 & 255:02X}:{index >> 8 & 255:02X}:{index & 255:02X}",
            "ultima_conexao_inicial": changed,
            "ultima_conexao_final": "0000-00-00 00:00:00" if online == "S" else changed,
            "ssid_router_wifi": f"Casa {index}", "senha_rede_sem_fio": f"wifi-{bits % 99_991:05d}",
            "ssid_router_wifi_5ghz": f"Casa {index} 5G", "senha_rede_sem_fio_5ghz": f"wifi-{bits % 99_991:05d}",
            "senha_router1": f"cpe-{bits % 9_973:04d}", "ultima_atualizacao": changed,
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the columns that lists filter by."""
        index = row_id - self.base
        if column == "ativo":
            return "S" if self.population.login_active(index) else "N"
        if column == "login":
            return self.population.login(index)
        if column == "online":
            return self._online(index)
        return super().cell(row_id, column)

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by login text, customer or contract."""
        if column == "login":
            index = self.population.login_index(value)
            return () if index is None else (self.base + index,)
        return super().candidates(column, value)

    def _online(self, index: int) -> str:
        if not self.population.login_active(index):
            return "N"
        return {0: "N", 1: "SS"}.get(mix(self.population.seed, index) % 40, "S")


class SeededDevices:
    """``acs_device``: the devices that the ERP knows through the ACS integration."""

    name = "acs_device"
    defaults: Mapping[str, str] = erp_columns.ACS_DEVICE
    required: Sequence[str] = erp_columns.REQUIRED["acs_device"]
    read_only = frozenset({"status", "last_inform", "last_update", "status_contrato", "status_internet_contrato"})
    stamp = "last_update"
    indexed = frozenset({"serial_number", "id_login"})

    def __init__(self, population: Population, clock: WorldClock) -> None:
        self.population = population
        self.clock = clock
        self._aliases = population.aliases()

    def ids(self) -> Iterable[int]:
        """Return the ids of the devices that have a row at the start."""
        everything = range(self.population.devices + self.population.gone)
        return (DEVICE_ID + index for index in everything if self.population.has_row(index))

    def row(self, row_id: int) -> dict[str, str]:
        """Return a device's own columns."""
        index = row_id - DEVICE_ID
        _, manufacturer, models = self.population.maker(index)
        bits = mix(self.population.seed, index)
        seen = self.clock.local(_ANCHOR - bits % (30 * _DAY))
        return {
            "external_id": f"65{bits:016x}{index:06x}"[:24], "id_login": self._link(index),
            "serial_number": self.population.row_serial(index), "manufacturer": manufacturer,
            "model": models[bits % len(models)], "status": "online", "last_inform": seen, "last_update": seen,
            "ssid_router_wifi": f"Casa {index}", "ssid_router_wifi_2": f"Casa {index} 5G",
            "senha_router_wifi": f"wifi-{bits % 99_991:05d}", "senha_router_wifi_2": f"wifi-{bits % 99_991:05d}",
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the columns that lists filter by."""
        if column == "serial_number":
            return self.population.row_serial(row_id - DEVICE_ID)
        if column == "id_login":
            return self._link(row_id - DEVICE_ID)
        return None

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by serial number (its written form) or by login id."""
        if column == "serial_number":
            index = self.population.serial_index(value)
            index = self._aliases.get(value) if index is None else index
            return () if index is None else (DEVICE_ID + index,)
        if not (value.isascii() and value.isdigit()) or len(value) > 9:
            return ()
        if value == "0":
            everything = range(self.population.devices)
            return (DEVICE_ID + index for index in everything if self.population.row_link(index) is None)
        return (DEVICE_ID + index for index in self.population.rows_of_login(int(value) - LOGIN_ID))

    def _link(self, index: int) -> str:
        login = self.population.row_link(index)
        return "0" if login is None else str(LOGIN_ID + login)


def plan_of(population: Population, index: int) -> int:
    """Return which of ``PLANS`` a subscriber has."""
    return (mix(population.seed, index) >> 20) % len(PLANS)


def _prospect(index: int) -> str:
    """Return whether a customer is also known to the CRM: one in forty."""
    return "S" if index % 40 == 7 else "N"
