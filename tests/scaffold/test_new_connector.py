"""`backhaul connectors new`: names, files, and what is never overwritten."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from backhaul.cli.main import main
from backhaul.cli.scaffold import make_connector
from backhaul.plugins.quality import Quality, QualityRecord, record_quality, recorded_quality
from backhaul.testing.conformance.suite import RULES, Results
from conformance.scaffolded import case_in

Run = Callable[..., tuple[int, str, str]]

FILES = [
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "src/backhaul_my_crm/__init__.py",
    "src/backhaul_my_crm/connector.py",
    "src/backhaul_my_crm/models.py",
    "src/backhaul_my_crm/py.typed",
    "src/backhaul_my_crm/quality.json",
    "src/backhaul_my_crm/sandbox.py",
    "src/backhaul_my_crm/settings.py",
    "tests/test_conformance.py",
    "tests/test_my_crm.py",
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command in an empty folder; give exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    yield command
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_package_is_made_beside_the_working_directory(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("connectors", "new", "my_crm")
    assert code == 0
    assert files_in(tmp_path / "backhaul-my-crm") == FILES
    assert all(f"made  backhaul-my-crm/{file}" in out for file in FILES)


def test_the_folder_can_be_chosen(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("connectors", "new", "my_crm", "empty")[0] == 0
    assert files_in(tmp_path / "empty") == FILES


def test_nothing_is_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "backhaul-my-crm").mkdir()
    (tmp_path / "backhaul-my-crm" / "notes.txt").write_text("mine")
    code, _, err = run("connectors", "new", "my_crm")
    assert code == 2
    assert "backhaul-my-crm is not empty" in err
    assert files_in(tmp_path) == ["backhaul-my-crm/notes.txt"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("My-CRM", "such as my_crm"),
        ("2talk", "lower-case letters"),
        ("a__b", "such as a_b"),
        ("_a", "such as a"),
        ("../x", "such as x"),
        ("", "lower-case letters"),
        ("class", "a word of Python"),
        ("connectors", "Backhaul's own"),
        ("x" * 41, "41 characters"),
        ("ixc_acs", "already a connector of this name (backhaul"),
    ],
)
def test_names_are_checked(run: Run, tmp_path: Path, name: str, reason: str) -> None:
    code, _, err = run("connectors", "new", "--", name)
    assert code == 2
    assert reason in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["connector", "item", "items", "effect", "json", "http2", "sandbox", "any"])
def test_names_that_the_template_uses_itself_work_too(tmp_path: Path, name: str) -> None:
    folder, _ = make_connector(name, tmp_path / name, taken={})
    with case_in(folder) as case:
        assert case.connector.name == name
        wanted = {"examples-work", "check-passes", "streams-resume", "webhook-examples"}
        results = Results(case)
        assert not [offence for rule in RULES if rule.id in wanted for offence in results.offences(rule)]


def test_each_sandbox_has_a_token_of_its_own(tmp_path: Path) -> None:
    folders = [make_connector("my_crm", tmp_path / name, taken={})[0] for name in ("a", "b")]
    first, second = ((folder / "src/backhaul_my_crm/sandbox.py").read_text() for folder in folders)
    assert first != second


def test_no_placeholder_is_left(tmp_path: Path) -> None:
    _, files = make_connector("my_crm", tmp_path / "made", taken={})
    assert not [file for file in files if "{{" in file.read_text().replace("${{ ", "")]


def test_the_quality_of_a_connector_is_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "backhaul.toml").write_text("")
    folder, _ = make_connector("my_crm", tmp_path / "made", taken={})
    (tmp_path / "connectors").mkdir()
    (folder / "src" / "backhaul_my_crm").rename(tmp_path / "connectors" / "backhaul_my_crm")
    for file in (tmp_path / "connectors" / "backhaul_my_crm").glob("*.py"):
        file.write_text(file.read_text().replace("from backhaul_my_crm.", "from ."))
    listed = json.loads(run("connectors", "list", "--json")[1])["items"]
    assert {item["name"]: item["quality"] for item in listed}["my_crm"] == "gold"
    (row,) = [line for line in run("connectors", "list")[1].splitlines() if line.startswith("my_crm")]
    assert row.split()[:4] == ["my_crm", "ready", "2", "gold"]
    (tmp_path / "connectors" / "backhaul_my_crm" / "quality.json").write_text("[]")
    (row,) = [line for line in run("connectors", "list")[1].splitlines() if line.startswith("my_crm")]
    assert row.split()[:4] == ["my_crm", "ready", "2", "-"]


def test_a_record_keeps_those_of_other_connectors(tmp_path: Path) -> None:
    folder, _ = make_connector("my_crm", tmp_path / "made", taken={})
    with case_in(folder) as case:
        file = folder / "src/backhaul_my_crm/quality.json"
        file.write_text(json.dumps({"other": {"quality": "gold", "missing": {}}}))
        assert recorded_quality(case.connector) is None
        record = QualityRecord(quality=Quality.BRONZE, missing={"readme": "none yet"})
        record_quality(case.connector, record)
        assert recorded_quality(case.connector) == record
        assert set(json.loads(file.read_text())) == {"my_crm", "other"}
