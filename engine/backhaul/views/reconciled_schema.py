"""What is personal in the records of a ``reconcile``: what is personal in the records of its two sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from backhaul.json_values import Json
from backhaul.plugins.personal import KEYWORD, is_personal_name
from backhaul.store.records import StepRecord

if TYPE_CHECKING:
    from backhaul.plugins.action import ActionSpec

__all__ = ["reconciled_schema"]


def reconciled_schema(step: StepRecord, spec_of: Callable[[str], ActionSpec | None]) -> Mapping[str, Json]:
    """Return the JSON Schema of a list of records of a reconcile, as far as the two sides' actions tell.

    Args:
        step: the reconcile.
        spec_of: gives an action by its full name, or None.
    """
    output: Json = step.output or {}
    params: Json = step.params or {}
    names = output.get("explained") or {}
    fields = params.get("key") or {}
    sides = {side: _item(spec_of(names.get(f"{side}_name", ""))) for side in ("source", "target")}
    marked = any(_is_personal(fields.get(side, ""), sides[side][0]) for side in sides)
    target, definitions = sides["target"]
    properties = {"before": target, "after": target, "key": {KEYWORD: True} if marked else {}}
    return {"type": "array", "items": {"type": "object", "properties": properties}, "$defs": definitions}


def _item(spec: ActionSpec | None) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """Return the schema of one record of a listing, without a reference at its top, and the definitions it needs."""
    if spec is None:
        return {}, {}
    schema = spec.result_schema
    definitions = schema.get("$defs", {})
    item = schema.get("items", {})
    while isinstance(reference := item.get("$ref"), str):
        item = definitions.get(reference.rpartition("/")[2], {})
    return item, definitions


def _is_personal(path: str, item: Mapping[str, Json]) -> bool:
    first, _, _ = path.partition(".")
    field = item.get("properties", {}).get(first, {})
    marks = [field, *field.get("anyOf", ())]
    return any(one.get(KEYWORD) is True for one in marks) or is_personal_name(path.rpartition(".")[2])
