"""What a project with broken files says: the mistake itself, and nothing that only follows from it."""

from __future__ import annotations

import pytest

from cli.program import Cli

HELD = "workflows/tower_down.py has problems and may hold it: backhaul check"
CALLING = "steps: [{call: acs.list_devices}, {call: provider.list_logins}]\n"


@pytest.fixture
def broken(project: Cli) -> Cli:
    """A project with a Python file that cannot be imported, beside a workflow whose name is like the one in it."""
    project.write("workflows/tower_power.yaml", "on: [{cron: '0 3 * * *'}]\nsteps: [{set: {a: 1}}]\n")
    project.write("workflows/tower_down.py", "import nothing_of_that_name\n")
    return project


@pytest.mark.parametrize(
    "command",
    [
        ("run", "tower-down"),
        ("workflows", "show", "tower-down"),
        ("schedules", "next", "tower-down"),
        ("schedules", "pause", "tower-down/cron/1"),
    ],
)
def test_a_workflow_that_may_be_in_a_broken_file_is_not_said_to_be_nowhere(
    broken: Cli, command: tuple[str, ...]
) -> None:
    error = broken.json(*command, code=2)["error"]
    assert (error["type"], HELD in error["message"]) == ("UnknownNameError", True)


def test_settings_that_cannot_be_read_are_the_only_problem(project: Cli) -> None:
    project.write("workflows/calling.yaml", CALLING)
    project.write("backhaul.toml", "[store\n")
    done = project("check", code=2)
    assert done.stdout.startswith("backhaul.toml:1:")
    assert (done.stdout.count("\n"), "this is not TOML" in done.stdout) == (1, True)
    for command in (("run", "calling"), ("connections", "list"), ("connections", "check", "acs"), ("call", "acs.x")):
        assert "this is not TOML" in project(*command, code=2).stderr, command


def test_a_connection_with_a_refused_name_is_known_by_that_name_and_by_no_other(project: Cli) -> None:
    project.write("workflows/calling.yaml", "steps: [{call: towers.get}]\n")
    project.write("backhaul.toml", '[connections.Towers-x]\nconnector = "http"\nbase_url = "http://127.0.0.1"\n')
    refused, unknown = project("check", code=2).stdout.splitlines()
    assert "connections.Towers-x: the name of a connection is" in refused
    assert "there is no connection 'towers' (did you mean 'Towers-x'?)" in unknown
    assert "the name of a connection is" in project("call", "Towers-x.read", "path=/", code=2).stderr


def test_init_does_not_advise_to_overwrite_secrets_that_are_filled_in(cli: Cli) -> None:
    assert "cp .env.example .env && set -a && . ./.env" in cli("init").stdout
    cli.write(".env", "ACS_CLIENT_SECRET=mine\n")
    again = cli("init").stdout
    assert "cp " not in again
    assert "\n  set -a && . ./.env && set +a\n" in again


def test_a_workflow_shows_that_its_runs_are_planned_first(project: Cli) -> None:
    assert "planned first" not in project("workflows", "show", "greet").stdout
    project.write("workflows/careful.yaml", "plan: required\nsteps: [{set: {a: 1}}]\n")
    assert "its runs are planned first: a plan with effects waits" in project("workflows", "show", "careful").stdout
    project.write("workflows/careful.yaml", "plan: {auto_apply_below: {delete: 5, total: 9}}\nsteps: [{set: {a: 1}}]\n")
    shown = project("workflows", "show", "careful").stdout
    assert "applied at once with delete below 5, total below 9" in shown
