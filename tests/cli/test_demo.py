"""`backhaul demo`, small."""

from __future__ import annotations

import json

import pytest

from cli.program import Cli


def test_the_demo_proves_its_result_and_keeps_its_project(cli: Cli) -> None:
    process = cli.start("demo", "--devices", "150", "--seed", "5", "--keep", "kept")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    assert "DIFFERENT" not in out
    assert "expected by the sandbox" in out
    assert "added by the second run: 0" in out
    cli.folder /= "kept"
    runs = [(run["workflow"], run["status"]) for run in cli.json("runs", "list")["items"]]
    assert runs.count(("nightly-sync", "succeeded")) == 2
    assert runs.count(("reconcile-deleted-devices", "succeeded")) == 1
    assert "gone without a word, as in a mass deletion, and linked to a login" in out
    assert ("speedtest-on-call", "succeeded") in runs
    assert ("speedtest-on-call-test", "succeeded") in runs
    assert {status for _, status in runs} == {"succeeded"}
    assert "after the ring, the agent's screen shows:" in out
    cards = cli.json("events", "list", "--type", "agent.card")["items"]
    assert {card["data"]["part"] for card in cards} == {"lookup", "speed_test"}
    assert all(card["data"]["missing"] == [] for card in cards)


def test_the_demo_leaves_a_project_alone(project: Cli) -> None:
    assert "is not a demo's" in project.json("demo", "--keep", ".", code=2)["error"]["message"]
    assert project.json("workflows", "list")["items"][0]["name"] == "greet"


@pytest.mark.slow
def test_the_demo_in_json_is_one_document(cli: Cli) -> None:
    process = cli.start("demo", "--devices", "40", "--keep", "kept", "--json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    document = json.loads(out)
    assert document["agrees"] is True
    assert all(check["done"] == check["expected"] for check in document["checks"])
    assert {"customer's id", "contracted Mbit/s", "speed tests that the ACS was asked for"} <= {
        check["what"] for check in document["checks"]
    }
