"""The traffic counters and past optical levels that the ERP starts with, derived from the population."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.erp_columns_plant import LEVEL, PLANT_REQUIRED, TRAFFIC
from backhaul_connectors.sandbox.erp_seed import LOGIN_ID, Subscribers
from backhaul_connectors.sandbox.erp_seed_plant import ONU_ID, SeededOnus
from backhaul_connectors.sandbox.population import Population

__all__ = ["SeededDailyTraffic", "SeededLevels", "SeededMonthlyTraffic", "SeededTraffic"]

_NOVEMBER, _DECEMBER = range(100, 130), range(1, 32)
"""Numbers of the invented days; those of December are its dates."""


class SeededTraffic(Subscribers):
    """``radusuarios_consumo``: the last sample of each login. A month is the sum of its days, a sample part of one."""

    name = "radusuarios_consumo"
    base = 1_001
    defaults: Mapping[str, str] = TRAFFIC
    read_only = frozenset({"maior_id_consumo"})
    stamp = ""
    indexed = frozenset({"id_login"})
    times: ClassVar[Sequence[str]] = ("2024-12-31 20:00:00",)

    def __init__(self, population: Population, clock: WorldClock) -> None:
        super().__init__(population, clock)
        self.required: Sequence[str] = PLANT_REQUIRED[self.name]

    def ids(self) -> Iterable[int]:
        """Return one id per login and time."""
        return range(self.base, self.base + self.population.logins * len(self.times))

    def row(self, row_id: int) -> dict[str, str]:
        """Return a counter; a login that is not active has used nothing."""
        index, place = divmod(row_id - self.base, len(self.times))
        used = self.used(index, place) if self.population.login_active(index) else 0
        return {
            "id_login": str(LOGIN_ID + index), "data": self.times[place], "consumo": str(used),
            "consumo_upload": str(used // 8),
        }  # fmt: skip

    def cell(self, row_id: int, column: str) -> str | None:
        """Return login and time without adding anything up."""
        index, place = divmod(row_id - self.base, len(self.times))
        return {"id_login": str(LOGIN_ID + index), "data": self.times[place]}.get(column)

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by login."""
        if column != "id_login" or not (value.isascii() and value.isdigit() and len(value) < 10):
            return ()
        first = self.base + (int(value) - LOGIN_ID) * len(self.times)
        return range(first, first + len(self.times))

    def used(self, index: int, place: int) -> int:
        """Return the bytes that a login received until its last sample."""
        return self.day(index, 31) // 3

    def day(self, index: int, number: int) -> int:
        """Return the bytes that a login received on one day."""
        return mix(self.population.seed, index * 256 + number) % 20_000 * 1_000_000


class SeededDailyTraffic(SeededTraffic):
    """``radusuarios_consumo_d``: the last three days of each login."""

    name = "radusuarios_consumo_d"
    times = tuple(f"2024-12-{day} 00:00:00" for day in (29, 30, 31))

    def used(self, index: int, place: int) -> int:
        """Return the bytes of a day."""
        return self.day(index, 29 + place)


class SeededMonthlyTraffic(SeededTraffic):
    """``radusuarios_consumo_m``: the last two months of each login."""

    name = "radusuarios_consumo_m"
    times = ("2024-11-01 00:00:00", "2024-12-01 00:00:00")

    def used(self, index: int, place: int) -> int:
        """Return the bytes of a month."""
        return sum(self.day(index, number) for number in (_NOVEMBER, _DECEMBER)[place])


class SeededLevels(Subscribers):
    """``radpop_radio_cliente_fibra_historico``: the last levels of each ONU, those of its own row."""

    name = "radpop_radio_cliente_fibra_historico"
    base = 4_000_001
    defaults: Mapping[str, str] = LEVEL
    stamp = ""
    read_only = frozenset(LEVEL)
    indexed = frozenset({"id_cliente_fibra"})

    def __init__(self, population: Population, clock: WorldClock) -> None:
        super().__init__(population, clock)
        self._onus = SeededOnus(population, clock)

    def row(self, row_id: int) -> dict[str, str]:
        """Return the levels of an ONU; empty if it was never measured."""
        onu_id = row_id - self.base + ONU_ID
        onu = self._onus.row(onu_id)
        shared = ("data_sinal", "sinal_rx", "sinal_tx", "temperatura")
        return {"id_cliente_fibra": str(onu_id), **{column: onu[column] for column in shared}}

    def cell(self, row_id: int, column: str) -> str | None:
        """Return the ONU's id without building the row."""
        return str(row_id - self.base + ONU_ID) if column == "id_cliente_fibra" else None

    def candidates(self, column: str, value: str) -> Iterable[int]:
        """Find by ONU."""
        return (int(value) - ONU_ID + self.base,) if value.isascii() and value.isdigit() and len(value) < 10 else ()
