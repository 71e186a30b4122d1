"""The project's files: `init`, `check`, `schema`, `workflows`, `connections list`, `connectors`."""

from __future__ import annotations

import json
from pathlib import Path

from cli.program import Cli

WRONG = """\
name: wrong
steps:
  - id: devices
    cal: acs.list_devices
  - id: again
    call: acs.list_devices
  - id: later
    set: {x: "${{ steps.latter }}"}
"""

ONE_FILE = '''\
from backhaul.sdk import Connector, Effect, action


class Weather(Connector):
    """Weather stations."""

    name = "weather"

    @action(effect=Effect.READ)
    async def temperature(self, *, town: str, unit: str = "C") -> float:
        """Return the temperature of a town.

        Args:
            town: where.
        """
        return 20.5
'''


def test_init_makes_a_project_and_never_overwrites(cli: Cli) -> None:
    cli.write("backhaul.toml", "# mine\n")
    done = cli("init")
    assert (cli.folder / "backhaul.toml").read_text() == "# mine\n"
    assert "kept  backhaul.toml" in done.stdout
    assert "made  workflows/nightly_sync.yaml" in done.stdout
    assert "backhaul run nightly-sync" in done.stdout
    for name in (
        ".gitignore",
        ".env.example",
        "connectors/README.md",
        "workflows/nightly_sync.py",
        "workflows/reconcile_deleted_devices.yaml",
    ):
        assert (cli.folder / name).is_file()
    # What needs connections that a new project does not have is not in use.
    assert (cli.folder / "examples/speedtest_on_call.yaml").is_file()
    assert not (cli.folder / "workflows/speedtest_on_call.yaml").exists()


def test_init_into_a_new_folder_says_where_to_go(cli: Cli) -> None:
    done = cli("init", "isp/automation")
    assert (cli.folder / "isp/automation/backhaul.toml").is_file()
    assert "cd isp/automation" in done.stdout
    assert "isp/automation" in cli("init", "isp/automation/backhaul.toml", code=2).stderr


def test_a_new_project_is_right_but_for_its_secrets(synced: Cli) -> None:
    assert "no problems" in synced("check").stderr
    del synced.environ["ACS_CLIENT_SECRET"]
    done = synced("check", code=2)
    (line,) = done.stdout.splitlines()
    assert line.startswith("backhaul.toml:")
    assert "ACS_CLIENT_SECRET is not set" in line
    assert done.stderr == "1 problem\n"


def test_getting_started_tells_what_check_says_of_a_new_project(synced: Cli) -> None:
    page = Path(__file__).parents[2] / "docs" / "getting-started.md"
    assert f"# {synced('check').stderr}" in page.read_text(encoding="utf-8")


def test_check_shows_all_problems_of_all_files_in_one_pass(project: Cli) -> None:
    project.write("backhaul.toml", '[connections.acs]\nconnector = "ixc_acs"\nbase_ulr = "x"\n[stroe]\n')
    project.write("workflows/wrong.yaml", WRONG)
    project.write("connectors/broken.py", "import nothing_of_that_name\n")
    done = project("check", code=2)
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == sorted(line.partition(":")[0] for line in lines)
    assert any(line.startswith("backhaul.toml:4:1: bad-setting stroe") and "'store'" in line for line in lines)
    assert any(
        line.startswith("backhaul.toml:3:1: bad-setting") and "did you mean 'base_url'?" in line for line in lines
    )
    assert any(line.startswith("connectors/broken.py:1:1: broken-plugin") for line in lines)
    assert any(line.startswith("workflows/wrong.yaml:4:5: unknown-verb") for line in lines)
    assert any("unknown-step" in line for line in lines)
    assert done.stderr == f"{len(lines)} problems\n"


def test_check_of_some_files_shows_their_problems_only(project: Cli) -> None:
    project.write("workflows/wrong.yaml", WRONG)
    project.write("connectors/broken.py", "import nothing_of_that_name\n")
    assert project.json("check", "workflows/greet.yaml") == {"problems": [], "count": 0}
    found = project.json("check", "workflows/wrong.yaml", code=2)["problems"]
    assert {problem["file"] for problem in found} == {"workflows/wrong.yaml"}
    assert {"line", "column", "code", "message", "suggestion"} < found[0].keys()
    assert project.json("check", "nothing.yaml", code=2)["error"]["type"] == "UnknownNameError"


def test_schema_knows_the_connections_actions(synced: Cli) -> None:
    document = json.loads(synced("schema").stdout)
    assert "acs.list_devices" in json.dumps(document)
    assert synced("schema", "--out", ".backhaul/workflow.schema.json").stdout == ""
    assert json.loads((synced.folder / ".backhaul/workflow.schema.json").read_text()) == document


def test_workflows_are_listed_and_shown(project: Cli) -> None:
    listed = project.json("workflows", "list")
    assert [item["name"] for item in listed["items"]] == ["greet"]
    shown = project.json("workflows", "show", "greet")
    assert [step["id"] for step in shown["steps"]] == ["said"]
    assert shown["inputs"][0]["default"] == "Recife"
    assert "said" in project("workflows", "show", "workflows/greet.yaml").stdout
    error = project.json("workflows", "show", "gret", code=2)["error"]
    assert "did you mean 'greet'?" in error["message"]


def test_a_connector_in_one_file_works_and_a_broken_one_beside_it_is_listed(project: Cli) -> None:
    project.write("connectors/weather.py", ONE_FILE)
    project.write("connectors/broken.py", "import nothing_of_that_name\n")
    project.write("backhaul.toml", '[connections.sky]\nconnector = "weather"\n')
    listed = project.json("connectors", "list")
    assert "weather" in {item["name"] for item in listed["items"]}
    assert [(one["name"], "nothing_of_that_name" in one["reason"]) for one in listed["broken"]] == [("broken", True)]
    assert "broken.py:1" in project("connectors", "list").stdout
    assert project.json("call", "sky.temperature", "town=Recife") == 20.5
    error = project.json("connectors", "show", "broken", code=2)["error"]
    assert "nothing_of_that_name" in error["message"]


def test_a_connector_is_documented_from_its_signatures(project: Cli) -> None:
    project.write("connectors/weather.py", ONE_FILE)
    text = project("connectors", "show", "weather").stdout
    assert "temperature  (effect read)" in text
    assert "town: text, required" in text
    assert 'unit: text, default "C"' in text
    assert "gives: number" in text
    document = project.json("connectors", "show", "ixc_acs")
    assert {"list_devices", "get_device"} <= {action["name"] for action in document["actions"]}
    assert "client_secret" in document["settings"]["properties"]


def test_connectors_are_known_without_a_project(cli: Cli) -> None:
    assert {"ixc_acs", "ixc_provider"} <= {item["name"] for item in cli.json("connectors", "list")["items"]}


def test_connections_are_listed_with_what_is_wrong(synced: Cli) -> None:
    del synced.environ["PROVIDER_TOKEN"]
    items = {item["name"]: item for item in synced.json("connections", "list")["items"]}
    assert items["acs"]["status"] == "ready"
    assert items["provider"]["status"] == "wrong settings"
    secret = synced.environ["ACS_CLIENT_SECRET"]
    assert secret not in json.dumps(items)
