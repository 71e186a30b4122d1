"""Optical levels as the ACS shows them: drifting in the course of a day, raw for the models whose unit is not dBm."""

from __future__ import annotations

import math
from collections.abc import Mapping

from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.ixc_acs.registers import last_inform_at
from backhaul_connectors.sandbox.ixc_acs.switches import AcsSwitches, OpticalUnit
from backhaul_connectors.sandbox.world import World

__all__ = ["levels_dbm", "thousandths", "with_levels"]

_DAY_S = 86_400


def levels_dbm(world: World, slot: int, info: Mapping[str, object], drift_db: float) -> tuple[float, float] | None:
    """Return received and sent level at the device's last inform; None for a device without fibre."""
    if "rx" not in info:
        return None
    turn = last_inform_at(world, slot) / _DAY_S + mix(world.options.seed, slot) % 1000 / 1000
    moved_db = drift_db * math.sin(2 * math.pi * turn)
    return round(float(str(info["rx"])) + moved_db, 2), round(float(str(info["tx"])) + moved_db, 2)


def with_levels(world: World, slot: int, entry: dict[str, object], switches: AcsSwitches) -> dict[str, object]:
    """Return a register with the levels of the device's last inform, in the unit of its model.

    What was text stays text; what has no levels gets none.
    """
    info = entry["deviceInfo"]
    if not isinstance(info, dict):
        return entry
    levels = levels_dbm(world, slot, info, switches.optical_drift_db)
    if levels is None:
        return entry
    unit = switches.optical_units.get(str(info["modelName"]), "dBm")
    shown: dict[str, object] = {}
    for name, level in zip(("rx", "tx"), levels, strict=True):
        raw = _raw(level, unit)
        shown[name] = (f"{raw:.2f}" if isinstance(raw, float) else str(raw)) if isinstance(info[name], str) else raw
    return {**entry, "deviceInfo": {**info, **shown}}


def thousandths(level_dbm: float) -> int:
    """Return a level as TR-181 has it: thousandths of a dBm in steps of 2."""
    return 2 * round(level_dbm * 500)


def _raw(level_dbm: float, unit: OpticalUnit) -> float | int:
    """Return a level as a model reports it: whole numbers for parts of a dBm."""
    match unit:
        case "dBm":
            return level_dbm
        case "dBm/10":
            return round(level_dbm * 10)
        case "dBm/100":
            return round(level_dbm * 100)
        case "dBm/1000":
            return thousandths(level_dbm)
        case "uW":
            return float(round(1000 * 10 ** (level_dbm / 10), 2))
