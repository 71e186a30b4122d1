"""The JSON Schema of the verb ``reconcile``."""

from __future__ import annotations

from collections.abc import Sequence

from backhaul.json_values import Json
from backhaul.workflows.normalizers import NORMALIZERS
from backhaul.workflows.reconcile import CHANGES
from backhaul.workflows.schema_parts import described, object_of, reference
from backhaul.workflows.yaml_reconcile import MAX_CONCURRENCY, MAX_CONFIRM_RUNS, MAX_FAILURES

__all__ = ["change_schema", "normalize_schema", "reconcile_schema"]

_NAME = {"type": "string", "minLength": 1}


def reconcile_schema() -> dict[str, Json]:
    """Return the schema of what stands under ``reconcile``; it refers to the definitions ``change``, ``normalize``."""
    key = object_of(
        {"source": _NAME, "target": _NAME, "normalize": reference("normalize")}, required=["source", "target"]
    )
    compared = object_of({"target": _NAME, "normalize": reference("normalize")}, required=["target"])
    order = {"type": "array", "items": {"enum": list(CHANGES)}, "uniqueItems": True, "minItems": 3}
    return described(
        "Make the target's records what the source's are.",
        **object_of(
            {
                "source": reference("onlyExpression", "What shall be: a list or a dataset."),
                "target": reference("onlyExpression", "What is: a list or a dataset."),
                "key": described("The field that says which records are the same thing.", anyOf=[_NAME, key]),
                "compare": described(
                    "Fields of the source, each with the target's field that shall have its value.",
                    type="object",
                    additionalProperties={"anyOf": [_NAME, compared]},
                ),
                "create": reference("change", "For each record that the target lacks."),
                "update": reference("change", "For each record that differs."),
                "delete": reference("change", "For each record that the source lacks."),
                "order": described("Which kind of change comes first.", **order),
                "guard": _guard(),
                "confirm_runs": _number("Delete what so many runs in a row did not find.", 1, MAX_CONFIRM_RUNS, 1),
                "concurrency": _number("Keys at the same time.", 1, MAX_CONCURRENCY, 1),
                "on_item_error": described("What a failed key does.", enum=["continue", "stop"], default="continue"),
                "max_failures": _number("So many keys may fail.", 0, MAX_FAILURES),
                "explain": described("Reasons for records on one side only; the first that holds.", **_rules()),
            },
            required=["source", "target", "key"],
            dependentSchemas={"guard": {"required": ["delete"]}, "update": {"required": ["compare"]}},
        ),
    )


def change_schema(target: Json, rules: Sequence[Json]) -> dict[str, Json]:
    """Return the schema of one call for a key.

    Args:
        target: the schema of ``call``.
        rules: what ``with`` has to be, by action.
    """
    properties = {
        "call": target,
        "with": described("Parameters by name; 'item', 'target', 'key' and 'last' are known.", type="object"),
        "if": reference("onlyExpression", "Skip the key unless this is true."),
    }
    return object_of(properties, required=["call"], **({"allOf": list(rules)} if rules else {}))


def normalize_schema() -> dict[str, Json]:
    """Return the schema of ``normalize``."""
    region = object_of({"e164": {"type": "string", "pattern": "^[A-Z]{2}$"}}, required=["e164"])
    one: Json = {"anyOf": [{"enum": list(NORMALIZERS)}, region]}
    return described("What makes two spellings the same.", anyOf=[one, {"type": "array", "items": one}])


def _guard() -> dict[str, Json]:
    expression = reference("onlyExpression")
    count: Json = {"anyOf": [{"type": "integer", "minimum": 0}, expression]}
    share: Json = {"anyOf": [{"type": "string", "pattern": r"^\s*\d{1,3}(\.\d+)?\s*%\s*$"}, expression]}
    return described(
        "What deletes have to pass; otherwise they wait for a person.",
        **object_of(
            {
                "max_delete": described("Greatest share of the target's records.", default="5%", **share),
                "max_delete_count": described("Greatest number of them.", **count),
                "min_source": described("Records that the source must have.", default=1, **count),
                "recheck": reference("change", "Reads the target's record just before its delete."),
                "to": described("Who is asked.", **_NAME),
                "timeout": described(
                    "Then nothing is deleted.", anyOf=[reference("duration"), reference("onlyExpression")]
                ),
            }
        ),
    )


def _rules() -> dict[str, Json]:
    rule = object_of(
        {
            "reason": described("Its name.", **_NAME),
            "side": described("The side to which it belongs; either when absent.", enum=["source", "target"]),
            "when": reference("onlyExpression", "Condition on 'item', 'target', 'key', 'side', 'outcome', 'last'."),
        },
        required=["reason"],
    )
    return {"type": "array", "items": rule}


def _number(text: str, least: int, most: int, default: int | None = None) -> dict[str, Json]:
    usual = {} if default is None else {"default": default}
    return described(text, type="integer", minimum=least, maximum=most, **usual)
