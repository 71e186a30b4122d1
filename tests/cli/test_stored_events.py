"""Connectors read the events of their own connection out of the project's history."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from cli.phone_project import NUMBER, Phone
from cli.program import Cli, Sandbox
from connector_kit.phone import receiver

RING = """\
name: ring
inputs: {account: {type: string}, number: {type: string}}
steps:
  - id: order
    call: phone.call
    with: {account_id: "${{ inputs.account }}", number: "${{ inputs.number }}"}
output: ${{ steps.order }}
"""


@pytest.fixture
def phone(cli: Cli, sandbox: Sandbox) -> Phone:
    return Phone.connected(cli, sandbox)


def test_a_call_s_state_is_joined_from_the_events_in_the_history(phone: Phone) -> None:
    with receiver() as inbox:
        phone.cli("call", "phone.set_callback", f"url={inbox.url}", "--yes")
        phone.cli("call", "phone.call", *phone.order, "--yes")
        inbox.wait_for(1)
        phone.sandbox.ask("clock", {"advance_s": 1})
        inbox.wait_for(2)
        phone.sandbox.ask("clock", {"advance_s": 5})
        callbacks = inbox.wait_for(3)
    (call_id,) = phone.placed()
    states = ["started", "connected", "ended"]
    for number, state in enumerate(states):
        phone.keep(callbacks[: number + 1])
        found = phone.cli.json("call", "phone.get_call", f'call_id="{call_id}"')
        assert (found["call_id"], found["state"]) == (call_id, state)
    assert (found["called_number"], found["billable_duration_s"]) == (NUMBER, 5)
    assert "ended" in phone.cli("call", "phone.get_call", f'call_id="{call_id}"').stdout


def test_without_events_of_the_call_there_is_no_state(phone: Phone) -> None:
    error = phone.cli.json("call", "phone.get_call", "call_id=nobody", code=1)["error"]
    assert error["type"] == "NotFoundError"


def test_an_order_without_an_answer_is_settled_by_its_start_event(phone: Phone) -> None:
    phone.cli.write("workflows/ring.yaml", RING)
    with receiver() as inbox:
        phone.cli("call", "phone.set_callback", f"url={inbox.url}", "--yes")
        phone.sandbox.ask("faults", {"kind": "cut_after", "vendor": "axialys", "match": {"operation": "call"}})
        with ThreadPoolExecutor() as beside:
            kept = beside.submit(lambda: phone.keep(inbox.wait_for(1)))
            run = phone.cli.json("run", "ring", *phone.inputs)
            kept.result()
    assert run["status"] == "succeeded"
    assert [run["output"]["call_id"]] == phone.placed()


def test_an_order_without_an_answer_and_without_events_waits_for_a_person(phone: Phone) -> None:
    phone.cli.write("workflows/ring.yaml", RING)
    phone.write(correlation_window_s=0.2)
    with receiver() as inbox:
        phone.cli("call", "phone.set_callback", f"url={inbox.url}", "--yes")
        phone.sandbox.ask("faults", {"kind": "cut_after", "vendor": "axialys", "match": {"operation": "call"}})
        run = phone.cli.json("run", "ring", *phone.inputs, code=3)
    assert run["status"] == "needs_attention"
    assert len(phone.placed()) == 1


def test_the_history_is_opened_only_for_an_action_that_reads_events(phone: Phone) -> None:
    text = (phone.cli.folder / "backhaul.toml").read_text()
    phone.cli.write("nothing", "")
    phone.cli.write("backhaul.toml", '[store]\nurl = "sqlite:///nothing/backhaul.db"\n' + text)
    phone.cli("call", "phone.disable_callback", "--yes")
    assert not (phone.cli.folder / ".backhaul").exists()
    refused = phone.cli("call", "phone.get_call", "call_id=nobody", code=1)
    assert "cannot make the store" in refused.stderr
