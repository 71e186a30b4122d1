"""The pieces of which JSON Schemas are made."""

from __future__ import annotations

from collections.abc import Mapping

from backhaul.json_values import Json

__all__ = ["described", "object_of", "reference"]


def described(text: str, **schema: Json) -> dict[str, Json]:
    """Return a schema with a description."""
    return {"description": text, **schema}


def object_of(properties: Mapping[str, Json], **more: Json) -> dict[str, Json]:
    """Return the schema of a mapping that has no other keys."""
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), **more}


def reference(name: str, text: str = "") -> dict[str, Json]:
    """Return a reference to one of the document's ``$defs``."""
    return {"$ref": f"#/$defs/{name}", **({"description": text} if text else {})}
