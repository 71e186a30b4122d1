"""Optical levels: from what the ACS shows, in the unit of the device's model, to dBm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never

from backhaul.sdk import Json
from backhaul_connectors.ixc_acs.reading import decimal

__all__ = ["ANY_MODEL", "OpticalScale", "OpticalUnit"]

OpticalUnit: TypeAlias = Literal["dBm", "dBm/10", "dBm/100", "dBm/1000", "uW"]
"""What a level is told in; ``uW`` is microwatt. Source: tr069 reference, section 5 (TR-181 has dBm/1000)."""

ANY_MODEL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpticalScale:
    """What the levels of one ACS mean.

    Attributes:
        believed_dbm: lowest and highest level that is believed.
        units: unit by model; ``*`` is every other model. What is missing is dBm.
    """

    believed_dbm: tuple[float, float]
    units: Mapping[str, OpticalUnit] = field(default_factory=dict)

    def level(self, value: Json, model: str | None) -> tuple[float | None, bool]:
        """Return a believable level in dBm or None, and whether there was one that is not believable.

        Nothing, an empty text and 0 are no reading. The unit is never guessed: -190 may be -19 or -1.9 dBm.
        """
        if value is None or (isinstance(value, str) and not value.strip()):
            return None, False
        raw = decimal(value)
        if raw == 0:
            return None, False
        unit = "dBm" if _says_dbm(value) else self.units.get(model or "", self.units.get(ANY_MODEL, "dBm"))
        level = None if raw is None else _dbm(raw, unit)
        lowest, highest = self.believed_dbm
        if level is None or not lowest <= level <= highest:
            return None, True
        return level, False


def _says_dbm(value: Json) -> bool:
    return isinstance(value, str) and value.strip().lower().endswith("dbm")


def _dbm(raw: float, unit: OpticalUnit) -> float | None:
    """Return a level in dBm; None when it is none, as a power below zero."""
    match unit:
        case "dBm":
            return raw
        case "dBm/10":
            return raw / 10
        case "dBm/100":
            return raw / 100
        case "dBm/1000":
            return raw / 1000
        case "uW":
            return round(10 * math.log10(raw / 1000), 3) if raw > 0 else None
        case _:
            assert_never(unit)
