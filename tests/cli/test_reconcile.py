"""What people see of a reconcile: its records, its exports, the explained difference."""

from __future__ import annotations

import csv
import io
import json

import pytest

from cli.program import Cli

COMPARE = """\
name: compare
steps:
  - id: here
    set:
      all:
        - {number: "11 98765-4321", login: ana, plan: =fast}
        - {number: "+5511987654322", login: bia, plan: slow}
        - {number: "11 98765-4323", login: "", plan: slow}
  - id: there
    set:
      all:
        - {phone: "+5511987654321", user: ana}
        - {phone: "+5511987654322", user: eva}
        - {phone: "+5511987654329", user: leo}
  - id: sync
    reconcile:
      source: ${{ steps.here.all }}
      target: ${{ steps.there.all }}
      key: {source: number, target: phone, normalize: {e164: BR}}
      compare: {login: login}
      explain:
        - {reason: no login, side: source, when: "${{ not item.login }}"}
output: ${{ steps.sync.explained.difference }}
"""


@pytest.fixture
def compared(project: Cli) -> tuple[Cli, str]:
    project.write("workflows/compare.yaml", COMPARE.replace("compare: {login: login}", "compare: {login: user}"))
    return project, project.json("run", "compare")["run_id"]


def test_the_records_are_shown_without_personal_data(compared: tuple[Cli, str]) -> None:
    cli, run = compared
    shown = cli.json("runs", "show", run, "--step", "sync", "--items", "10")
    assert len(shown["records"]) == shown["output"]["total"] == 4
    assert {record["key"] for record in shown["records"]} == {"***"}
    personal = cli.json("runs", "show", run, "--step", "sync", "--items", "10", "--show-personal")
    assert {record["key"] for record in personal["records"]} == {f"+551198765432{n}" for n in (1, 2, 3, 9)}
    assert [record["before"] for record in personal["records"][1:2]] == [{"user": "eva"}]


def test_all_records_are_exported_as_json_lines(compared: tuple[Cli, str]) -> None:
    cli, run = compared
    out = cli("runs", "export", run, "--step", "sync", "--format", "jsonl", "--show-personal").stdout
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["outcome"] for record in records] == ["skipped", "skipped", "skipped", "same"]
    assert records[0]["reason"] == "no login"
    masked = cli("runs", "export", run, "--step", "sync", "-f", "jsonl").stdout
    assert "98765" not in masked


def test_all_records_are_exported_as_a_table(compared: tuple[Cli, str]) -> None:
    cli, run = compared
    file = cli.folder / "out.csv"
    done = cli("runs", "export", run, "--step", "sync", "--out", str(file), "--show-personal")
    assert done.stdout == ""
    assert str(file) in done.stderr
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["outcome"] for row in rows] == ["skipped", "skipped", "skipped", "same"]
    update = next(row for row in rows if row["side"] == "both")
    assert (update["key"], update["before.user"], update["after.user"]) == ("+5511987654322", "eva", "bia")
    assert "98765" not in cli("runs", "export", run, "--step", "sync").stdout


def test_a_text_that_looks_like_a_formula_is_none_in_a_table(project: Cli) -> None:
    project.write(
        "workflows/listed.yaml",
        "name: listed\nsteps:\n  - id: all\n    each: ${{ ['=1+1', '@x', '-5', '+55 11', '-cmd', 'plain'] }}\n"
        "    do: [{id: x, set: {text: '${{ item }}', list: [1, {a: b}]}}]\n",
    )
    run = project.json("run", "listed")["run_id"]
    rows = list(csv.reader(io.StringIO(project("runs", "export", run, "--step", "all").stdout)))
    assert rows[0] == ["text", "list"]
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'@x", "-5", "'+55 11", "'-cmd", "plain"]
    assert rows[1][1] == '[1,{"a":"b"}]'


def test_what_cannot_be_exported_is_named(compared: tuple[Cli, str]) -> None:
    cli, run = compared
    assert "did you mean 'sync'?" in cli("runs", "export", run, "--step", "synk", code=2).stderr
    assert "it has no dataset" in cli("runs", "export", run, "--step", "here", code=2).stderr
    error = cli("runs", "export", run, "--step", "sync", "--out", str(cli.folder / "no" / "file"), code=2).stderr
    assert "cannot be written" in error


def test_the_difference_is_explained(compared: tuple[Cli, str]) -> None:
    cli, run = compared
    document = cli.json("runs", "show", run, "--explain")
    assert document["differences"] == [
        {
            "step": "sync",
            "source": 3,
            "source_name": "steps.here.all",
            "target": 3,
            "target_name": "steps.there.all",
            "difference": 0,
            "only_in_source": 1,
            "only_in_target": 1,
            "reasons": [
                {"reason": "no login", "side": "source", "count": 1},
                {"reason": "unexplained", "side": "target", "count": 1},
            ],
            "problems": {},
        }
    ]
    text = cli("runs", "show", run, "--explain").stdout
    assert "target  3 records of steps.there.all: the same number" in text
    assert "1        no login" in text


def test_a_run_without_a_difference_says_so(project: Cli) -> None:
    run = project.json("run", "greet")["run_id"]
    assert "there is no difference to explain" in project("runs", "show", run, "--explain", code=2).stderr


def test_sides_that_a_workflow_has_made_itself_have_no_name(project: Cli) -> None:
    project.write("workflows/made.py", MADE)
    run = project.json("run", "made")["run_id"]
    out = project("runs", "show", run, "--explain").stdout
    assert out.startswith("step sync\n  source  1 record\n  target  2 records: 1 more\n")


MADE = """\
from backhaul import Run, workflow


@workflow(name="made")
async def made(run: Run) -> dict:
    return await run.reconcile([{"id": 1}], [{"id": 1}, {"id": 2}], key="id", name="sync")
"""
