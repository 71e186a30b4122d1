"""The suite as authors meet it: `pytest` in the folder of their connector."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backhaul.cli.scaffold import make_connector
from conformance.scaffolded import pytest_options


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made, _ = make_connector("my_crm", tmp_path / "my_crm", taken={})
    return made


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-rxf", "-p", "no:cacheprovider", *pytest_options(), *options]
    environ = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_suite_is_one_test_per_rule(folder: Path) -> None:
    done = run_pytest(folder, "--collect-only", "tests/test_conformance.py")
    assert "tests/test_conformance.py::CASE::secrets-hidden" in done.stdout
    assert "tests/test_conformance.py::CASE::quality-recorded" in done.stdout


def test_an_offence_is_told_in_sentences(folder: Path) -> None:
    edit(folder / "src/backhaul_my_crm/settings.py", '    """Items per page of a listing."""\n', "")
    done = run_pytest(folder, "-k", "documented-settings")
    assert done.returncode == 1
    assert "documented-settings (silver): Every setting has a description." in done.stdout
    assert "  - setting page_size has no description" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_the_quality_is_written_and_a_stale_one_is_found(folder: Path) -> None:
    edit(folder / "src/backhaul_my_crm/settings.py", '    """Items per page of a listing."""\n', "")
    assert "pytest --backhaul-write-quality" in run_pytest(folder, "-k", "quality-recorded").stdout
    assert run_pytest(folder, "-k", "quality-recorded", "--backhaul-write-quality").returncode == 0
    recorded = json.loads((folder / "src/backhaul_my_crm/quality.json").read_text())
    assert recorded == {
        "my_crm": {"missing": {"documented-settings": "setting page_size has no description"}, "quality": "bronze"}
    }


def test_an_exception_with_its_reason_is_expected_to_fail(folder: Path) -> None:
    case = folder / "tests/test_conformance.py"
    edit(folder / "src/backhaul_my_crm/settings.py", '    """Items per page of a listing."""\n', "")
    edit(case, "connector=MyCrm,", 'connector=MyCrm,\n    exceptions={"documented-settings": "it says it all"},')
    done = run_pytest(folder, "-k", "documented-settings or quality", "--backhaul-write-quality")
    assert done.returncode == 0, done.stdout
    assert re.search(r"XFAIL .*documented-settings - it says it all", done.stdout)
    recorded = json.loads((folder / "src/backhaul_my_crm/quality.json").read_text())
    assert recorded["my_crm"] == {"missing": {"documented-settings": "it says it all"}, "quality": "bronze"}


def test_an_exception_that_is_not_needed_any_more_fails(folder: Path) -> None:
    edit(
        folder / "tests/test_conformance.py", "connector=MyCrm,", 'connector=MyCrm,\n    exceptions={"readme": "none"},'
    )
    done = run_pytest(folder, "-k", "readme")
    assert done.returncode == 1
    assert "the rule readme is fulfilled: remove its exception" in done.stdout


def test_the_plugin_loads_nothing_of_the_engine_before_there_is_a_case() -> None:
    code = "import sys, backhaul.testing.plugin; print([m for m in sys.modules if m in {'httpx', 'pydantic', 'anyio'}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
