"""What the documentation shows works: examples are read by the program, names are complete, links lead somewhere."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

import backhaul.errors
from backhaul.plugins.action import ActionSpec
from backhaul.plugins.limits import Limits
from backhaul.plugins.loader import load_plugins
from backhaul.server_settings import ServerSettings
from backhaul.settings import LogSettings, read_settings
from backhaul.workflows.checks import check_workflow
from backhaul.workflows.definition import Workflow
from backhaul.workflows.expression_tree import FILTERS
from backhaul.workflows.expressions import compile_expression
from backhaul.workflows.list_filters import FUNCTIONS
from backhaul.workflows.normalizers import NORMALIZERS
from backhaul.workflows.python_workflow import load_python_workflows
from backhaul.workflows.reconcile import OUTCOMES, RESULT_FIELDS
from backhaul.workflows.value_tests import TESTS
from backhaul.workflows.yaml_dispatching import CONCURRENCY_KEYS, HISTORY_KEYS
from backhaul.workflows.yaml_inputs import INPUT_KEYS
from backhaul.workflows.yaml_reconcile import (
    CHANGE_KEYS,
    COMPARE_KEYS,
    GUARD_KEYS,
    KEY_KEYS,
    REASON_KEYS,
    RECONCILE_KEYS,
)
from backhaul.workflows.yaml_steps import MODIFIERS, RETRY_KEYS, VERB_KEYS
from backhaul.workflows.yaml_triggers import CRON_KEYS, EVENT_KEYS
from backhaul.workflows.yaml_verbs import EMIT_KEYS
from backhaul.workflows.yaml_wait import APPROVAL_KEYS, WAIT_KEYS
from backhaul.workflows.yaml_workflow import WORKFLOW_KEYS, read_yaml_workflow

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEMPLATES = ROOT / "engine" / "backhaul" / "cli" / "project_files"


def _text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _slug(title: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _blocks(language: str) -> dict[str, str]:
    """Return the text of every fenced block of a language, by page and line."""
    found = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, block.start()) + 1
            found[f"{page.name}:{line}"] = block[1]
    return found


YAML, PYTHON, TOML = _blocks("yaml"), _blocks("python"), _blocks("toml")


@pytest.fixture(scope="module")
def actions() -> dict[str, dict[str, ActionSpec]]:
    connectors = load_plugins().connectors
    return {"acs": dict(connectors["ixc_acs"].actions), "provider": dict(connectors["ixc_provider"].actions)}


@pytest.fixture(scope="module")
def events() -> dict[str, Mapping[str, str]]:
    kinds = {"acs": "ixc_acs", "provider": "ixc_provider", "phone": "axialys"}
    classes = {name: load_plugins().connectors[kind].cls for name, kind in kinds.items()}
    return {name: cls.event_types(cls.Settings.model_construct()) for name, cls in classes.items()}


@pytest.fixture(scope="module")
def shipped() -> dict[str, Workflow]:
    path = ROOT / "workflows" / "nightly_sync.yaml"
    workflow = read_yaml_workflow(path.read_text(encoding="utf-8"), path.name).workflow
    assert workflow is not None
    return {workflow.name: workflow}


@pytest.mark.parametrize("block", YAML.values(), ids=YAML.keys())
def test_yaml_examples_have_no_problems(
    block: str,
    actions: dict[str, dict[str, ActionSpec]],
    events: dict[str, Mapping[str, str]],
    shipped: dict[str, Workflow],
) -> None:
    draft = read_yaml_workflow(block, "example.yaml")
    assert draft.problems == ()
    assert draft.workflow is not None
    assert check_workflow(draft.workflow, actions, shipped, events=events) == []


@pytest.mark.parametrize("block", PYTHON.values(), ids=PYTHON.keys())
def test_python_examples_can_be_loaded(block: str, tmp_path: Path) -> None:
    if "@workflow" in block:
        assert load_python_workflows(block, "workflows/example.py")
    elif "hookimpl" in block:
        compile(block, "example.py", "exec")
    else:
        (tmp_path / "example.py").write_text(block, encoding="utf-8")
        registry = load_plugins(tmp_path, installed=())
        assert registry.broken == ()
        assert registry.connectors


@pytest.mark.parametrize("block", TOML.values(), ids=TOML.keys())
def test_toml_examples_are_right(block: str, tmp_path: Path) -> None:
    (tmp_path / "backhaul.toml").write_text(block, encoding="utf-8")
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)\}", block), "7:00ff")
    assert read_settings(tmp_path, environ=environ).problems == ()


def test_the_settings_of_a_new_project_are_right(tmp_path: Path) -> None:
    text = (TEMPLATES / "backhaul.toml").read_text(encoding="utf-8")
    (tmp_path / "backhaul.toml").write_text(text, encoding="utf-8")
    lines = (TEMPLATES / "env.example").read_text(encoding="utf-8").splitlines()
    environ = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert set(re.findall(r"\$\{(\w+)\}", text)) - {"NAME"} == environ.keys()
    assert read_settings(tmp_path, environ=environ).problems == ()


RUN_KEYS = (*CONCURRENCY_KEYS, *HISTORY_KEYS)
LINES = [line for block in _blocks("expressions").values() for line in block.splitlines()]


@pytest.mark.parametrize("line", LINES)
def test_expressions_give_what_is_written_beside_them(line: str) -> None:
    source, _, value = line.rpartition("->")
    assert compile_expression(source).evaluate({}) == json.loads(value)


@pytest.mark.parametrize("name", sorted({*FILTERS, *FUNCTIONS, *TESTS}))
def test_every_filter_test_and_function_is_documented(name: str) -> None:
    assert re.search(rf"`{name}[`(]", _text("expressions.md"))


@pytest.mark.parametrize(
    "key",
    sorted(
        {
            *WORKFLOW_KEYS,
            *VERB_KEYS,
            *MODIFIERS,
            *RETRY_KEYS,
            *CRON_KEYS,
            *EVENT_KEYS,
            *INPUT_KEYS,
            *EMIT_KEYS,
            *WAIT_KEYS,
            *APPROVAL_KEYS,
            *RUN_KEYS,
        }
    ),
)
def test_every_key_of_a_workflow_file_is_documented(key: str) -> None:
    text = _text("workflows.md")
    assert re.search(rf"`{key}`|### (\w+, )*{key}\b", text)


@pytest.mark.parametrize(
    "key",
    sorted(
        {
            *RECONCILE_KEYS,
            *KEY_KEYS,
            *COMPARE_KEYS,
            *CHANGE_KEYS,
            *GUARD_KEYS,
            *REASON_KEYS,
            *NORMALIZERS,
            *OUTCOMES.values(),
            *RESULT_FIELDS,
        }
    ),
)
def test_every_key_normaliser_and_result_of_reconcile_is_documented(key: str) -> None:
    assert re.search(rf"`{key}`|`{{.*\b{key}\b.*}}`", _text("reconcile.md"))


@pytest.mark.parametrize(
    "key",
    sorted(
        {
            *LogSettings.model_fields,
            *ServerSettings.model_fields,
            *Limits.model_fields,
            "url",
            "retry",
            "allowed_networks",
        }
    ),
)
def test_every_setting_is_documented(key: str) -> None:
    assert re.search(rf"`(\w+\.)*{key}`", _text("settings.md"))


@pytest.mark.parametrize("name", backhaul.errors.__all__)
def test_every_error_is_documented(name: str) -> None:
    assert f"`{name}`" in _text("runs.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]*(?:#[^)]*)?)\)", page.read_text(encoding="utf-8")):
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        assert file.is_file(), target
        titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert not heading or heading in {_slug(title) for title in titles}, target


def test_the_first_screen_holds_the_two_commands() -> None:
    first = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:12]
    assert any(line.startswith("make demo") for line in first)
    assert any(line.startswith("make test") for line in first)


def test_every_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f"docs/{page.name}" in text


def test_toml_in_pyproject_and_changelog_agree_on_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
