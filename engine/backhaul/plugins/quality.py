"""The quality of a connector as its conformance suite has recorded it, in a file beside its module."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backhaul.json_values import Json
    from backhaul.plugins.connector import Connector

__all__ = ["Quality", "QualityRecord", "quality_file", "record_quality", "recorded_quality"]

FILE = "quality.json"


class Quality(StrEnum):
    """How much of the conformance suite a connector fulfils; each grade includes the ones before it."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRecord:
    """The result of one connector's suite.

    Attributes:
        quality: the highest grade of which all rules are fulfilled.
        missing: by the id of a rule that is not fulfilled: why, in one sentence.
    """

    quality: Quality
    missing: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> Json:
        """Return the form in which it is recorded."""
        return {"quality": self.quality.value, "missing": dict(self.missing)}


def quality_file(connector: type[Connector[Any]]) -> Path:
    """Return where the quality of a connector is recorded: ``quality.json`` beside the module of its class."""
    return Path(inspect.getfile(connector)).parent / FILE


def recorded_quality(connector: type[Connector[Any]]) -> QualityRecord | None:
    """Return the recorded quality of a connector, or None when there is no usable record."""
    try:
        found = _read(quality_file(connector))[connector.name]
        missing = {str(rule): str(reason) for rule, reason in found["missing"].items()}
        return QualityRecord(quality=Quality(found["quality"]), missing=missing)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def record_quality(connector: type[Connector[Any]], record: QualityRecord) -> Path:
    """Write the quality of a connector and return the file; those of other connectors in it stay."""
    path = quality_file(connector)
    try:
        known = _read(path)
    except (OSError, ValueError):
        known = {}
    known[connector.name] = record.to_json()
    path.write_text(json.dumps(known, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _read(path: Path) -> dict[str, Json]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")
    return found
