"""Personal data is not shown to people unless they ask: in calls, in the history, in errors."""

from __future__ import annotations

from typing import Any

import pytest

from cli.program import Cli

COPIES = """\
inputs:
  wanted: {type: integer, default: 1}
  note: {type: string, default: ""}
  phone: {type: string, default: ""}
steps:
  - id: customer
    call: provider.find_customer
    with: {id: "${{ inputs.wanted }}"}
  - id: logins
    call: provider.list_logins
  - id: letter
    set:
      greeting: "Dear ${{ steps.customer.razao }}, we have ${{ steps.customer.id }}"
      copied: "${{ steps.customer.cnpj_cpf }}"
      cpf: "00000000191"
      kept: plain
  - id: lost
    call: provider.find_customer
    with: {razao: "${{ steps.customer.razao }} Nobody"}
    on_error: continue
output: ${{ steps.letter }}
"""
TELLS = """\
inputs:
  wanted: {type: integer, default: 1}
  phone: {type: string, default: ""}
steps:
  - id: customer
    call: provider.find_customer
    with: {id: "${{ inputs.wanted }}"}
  - id: card
    set: {who: ["${{ steps.customer.razao }}"], number: "${{ inputs.phone }}", kept: plain}
  - emit: {type: agent.card, data: "${{ steps.card }}"}
output: ${{ steps.card }}
"""
WHISPER = """\
from backhaul.sdk import Connector, Effect, Personal, RefusedError, action


class Whisper(Connector):
    "A system that repeats what it was told."

    name = "whisper"

    @action(effect=Effect.READ)
    async def tell(self, *, secret_of: Personal[str], subject: str) -> str:
        "Refuse, with what was given in the error."
        self.log.warning("told", of=secret_of, about=subject)
        raise RefusedError(f"no {secret_of} about {subject}")
"""


@pytest.fixture
def customer(synced: Cli) -> dict[str, Any]:
    """A customer as the ERP has it, of whom the workflows below are told."""
    listed = synced.json("call", "provider.list_customers", "--limit", "1")
    assert listed[0]["razao"]
    assert listed[0]["cnpj_cpf"]
    synced.write("workflows/copies.yaml", COPIES.replace("default: 1}", f"default: {listed[0]['id']}}}"))
    found = listed[0]
    assert isinstance(found, dict)
    return found


def test_a_call_shows_stars_until_it_is_asked_for_more(synced: Cli, customer: dict[str, Any]) -> None:
    shown = synced("call", "provider.find_customer", f"id={customer['id']}").stdout
    assert f"id: {customer['id']}" in shown
    assert "razao: '***'" in shown
    assert customer["razao"] not in shown
    assert customer["cnpj_cpf"] not in shown
    whole = synced("call", "provider.find_customer", f"id={customer['id']}", "--show-personal").stdout
    assert customer["razao"] in whole
    assert customer["cnpj_cpf"] in whole


def test_a_listing_shows_stars_too(synced: Cli, customer: dict[str, Any]) -> None:
    listed = synced("call", "provider.list_customers", "--limit", "3").stdout
    assert listed.count("***") > 6
    assert customer["razao"] not in listed
    assert customer["razao"] in synced("call", "provider.list_customers", "--limit", "3", "--show-personal").stdout


def test_records_that_no_model_describes_are_covered_by_name(synced: Cli, customer: dict[str, Any]) -> None:
    shown = synced("call", "provider.get_record", "table=cliente", f"id={customer['id']}").stdout
    assert "razao: '***'" in shown
    assert customer["razao"] not in shown
    assert customer["cnpj_cpf"] not in shown


def test_the_history_shows_no_personal_data_wherever_it_went(synced: Cli, customer: dict[str, Any]) -> None:
    # The program that runs a workflow gets its output as it is.
    done = synced.json("run", "copies")
    assert customer["razao"] in done["output"]["greeting"]
    commands = [
        ("runs", "show", done["run_id"]),
        ("runs", "show", done["run_id"], "--json"),
        *(("runs", "show", done["run_id"], "--step", key) for key in ("customer", "letter", "logins", "lost")),
    ]
    login = synced.json("call", "provider.list_logins", "--limit", "1")[0]["login"]
    whole = [synced(*command, "--show-personal").stdout for command in commands]
    for command in commands:
        shown = synced(*command).stdout
        assert not [text for text in (customer["razao"], customer["cnpj_cpf"], login, "00000000191") if text in shown]
    assert all(customer["razao"] in whole[number] for number in (0, 1, 2, 3, 5))
    assert login in whole[4]
    shown = synced.json("runs", "show", done["run_id"])
    (letter,) = [step for step in shown["steps"] if step["key"] == "letter"]
    assert letter["output"] == {
        "greeting": f"Dear ***, we have {customer['id']}",
        "copied": "***",
        "cpf": "***",
        "kept": "plain",
    }
    assert shown["output"] == letter["output"]


def test_a_run_shows_no_personal_data_at_its_end(synced: Cli, customer: dict[str, Any]) -> None:
    shown = synced("run", "copies").stdout
    assert f"greeting: Dear ***, we have {customer['id']}" in shown
    assert customer["razao"] not in shown


def test_inputs_are_covered_by_name_and_by_what_marked_fields_held(synced: Cli, customer: dict[str, Any]) -> None:
    given = ("--input", f"note=call {customer['razao']}", "--input", "phone=0800")
    run_id = synced.json("run", "copies", *given)["run_id"]
    shown = synced.json("runs", "show", run_id)["inputs"]
    assert (shown["note"], shown["phone"], shown["wanted"]) == ("call ***", "***", customer["id"])
    listed = synced.json("runs", "list")["items"][0]["inputs"]
    assert (listed["phone"], listed["wanted"]) == ("***", customer["id"])
    assert synced.json("runs", "list", "--show-personal")["items"][0]["inputs"]["phone"] == "0800"


def test_listings_cover_of_each_run_and_of_its_events_what_it_was_given_and_what_its_steps_held(
    synced: Cli, customer: dict[str, Any]
) -> None:
    synced.write("workflows/tells.yaml", TELLS.replace("default: 1}", f"default: {customer['id']}}}"))
    number = "+5581999990000"
    run_id = synced.json("run", "tells", "--input", f"phone={number}")["run_id"]
    synced.json("run", "copies")
    event_id = synced.json("events", "list")["items"][0]["event_id"]
    commands = [
        ("runs", "list", "--json"),
        ("runs", "show", run_id),
        ("runs", "show", run_id, "--step", "card"),
        ("events", "list", "--json"),
        ("events", "show", event_id),
        ("events", "show", event_id, "--json"),
    ]
    for command in commands:
        shown, whole = synced(*command).stdout, synced(*command, "--show-personal").stdout
        assert "plain" in shown
        assert not [text for text in (customer["razao"], number) if text in shown], command
        assert customer["razao"] in whole, command
        assert number in whole, command


def test_errors_and_logs_do_not_repeat_what_was_given(project: Cli) -> None:
    project.write("connectors/whisper.py", WHISPER)
    project.write("backhaul.toml", '[connections.quiet]\nconnector = "whisper"\n[defaults]\nretry = {attempts = 1}\n')
    project.write(
        "workflows/told.yaml",
        "steps: [{id: told, call: quiet.tell, with: {secret_of: Maria Aparecida, subject: weather}}]\n",
    )
    ran = project("-v", "--log-format", "json", "run", "told", "--quiet", "--json", code=1)
    assert '"of":"***"' in ran.stderr.replace(" ", "").replace("'", '"')
    assert "Maria" not in ran.stderr
    run_id = project.json("runs", "list")["items"][0]["run_id"]
    for arguments in (("--json",), (), ("--step", "told")):
        shown = project("runs", "show", run_id, *arguments).stdout
        assert "Maria" not in shown
        assert "no *** about weather" in shown


def test_the_history_is_covered_by_name_when_its_connector_is_gone(synced: Cli, customer: dict[str, Any]) -> None:
    run_id = synced.json("run", "copies")["run_id"]
    settings = (synced.folder / "backhaul.toml").read_text()
    synced.write("backhaul.toml", settings.replace("[connections.provider]", "[connections.erp]"))
    shown = synced("runs", "show", run_id, "--step", "customer").stdout
    assert "razao: '***'" in shown
    assert customer["cnpj_cpf"] not in shown
