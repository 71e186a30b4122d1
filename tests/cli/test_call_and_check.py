"""`call` and `connections check`, against the sandbox."""

from __future__ import annotations

from cli.program import Cli, Sandbox


def test_connections_that_work(synced: Cli) -> None:
    items = synced.json("connections", "check")["items"]
    assert [(one["name"], one["ok"], one["error"]) for one in items] == [("acs", True, None), ("provider", True, None)]
    assert synced("connections", "check", "acs").stdout.startswith("acs: works")


def test_a_wrong_secret_is_one_clear_line_without_the_secret(synced: Cli) -> None:
    synced.environ["ACS_CLIENT_SECRET"] = "no-secret-of-this-isp"
    done = synced("connections", "check", code=1)
    acs, provider = done.stdout.splitlines()
    assert acs.startswith("acs: does not work: ")
    assert provider.startswith("provider: works")
    assert "no-secret-of-this-isp" not in done.stdout + done.stderr


def test_a_connection_that_does_not_exist_is_a_wrong_name(synced: Cli) -> None:
    assert "did you mean 'acs'?" in synced("connections", "check", "acz", code=2).stderr


def test_a_listing_is_a_plain_list(synced: Cli) -> None:
    found = synced.json("call", "acs.list_devices", "--limit", "3")
    assert len(found) == 3
    assert found[0]["serial"]
    assert len(synced.json("call", "acs.list_devices")) == 120
    done = synced("call", "acs.list_devices", "--limit", "2")
    assert done.stdout.splitlines()[0].startswith("SERIAL")
    assert done.stderr.strip().endswith("2 items")


def test_parameters_are_json_or_text(synced: Cli) -> None:
    serial = synced.json("call", "acs.list_devices", "--limit", "1")[0]["serial"]
    assert synced.json("call", "acs.get_device", f"serial={serial}")["serial"] == serial
    assert all(one["active"] for one in synced.json("call", "provider.list_logins", "active=true", "--limit", "5"))


def test_wrong_parameters_and_names_are_found_before_anything_is_sent(synced: Cli, sandbox: Sandbox) -> None:
    sandbox.ask("requests", method="DELETE")
    assert synced.json("call", "acs.get_device", "serail=x", code=2)["error"]["type"] == "InputError"
    told = synced("call", "acs.get_device", "serail=x", code=2).stderr
    assert "serial: is missing; serail: is not known (did you mean 'serial'?)" in told
    assert "did you mean" in synced.json("call", "acs.get_devise", code=2)["error"]["message"]
    assert synced.json("call", "acz.get_device", code=2)["error"]["kind"] == "connection"
    assert synced.json("call", "acs", code=2)["error"]["type"] == "InputError"
    assert sandbox.ask("requests")["items"] == []


def test_what_the_other_system_refuses_ends_with_1(synced: Cli) -> None:
    error = synced.json("call", "provider.find_login", "login=nobody.ppp", code=1)["error"]
    assert error["type"] == "NotFoundError"


def test_an_action_that_changes_something_needs_a_yes(synced: Cli, sandbox: Sandbox) -> None:
    row = synced.json("call", "provider.list_acs_devices", "--limit", "1")[0]
    sandbox.ask("requests", method="DELETE")
    refused = synced("call", "provider.remove_acs_device", f"id={row['id']}", code=2)
    assert "--yes" in refused.stderr
    assert sandbox.ask("requests")["items"] == []
    synced.json("call", "provider.remove_acs_device", f"id={row['id']}", "--yes")
    assert row["id"] not in {one["id"] for one in synced.json("call", "provider.list_acs_devices")}
    assert synced.json("runs", "list")["items"] == []


def test_a_blank_in_a_pasted_secret_is_mended_with_a_warning(synced: Cli) -> None:
    synced.write("backhaul.toml", (synced.folder / "backhaul.toml").read_text().replace("_SECRET}", "_SECRET} "))
    done = synced("connections", "check", "acs")
    assert done.stdout.startswith("acs: works")
    assert "client_secret had a blank at one of its ends" in done.stderr
    synced.environ["ACS_CLIENT_SECRET"] += " \n"
    assert "ACS_CLIENT_SECRET had a blank" in synced("check").stderr


MISTAKEN = """\
from backhaul.sdk import Connector, Effect, action


class Odd(Connector):
    name = "odd"

    @action(effect=Effect.READ)
    async def ask(self) -> int:
        return 1 // 0

    async def check(self) -> None:
        raise ValueError("odd")
"""


def test_a_mistake_in_a_connector_is_one_message_and_a_traceback_only_when_wanted(project: Cli) -> None:
    project.write("connectors/odd.py", MISTAKEN)
    project.write("backhaul.toml", '[connections.odd]\nconnector = "odd"\n')
    assert "a mistake in the connector: ValueError: odd" in project("connections", "check", code=1).stdout
    error = project.json("call", "odd.ask", code=1)["error"]
    assert (error["type"], error["mistake"]) == ("ZeroDivisionError", True)
    done = project("call", "odd.ask", code=1)
    assert "mistake in Backhaul or in a plug-in: ZeroDivisionError: integer" in done.stderr
    assert "(odd.py, line 9)" in done.stderr
    assert "-v before the command" in done.stderr
    assert "odd.py" in project("-v", "call", "odd.ask", code=1).stderr


def test_a_connection_whose_connector_has_no_check_is_not_said_to_work(project: Cli) -> None:
    project.write("connectors/odd.py", MISTAKEN.partition("    async def check")[0])
    project.write("backhaul.toml", '[connections.odd]\nconnector = "odd"\n')
    assert project("connections", "check").stdout == "odd: not tried: its connector has no check()\n"
    (item,) = project.json("connections", "check")["items"]
    assert (item["ok"], item["proven"]) == (True, False)


def test_a_connector_shows_the_events_that_it_brings(project: Cli) -> None:
    shown = project.json("connectors", "show", "axialys")
    assert "callback" in shown["webhook"]
    assert {"expired", "silent"} == {one["name"] for one in shown["polls"]}
    assert "looked for every 60 s" in project("connectors", "show", "axialys").stdout
    assert project.json("connectors", "show", "http")["webhook"] is None
