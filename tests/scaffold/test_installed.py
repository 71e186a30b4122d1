"""The scaffolded connector in an environment of its own: installed by pip, listed, examined, used by a workflow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backhaul.cli.scaffold import make_connector

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


class Environment:
    """A virtual environment with Backhaul and a connector installed as wheels.

    What they depend on is not installed again: it is found in the environment of the tests, through a path. That one's
    own Backhaul, an editable one, is not: the path files of a folder that comes in through a path file do not count.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False, symlinks=True)
        packages = next(folder.glob("lib/python*/site-packages"))
        (packages / "dependencies_of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}

    def install(self, project: Path) -> None:
        """Build a project's wheel and install it, with pip and without contacting anybody."""
        python = str(self.folder / "bin" / "python")
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed", "--quiet"]
        command = [sys.executable, "-m", "pip", "--python", python, "install", *options, str(project)]
        subprocess.run(command, check=True, env={**self.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}, timeout=200)

    def run(self, *arguments: str, cwd: Path, code: int = 0) -> str:
        """Run a module in it and return what it prints."""
        command = [str(self.folder / "bin" / "python"), "-m", *arguments]
        done = subprocess.run(
            command, cwd=cwd, env=self.environ, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serving(self, module: str) -> Iterator[str]:
        """Run a connector's sandbox and give its URL."""
        command = [str(self.folder / "bin" / "python"), "-m", module, "--port", "0"]
        with subprocess.Popen(command, env=self.environ, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            try:
                found = next(url for line in process.stderr if (url := re.search(r"http://127\.0\.0\.1:\d+", line)))
                yield found[0]
            finally:
                process.terminate()
                process.communicate(timeout=20)


@pytest.fixture(scope="module")
def connector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, _ = make_connector("my_crm", tmp_path_factory.mktemp("made") / "backhaul-my-crm", taken={})
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, connector: Path) -> Environment:
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install(ROOT)
    made.install(connector)
    return made


def test_it_is_the_installed_packages_that_are_used(environment: Environment, tmp_path: Path) -> None:
    code = "import backhaul, backhaul_my_crm; print(backhaul.__file__, backhaul_my_crm.__file__)"
    command = [str(environment.folder / "bin" / "python"), "-c", code]
    found = subprocess.run(command, cwd=tmp_path, env=environment.environ, capture_output=True, text=True, check=True)
    assert [path.startswith(str(environment.folder)) for path in found.stdout.split()] == [True, True]


def test_it_appears_with_its_quality(environment: Environment, tmp_path: Path) -> None:
    listed = json.loads(environment.run("backhaul", "connectors", "list", "--json", cwd=tmp_path))
    (found,) = [item for item in listed["items"] if item["name"] == "my_crm"]
    assert found == {
        "name": "my_crm",
        "source": "backhaul-my-crm 0.1.0: backhaul_my_crm",
        "actions": ["list_items", "put_item"],
        "quality": "gold",
    }


def test_it_passes_its_tests_and_the_suite(environment: Environment, connector: Path) -> None:
    declared = 'backhaul = "backhaul.testing.plugin"' in (ROOT / "pyproject.toml").read_text()
    options = [] if declared else ["-p", "backhaul.testing.plugin"]
    out = environment.run("pytest", "-q", "-p", "no:randomly", *options, cwd=connector)
    assert re.search(r"^3\d passed", out, re.MULTILINE), out


def test_its_readme_holds_a_connection_and_a_workflow_that_work(
    environment: Environment, connector: Path, tmp_path: Path
) -> None:
    readme = (connector / "README.md").read_text()
    settings, workflow = (re.findall(rf"```{kind}\n(.*?)```", readme, re.DOTALL)[0] for kind in ("toml", "yaml"))
    environment.environ["MY_CRM_HOOK_SECRET"] = "a-secret-of-the-sender"
    with environment.serving("backhaul_my_crm.sandbox") as url:
        (tmp_path / "backhaul.toml").write_text(settings.replace("http://127.0.0.1:8901", url))
        (tmp_path / "workflows").mkdir()
        (tmp_path / "workflows" / "items.yaml").write_text(workflow)
        environment.run("backhaul", "check", cwd=tmp_path)
        environment.run("backhaul", "connections", "check", cwd=tmp_path)
        done = json.loads(environment.run("backhaul", "run", "my-crm-items", "--json", cwd=tmp_path))
        assert done["status"] == "succeeded"
        items = json.loads(environment.run("backhaul", "call", "my_crm.list_items", "--json", cwd=tmp_path))
    assert [item["id"] for item in items] == [f"item-{number}" for number in range(1, 8)]
