"""The key ``normalize`` of a YAML workflow: names of normalisers, alone or in a list."""

from __future__ import annotations

from backhaul.workflows.missing import kind_of
from backhaul.workflows.normalizers import NORMALIZERS, regions
from backhaul.workflows.reconcile import NamedNormalizers
from backhaul.workflows.yaml_fields import Fields
from backhaul.workflows.yaml_reader import ListNode, MapNode, Node, TextNode

__all__ = ["read_normalizers"]


def read_normalizers(fields: Fields) -> NamedNormalizers:
    """Return the normalisers under ``normalize``; what is none is reported."""
    node = fields.get("normalize")
    if node is None:
        return ()
    items = node.items if isinstance(node, ListNode) else (node,)
    return tuple(named for item in items if (named := _one(item, fields)) is not None)


def _one(node: Node, fields: Fields) -> tuple[str, str] | None:
    name, argument = _parts(node)
    if name is None:
        message = f"normalize: a name is needed, or {{e164: BR}}, not {kind_of(node.plain())}"
        fields.report.add(node.place, "bad-value", message)
        return None
    if name not in NORMALIZERS:
        fields.report.add(
            node.place, "unknown-normalizer", f"there is no normaliser {name!r}", near=name, known=NORMALIZERS
        )
        return None
    if argument and (name != "e164" or argument not in regions()):
        what = f"{argument!r} is no region" if name == "e164" else f"{name} takes no argument"
        fields.report.add(node.place, "bad-value", f"normalize: {what}; a region is two letters, as in {{e164: BR}}")
        return None
    return name, argument


def _parts(node: Node) -> tuple[str | None, str]:
    """Return a normaliser's name and its argument."""
    if isinstance(node, TextNode) and isinstance(node.value, str):
        return node.value, ""
    if isinstance(node, MapNode) and len(node.entries) == 1:
        entry = node.entries[0]
        if isinstance(entry.value, TextNode) and isinstance(entry.value.value, str):
            return entry.key, entry.value.value
    return None, ""
