"""The page of every built-in connector documents each of its actions whole."""

from __future__ import annotations

import re

import pytest

from backhaul.cli.connector_page import described, page
from backhaul.plugins.action import ActionSpec
from backhaul.plugins.loader import load_plugins
from backhaul.plugins.registry import LoadedConnector

LOADED = {name: one for name, one in load_plugins().connectors.items() if one.cls.__module__.startswith("backhaul_")}
ACTIONS = [(name, spec) for name, one in sorted(LOADED.items()) for spec in one.actions.values()]


def part_of(connector: LoadedConnector, action: str) -> str:
    """Return the part of the page that is about an action."""
    text = "\n".join(page(connector))
    found = re.search(rf"^{action}  \(.*?(?=\n\n\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, action
    return found[0]


@pytest.mark.parametrize(("name", "spec"), ACTIONS, ids=[f"{name}.{spec.name}" for name, spec in ACTIONS])
def test_an_action_shows_parameters_result_effect_errors_and_source(name: str, spec: ActionSpec) -> None:
    text = part_of(LOADED[name], spec.name)
    assert re.match(rf"{spec.name}  \((listing, )?effect {spec.effect.value}\)", text)
    for one in spec.parameters:
        assert re.search(
            rf"^  {one.name}: \w.*, (required|optional|default .+)(, personal)?\n      \S", text, re.MULTILINE
        )
    assert spec.parameters or "\n  takes no parameters\n" in text
    assert re.search(r"^  gives: \w+", text, re.MULTILINE)
    assert re.search(r"^  raises \w+Error:\n      \S", text, re.MULTILINE)
    assert re.search(r"^  source: \S+", text, re.MULTILINE)


def test_what_is_personal_says_so() -> None:
    text = part_of(LOADED["axialys"], "call")
    assert "  number: text, required, personal\n" in text
    assert "CallAccepted with accepted, account_id, number (personal), call_id, raw (personal)" in text
    assert "text (personal)" in part_of(LOADED["ixc_acs"], "get_ipv6")
    assert "list of Parameter with parameter, value (personal), type" in part_of(LOADED["ixc_acs"], "update_parameters")


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("axialys", "incoming_call_start"),
        ("axialys", "call.expired"),
        ("ixc_acs", "diagnostic.finished"),
        ("ixc_provider", "contract.changed"),
    ],
)
def test_the_page_names_the_events(name: str, event: str) -> None:
    text = "\n".join(page(LOADED[name]))
    assert re.search(rf"^    .*`{event}`", text, re.MULTILINE)
    assert "WebhookRejectedError" not in text


def test_the_types_of_events_are_listed_with_what_they_mean() -> None:
    text = "\n".join(page(LOADED["ixc_acs"]))
    assert "  device.removed\n      A device was deleted by hand" in text
    assert described(LOADED["ixc_provider"])["events"] == {
        "customer.changed": "A record of the table cliente is new or has changed.",
        "contract.changed": "A record of the table cliente_contrato is new or has changed.",
        "login.changed": "A record of the table radusuarios is new or has changed.",
    }
    assert described(LOADED["akixi"])["events"] == {}


def test_the_json_has_errors_source_and_marks_too() -> None:
    (call,) = [one for one in described(LOADED["axialys"])["actions"] if one["name"] == "call"]
    assert call["source"] == "vendor page on the Centrex real-time API"
    assert {one["error"] for one in call["raises"]} == {"RefusedError", "AuthenticationError", "UnknownOutcomeError"}
    assert call["parameters"][1]["schema"]["x-personal"] is True
    assert call["result"]["properties"]["number"]["x-personal"] is True
