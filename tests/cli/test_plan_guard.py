"""What people see of deletes to which a guard objects: in a plan, in its differences, and when it is applied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.program import Cli

CONNECTOR = """\
import json
from pathlib import Path

from backhaul.sdk import Connector, ConnectorSettings, Effect, action


class ShelfSettings(ConnectorSettings):
    file: Path


class Shelf(Connector[ShelfSettings]):
    \"\"\"Things on a shelf.\"\"\"

    name = "shelf"
    Settings = ShelfSettings

    @action(effect=Effect.READ)
    async def things(self, *, side: str) -> list[dict[str, str]]:
        \"\"\"Return what is wanted, or what is there.\"\"\"
        return [{"name": name} for name in json.loads(self.settings.file.read_text())[side]]

    @action(effect=Effect.DELETE)
    async def remove(self, *, name: str) -> None:
        \"\"\"Take a thing away.\"\"\"
        found = json.loads(self.settings.file.read_text())
        found["there"].remove(name)
        self.settings.file.write_text(json.dumps(found))
"""
WORKFLOW = """\
name: tidy
steps:
  - {id: wanted, call: shelf.things, with: {side: wanted}}
  - {id: there, call: shelf.things, with: {side: there}}
  - id: tidy
    reconcile:
      source: ${{ steps.wanted }}
      target: ${{ steps.there }}
      key: name
      delete: {call: shelf.remove, with: {name: "${{ target.name }}"}}
      guard: {max_delete: "10%", timeout: 1s}
  - {id: report, emit: {type: tidy.done, data: {held: "${{ steps.tidy.held }}"}}}
"""
NAMES = [f"thing-{number}" for number in range(20)]


@pytest.fixture
def shelf(project: Cli) -> Cli:
    """A shelf from which one of twenty things is to go, which the guard lets pass."""
    project.write("connectors/shelf.py", CONNECTOR)
    project.write("workflows/tidy.yaml", WORKFLOW)
    project.connect("shelf", "shelf", {"file": str(project.folder / "shelf.json")})
    put(project, wanted=NAMES[1:], there=NAMES)
    return project


def put(cli: Cli, **names: list[str]) -> None:
    cli.write("shelf.json", json.dumps(names))


def there(cli: Cli) -> list[str]:
    found: list[str] = json.loads((cli.folder / "shelf.json").read_text())["there"]
    return found


def plan_file(cli: Cli) -> Path:
    return cli.folder / "plan.json"


def test_a_plan_says_which_deletes_need_a_yes_and_why(shelf: Cli) -> None:
    put(shelf, wanted=NAMES[5:], there=NAMES)
    out = shelf("run", "tidy", "--plan", "--quiet").stdout
    assert "tidy/delete[]: 5 effects, only after a yes to tidy/guard\n" in out
    assert "\nwaits\n  tidy/guard: a person's yes or no: would delete 5 of 20 records of steps.there (25 %)" in out
    plan = shelf.json("run", "tidy", "--plan", "--quiet")
    assert [effect.get("only_if") for effect in plan["effects"]] == ["tidy/guard"] * 5 + [None]
    assert plan["effects"][-1]["params"]["data"] == {"held": {"$known_after_apply": "tidy"}}


def test_deletes_that_nobody_has_said_yes_to_are_named_as_not_made(shelf: Cli) -> None:
    put(shelf, wanted=NAMES[5:], there=NAMES)
    shelf("run", "tidy", "--plan", "--quiet", "--out", str(plan_file(shelf)))
    done = shelf("apply", str(plan_file(shelf)), "--yes", "--quiet")
    assert "\n1 of 6 effects of the plan were made\n" in done.stdout
    assert [name for name in NAMES if f"  not made: tidy/delete[{name}]" in done.stdout.splitlines()] == NAMES[:5]
    assert there(shelf) == NAMES


def test_a_guard_that_objects_only_since_the_plan_was_made_is_told_and_nothing_is_done(shelf: Cli) -> None:
    shelf("run", "tidy", "--plan", "--quiet", "--out", str(plan_file(shelf)))
    put(shelf, wanted=NAMES[1:5], there=NAMES[:5])
    done = shelf("apply", str(plan_file(shelf)), "--yes", "--quiet", code=1)
    assert "DriftError" in done.stdout
    told = "  changed tidy/delete[thing-0]: shelf.remove (only after a yes to: nobody -> tidy/guard)"
    assert told in done.stdout.splitlines()
    assert there(shelf) == NAMES[:5]
