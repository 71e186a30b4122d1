"""The ``inputs:`` part of a YAML workflow."""

from __future__ import annotations

from typing import cast

from backhaul.workflows.definition import Input, InputType
from backhaul.workflows.inputs import INPUT_TYPES, value_fault
from backhaul.workflows.missing import kind_of
from backhaul.workflows.report import Report
from backhaul.workflows.yaml_fields import STEP_ID, Fields
from backhaul.workflows.yaml_reader import Entry, MapNode

__all__ = ["INPUT_KEYS", "read_inputs"]

INPUT_KEYS = ("type", "required", "default", "description", "enum")


def read_inputs(node: MapNode | None, report: Report) -> tuple[Input, ...]:
    """Return the declared inputs. One without a default is required unless it says ``required: false``."""
    return tuple(_input(entry, report) for entry in (node.entries if node else ()))


def _input(entry: Entry, report: Report) -> Input:
    name = entry.key
    if not STEP_ID.fullmatch(name):
        report.add(entry.place, "bad-name", f"{name!r} is no name of an input: write it like max_delete")
    if not isinstance(entry.value, MapNode):
        kind = kind_of(entry.value.plain())
        report.add(entry.value.place, "bad-value", f"an input is a mapping such as {{type: string}}, not {kind}")
        return Input(name=name)
    fields = Fields(entry.value, INPUT_KEYS, report, f"the input {name!r}")
    default = fields.get("default")
    required = fields.flag("required")
    if default is not None and required:
        fields.wrong("required", "an input with a default is not required")
    declared = Input(
        name=name,
        type=cast("InputType", fields.choice("type", INPUT_TYPES, "string")),
        required=required if required is not None else default is None,
        default=default.plain() if default else None,
        description=fields.text("description"),
        enum=_enum(fields),
    )
    if default is not None and not required:
        fault = value_fault(declared, declared.default)
        if fault:
            fields.wrong("default", fault, code="bad-default")
    return declared


def _enum(fields: Fields) -> tuple[object, ...]:
    node = fields.list("enum")
    if node is None:
        return ()
    if not node.items:
        fields.wrong("enum", "at least one value is needed")
    return tuple(item.plain() for item in node.items)
