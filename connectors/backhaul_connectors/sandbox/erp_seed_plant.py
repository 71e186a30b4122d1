"""The ONUs, sessions and bills that the ERP starts with, one per subscriber, derived from the population."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.erp_columns_office import BILL, OFFICE_REQUIRED
from backhaul_connectors.sandbox.erp_columns_plant import ONU, PLANT_REQUIRED, SESSION
from backhaul_connectors.sandbox.erp_lists import OLTS
from backhaul_connectors.sandbox.erp_seed import CONTRACT_ID, CUSTOMER_ID, LOGIN_ID, SeededLogins, Subscribers
from backhaul_connectors.sandbox.population import Population

__all__ = ["BILL_ID", "ONU_ID", "SESSION_ID", "SeededBills", "SeededOnus", "SeededSessions", "olt_of"]

ONU_ID = 20_001
SESSION_ID = 90_001
BILL_ID = 300_001


class SeededOnus(Subscribers):
    """``radpop_radio_cliente_fibra``: the ONU of each subscriber.

    ``mac`` is the serial number in the form that the OLT's maker writes (trap 10 of ixc_acs.md), or a MAC. One ONU in
    nine has no ``id_contrato``; about 15 % were never measured.
    """

    name = "radpop_radio_cliente_fibra"
    base = ONU_ID
    defaults: Mapping[str, str] = ONU
    indexed = frozenset({"id_login", "mac"})

    def __init__(self, population: Population, clock: WorldClock) -> None:
        super().__init__(population, clock)
        self.required: Sequence[str] = PLANT_REQUIRED[self.name]

    def row(self, row_id: int) -> dict[str, str]:
        """Return an ONU's own columns."""
        index = row_id - self.base
        bits, olt = mix(self.population.seed, index), olt_of(self.population, index)
        rx, tx = self._levels(index)
        changed = self.changed_at(index)
        return {
            "nome": f"ONU {self.population.login(index)}", "id_login": str(LOGIN_ID + index),
            "id_contrato": "0" if bits % 9 == 4 else str(CONTRACT_ID + index), "id_transmissor": str(olt + 1),
            "mac": self._mac(index), "ponid": f"0/1/{1 + bits % 8}", "slotno": "1", "ponno": str(1 + bits % 8),
            "onu_numero": str(1 + (bits >> 3) % 64), "vlan_pppoe": str(100 * (olt + 1) + 1 + bits % 8),
            "sinal_rx": rx, "sinal_tx": tx, "data_sinal": changed if rx else "0000-00-00 00:00:00",
            "temperatura": str(35 + bits % 20), "distancia_onu": str(200 + bits % 9_000),
            "ip_gerencia": f"10.20.{(index >> 8) % 256}.{index % 256}",
            "senha_onu_cliente": f"onu-{bits % 9_967:04d}", "ultima_atualizacao": changed,
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the columns that lists filter by."""
        index = row_id - self.base
        if column == "id_login":
            return str(LOGIN_ID + index)
        if column == "mac":
            return self._mac(index)
        if column == "id_transmissor":
            return str(olt_of(self.population, index) + 1)
        return None

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by login, or by the serial number in any of the forms that occur."""
        if column == "id_login":
            return (int(value) - LOGIN_ID + self.base,) if value.isdigit() and len(value) < 10 else ()
        plain = value.replace("-", "").upper()
        index = self.population.serial_index(bytes.fromhex(plain[:8]).decode("latin-1") + plain[8:] if
                                             len(plain) == 16 and _is_hex(plain) else plain)  # fmt: skip
        if index is None and plain.startswith("02:00:"):
            digits = plain.replace(":", "")
            index = int(digits[4:], 16) if len(digits) == 12 and _is_hex(digits) else None
        return () if index is None else (self.base + index,)

    def _mac(self, index: int) -> str:
        if index >= self.population.devices or mix(self.population.seed, index) % 11 == 3:
            return "02:00:" + index.to_bytes(4, "big").hex(":").upper()
        if mix(self.population.seed, index) % 5 == 1:
            return self.population.alias(index)
        return self.population.serial(index)

    def _levels(self, index: int) -> tuple[str, str]:
        """Return received and sent dBm as text, those of the ACS; "" if never measured. One in six has a comma."""
        bits = mix(self.population.seed, index)
        if bits % 100 < 15:
            return "", ""
        rx, tx = f"-{(1400 + (bits >> 12) % 1300) / 100:.2f}", f"{(100 + (bits >> 24) % 250) / 100:.2f}"
        return (rx.replace(".", ","), tx.replace(".", ",")) if bits % 6 == 0 else (rx, tx)


class SeededSessions(Subscribers):
    """``radacct``: the last session of each login; read only."""

    name = "radacct"
    base = SESSION_ID
    defaults: Mapping[str, str] = SESSION
    read_only = frozenset(SESSION) - {"radacctid"}
    stamp = ""
    indexed = frozenset({"username"})

    def __init__(self, population: Population, clock: WorldClock) -> None:
        super().__init__(population, clock)
        self._logins = SeededLogins(population, clock)

    def row(self, row_id: int) -> dict[str, str]:
        """Return a session's own columns."""
        index = row_id - self.base
        login = self._logins.row(LOGIN_ID + index)
        stop = "" if login["ultima_conexao_final"].startswith("0000") else login["ultima_conexao_final"]
        return {
            "radacctid": str(row_id), "username": login["login"], "callingstationid": login["mac"],
            "framedipaddress": login["ip"], "acctstarttime": login["ultima_conexao_inicial"], "acctstoptime": stop,
            "acctsessiontime": str(3_600 + mix(self.population.seed, index) % 900_000),
            "acctsessionid": f"{index:08x}", "framedipv6prefix": f"2001:db8:{index % 65_536:x}::/64",
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the login without building the row."""
        return self.population.login(row_id - self.base) if column == "username" else None

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by login text."""
        index = self.population.login_index(value)
        return () if index is None else (self.base + index,)


class SeededBills(Subscribers):
    """``fn_areceber``: one bill per contract; ``id_contrato`` is often empty, as with the vendor."""

    name = "fn_areceber"
    base = BILL_ID
    defaults: Mapping[str, str] = BILL
    indexed = frozenset({"id_cliente"})

    def __init__(self, population: Population, clock: WorldClock) -> None:
        super().__init__(population, clock)
        self.required: Sequence[str] = OFFICE_REQUIRED[self.name]

    def row(self, row_id: int) -> dict[str, str]:
        """Return a bill's own columns."""
        index = row_id - self.base
        bits, value = mix(self.population.seed, index), f"{60 + mix(self.population.seed, index) % 90}.90"
        paid = bits % 4 != 0
        return {
            "status": "R" if paid else "A", "id_cliente": str(CUSTOMER_ID + index),
            "id_contrato": str(CONTRACT_ID + index) if bits % 3 else "", "valor": value,
            "valor_recebido": value if paid else "0.00", "valor_aberto": "0.00" if paid else value,
            "data_emissao": "2024-12-01", "data_vencimento": "2024-12-10",
            "pagamento_data": "2024-12-09" if paid else "0000-00-00",
            "linha_digitavel": f"00190.{bits % 100_000:05d}", "ultima_atualizacao": self.changed_at(index),
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the customer without building the row."""
        return super().cell(row_id, column) if column == "id_cliente" else None


def olt_of(population: Population, index: int) -> int:
    """Return which of ``OLTS`` a subscriber's ONU is connected to."""
    return mix(population.seed, index) % len(OLTS)


def _is_hex(text: str) -> bool:
    return all(c in "0123456789ABCDEF" for c in text)
