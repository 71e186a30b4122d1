"""Personal data: its mark in the schema of an action, and what is covered by it."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, StringConstraints, WithJsonSchema

from backhaul.plugins.action import ActionSpec, actions_of
from backhaul.plugins.personal import covered, is_personal_name, marked_values
from backhaul.sdk import Connector, Effect, Json, Personal, action
from backhaul.secrets import MASK

Text = Annotated[str, StringConstraints(min_length=1)]
Key = Annotated[str, WithJsonSchema({"type": "string", "writeOnly": True})]


class Address(BaseModel):
    street: Personal[str]
    zone: str


class Customer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    id: int
    title: Personal[str | None]
    """How to address them."""
    numbers: Personal[tuple[str, ...]] = ()
    home: Address | None = None
    others: list[Address] = []
    birthplace: Personal[Address] | None = None
    name: str = ""
    extra: dict[str, Json] = {}
    parent: Customer | None = None


class Company(BaseModel):
    id: int
    title: str
    name: str


class People(Connector):
    """People."""

    name = "people"

    @action(effect=Effect.READ)
    async def find(self, *, text: Personal[Text | None] = None, key: Key = "", by: str = "id") -> Customer | Company:
        """Find one."""
        return Customer(id=1, title=text)

    @action(effect=Effect.READ)
    async def title_of(self, *, id: int) -> Personal[str]:  # noqa: A002
        """Return a title."""
        return f"title of {id}"


@pytest.fixture(scope="module")
def find() -> ActionSpec:
    return actions_of(People)["find"]


def test_the_schema_of_an_action_says_what_is_personal(find: ActionSpec) -> None:
    text, key, by = find.parameters
    assert text.schema["x-personal"] is True
    assert "x-personal" not in {**key.schema, **by.schema}
    customer = find.result_schema["$defs"]["Customer"]["properties"]
    assert {name for name, one in customer.items() if one.get("x-personal")} == {"title", "numbers"}
    assert customer["title"]["description"] == "How to address them."
    assert find.takes_personal
    assert not actions_of(People)["title_of"].takes_personal
    assert actions_of(People)["title_of"].result_schema["x-personal"] is True


def test_a_mark_changes_nothing_for_the_values(find: ActionSpec) -> None:
    assert find.arguments({"text": "Ana"}) == {"text": "Ana", "key": "", "by": "id"}
    assert find.dump_result(Customer(id=1, title="Dr.", numbers=("1",)))["numbers"] == ["1"]


def test_marked_fields_are_covered_wherever_they_are(find: ActionSpec) -> None:
    home = {"street": "Rua A", "zone": "north"}
    value = {
        "id": 1,
        "title": "Dr.",
        "numbers": ["1", "2"],
        "home": home,
        "others": [home],
        "birthplace": home,
        "name": "plain",
        "extra": {},
        "parent": {"id": 2, "title": "Sr.", "numbers": [], "home": None},
    }
    hidden = {"street": MASK, "zone": "north"}
    assert covered(value, find.result_schema) == {
        **value,
        "title": MASK,
        "numbers": MASK,
        "home": hidden,
        "others": [hidden],
        "birthplace": MASK,
        "parent": {"id": 2, "title": MASK, "numbers": [], "home": None},
    }
    assert covered(value, find.result_schema, show_personal=True) == value


def test_of_alternatives_the_one_that_fits_decides(find: ActionSpec) -> None:
    company = {"id": 1, "title": "Ltda", "name": "Casa"}
    # Both have these fields: what one of the two marks is covered.
    assert covered(company, find.result_schema)["title"] == MASK
    assert covered({**company, "home": None}, find.result_schema)["name"] == "Casa"


def test_nothing_is_no_personal_data(find: ActionSpec) -> None:
    value: dict[str, Json] = {"id": 0, "title": None, "numbers": [], "home": None}
    assert covered(value, find.result_schema) == value
    assert covered({"text": ""}, find.params_schema) == {"text": ""}


def test_what_is_never_shown_is_covered_even_when_personal_data_is_shown(find: ActionSpec) -> None:
    params = {"text": "Ana", "key": "wifi-key"}
    assert covered(params, find.params_schema) == {"text": MASK, "key": MASK}
    assert covered(params, find.params_schema, show_personal=True) == {"text": "Ana", "key": MASK}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"cpf": "000.000.001-91", "status": "A"}, {"cpf": MASK, "status": "A"}),
        ([{"customerName": "Ana", "id": 7}], [{"customerName": MASK, "id": 7}]),
        ({"phones": 12, "phone": 5511990001234}, {"phones": 12, "phone": MASK}),
        ({"email": True, "e_mail": "a@b.example", "emails_sent": 3}, {"email": True, "e_mail": MASK, "emails_sent": 3}),
        ({"id_login": 4, "login": "ana@isp"}, {"id_login": 4, "login": MASK}),
        ({"called_number": "+33199001234", "number_of_items": "3"}, {"called_number": MASK, "number_of_items": "3"}),
        ({"profile_name": "Gold", "file_name": "x.pdf"}, {"profile_name": "Gold", "file_name": "x.pdf"}),
    ],
)
def test_where_no_schema_says_anything_the_name_decides(value: Json, shown: Json) -> None:
    assert covered(value, {}) == shown
    assert covered(value, {}, show_personal=True) == value


def test_names_decide_in_free_fields_and_not_in_typed_ones(find: ActionSpec) -> None:
    value = {"id": 1, "title": None, "name": "Casa", "extra": {"name": "Ana", "more": [{"cnpj": "1"}]}}
    shown = covered(value, find.result_schema)
    assert shown["name"] == "Casa"
    assert shown["extra"] == {"name": MASK, "more": [{"cnpj": MASK}]}
    # A field that the schema does not have (any more): an older version of the connector gave it.
    assert covered({**value, "phone": "0800"}, find.result_schema)["phone"] == MASK


def test_marked_values_are_given_and_those_found_by_name_are_not(find: ActionSpec) -> None:
    value = {"id": 1, "title": "Dr.", "numbers": ["11", "22"], "extra": {"cpf": "3"}, "name": "Casa", "home": None}
    assert sorted(marked_values(value, find.result_schema)) == ["11", "22", "Dr."]
    birthplace = {"id": 1, "title": None, "birthplace": {"street": "Rua A", "zone": "north"}}
    assert list(marked_values(birthplace, find.result_schema)) == ["Rua A"]


@pytest.mark.parametrize("name", ["name", "login", "ssid", "address", "mac"])
def test_names_that_things_have_too_are_not_certain(name: str) -> None:
    assert is_personal_name(name)
    assert not is_personal_name(name, certain=True)


@pytest.mark.parametrize("value", [None, 0, "", [], {}, True, "text", 1.5, [[{}]], {"a": {"$ref": 1}}])
@pytest.mark.parametrize("schema", [{}, {"$ref": "#/$defs/Gone"}, {"anyOf": [{"type": "null"}]}, {"items": False}])
def test_any_value_passes_any_schema(value: Any, schema: dict[str, Any]) -> None:
    assert covered(value, schema) == value
