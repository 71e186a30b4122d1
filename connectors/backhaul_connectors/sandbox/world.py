"""The fictional ISP: its ACS devices and its ERP tables, with the rules that connect them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping

from backhaul_connectors.sandbox.acs_devices import AcsDevices
from backhaul_connectors.sandbox.acs_live import LiveDevices
from backhaul_connectors.sandbox.agenda import Agenda
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.erp_table import Row
from backhaul_connectors.sandbox.erp_tables import erp_tables
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.population import Population

__all__ = ["WifiPush", "World"]

WifiPush = Callable[[int, Mapping[str, Mapping[str, str]]], None]
"""What the ERP's push button calls: a device's slot and, by band, the ``ssid`` and ``password`` to set there."""


class World:
    """The state behind every vendor's interface. Not thread-safe: one event loop owns it."""

    def __init__(self, options: WorldOptions, clock: WorldClock) -> None:
        self.options = options
        self.clock = clock
        self.population = Population(options)
        self.random = random.Random(options.seed)
        self.agenda = Agenda(clock)
        self.devices = AcsDevices(self.population)
        self.live = LiveDevices()
        self.push_wifi: WifiPush = lambda slot, wifi: None
        self.tables = erp_tables(self.population, clock)
        self.customers = self.tables["cliente"]
        self.contracts = self.tables["cliente_contrato"]
        self.logins = self.tables["radusuarios"]
        self.registered = self.tables["acs_device"]
        self.registered.join(("status_contrato", "status_internet_contrato"), self._join_contract)
        self.plans = self.tables["radgrupos"]
        self.onus = self.tables["radpop_radio_cliente_fibra"]
        self.sessions = self.tables["radacct"]
        self.protocols = itertools.count(1)
        self.releases: dict[int, int] = {}
        self.files: dict[tuple[str, int], bytes] = {}

    def login_row(self, login: str) -> int | None:
        """Return the id of the login with this text (the first one, if there are several)."""
        ids = self.logins.find("login", login)
        return ids[0] if ids else None

    def registered_devices(self) -> Iterator[tuple[int, str, str]]:
        """Yield (id, serial number, id_login) of every ``acs_device`` row, by id."""
        cell = self.registered.cell
        for row_id in self.registered.ids:
            yield row_id, cell(row_id, "serial_number"), cell(row_id, "id_login")

    def drop_registered(self, serial: str) -> int:
        """Remove every ``acs_device`` row of a serial number, as the ERP does on the ACS's webhook (rule S3)."""
        ids = self.registered.find("serial_number", serial) or []
        for row_id in ids:
            self.registered.delete(row_id)
        return len(ids)

    def synchronise_erp(self) -> list[str]:
        """Run the ERP's own synchronisation: remove rows of devices that left the ACS (rule S4).

        Returns:
            The serial numbers that were removed. Nothing is added or linked: that is the engine's work.
        """
        gone = [
            (row_id, serial) for row_id, serial, _ in self.registered_devices() if self.devices.find(serial) is None
        ]
        for row_id, _ in gone:
            self.registered.delete(row_id)
        return [serial for _, serial in gone]

    def reference_to(self, table: str, row_id: int) -> str | None:
        """Return the table that still refers to a row, or None if it may be deleted."""
        text = str(row_id)
        if table == "cliente" and (self.contracts.find("id_cliente", text) or self.logins.find("id_cliente", text)):
            return "cliente_contrato"
        if table == "cliente_contrato" and self.logins.find("id_contrato", text):
            return "radusuarios"
        if table == "radusuarios" and self.registered.find("id_login", text):
            return "acs_device"
        if table == "su_ticket" and self.tables["su_oss_chamado"].find("id_ticket", text):
            return "su_oss_chamado"
        if table == "radgrupos" and any(self.logins.cell(i, "id_grupo") == text for i in self.logins.ids):
            return "radusuarios"
        return None

    def _join_contract(self, row: Row) -> None:
        """Fill an ``acs_device`` row's contract columns from the login's contract."""
        login_id = _number(row["id_login"])
        if login_id not in self.logins:
            return
        contract_id = _number(self.logins.cell(login_id, "id_contrato"))
        if contract_id in self.contracts:
            row["status_contrato"] = self.contracts.cell(contract_id, "status")
            row["status_internet_contrato"] = self.contracts.cell(contract_id, "status_internet")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
