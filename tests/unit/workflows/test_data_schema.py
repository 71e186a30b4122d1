from __future__ import annotations

from typing import Any

import pytest

from backhaul.workflows.data_schema import data_faults, schema_fault

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["most"],
    "properties": {"most": {"type": "integer"}, "who": {"type": "string", "maxLength": 3}},
}


def test_data_that_fits_has_no_faults() -> None:
    assert schema_fault(SCHEMA) == ""
    assert data_faults(SCHEMA, {"most": 1, "who": "ana"}) == []


def test_each_fault_says_where_it_is() -> None:
    assert data_faults(SCHEMA, {"most": "x", "who": "anabel"}) == [
        "most: 'x' is not of type 'integer'",
        "who: 'anabel' is too long",
    ]
    assert data_faults(SCHEMA, None) == ["None is not of type 'object'"]


@pytest.mark.parametrize("schema", [7, "text", None, {"type": 7}, {"required": "most"}])
def test_what_is_no_schema_is_said(schema: Any) -> None:
    assert schema_fault(schema)


def test_nothing_is_fetched() -> None:
    faults = data_faults({"$ref": "http://127.0.0.1:9/schema.json"}, 1)
    assert faults == ["the schema refers to 'http://127.0.0.1:9/schema.json', which is not in it"]
