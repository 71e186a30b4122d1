"""`backhaul check`: everything that is wrong with the project's files, in one pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backhaul.cli.exits import ExitCode
from backhaul.cli.output import clean, emit_json, note, say
from backhaul.cli.state import AsJson, state_of

if TYPE_CHECKING:
    from backhaul.app import Project

__all__ = ["check"]


def check(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]...", help="Show the problems of these files only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show everything that is wrong with the project's files.

    That is its settings, its plug-ins and its workflows, in one pass.

    Each problem is one line, FILE:LINE:COLUMN: CODE MESSAGE. Nothing is contacted. Ends with 2 when there are any.
    """
    from backhaul.cli.problems import all_problems
    from backhaul.views.workflows import problem_view

    project = state_of(context).project()
    problems = all_problems(project)
    for warning in project.connections().warnings():
        note(f"warning: {warning}")
    if files:
        wanted = _relative(project, files)
        problems = [problem for problem in problems if problem.place.file in wanted]
    if as_json:
        emit_json({"problems": [problem_view(problem) for problem in problems], "count": len(problems)})
    else:
        for problem in problems:
            say(clean(str(problem)))
        note(_count(project, len(problems)))
    raise typer.Exit(ExitCode.WRONG if problems else ExitCode.OK)


def _relative(project: Project, files: list[Path]) -> set[str]:
    from backhaul.errors import UnknownNameError

    root = project.folder.resolve()
    wanted = set()
    for file in files:
        whole = file.resolve()
        if not whole.is_file():
            raise UnknownNameError("file", str(file))
        if not whole.is_relative_to(root):
            raise UnknownNameError("file of this project", str(file))
        wanted.add(whole.relative_to(root).as_posix())
    return wanted


def _count(project: Project, problems: int) -> str:
    if problems:
        return f"{problems} problem{'s' * (problems > 1)}"
    workflows, connections = len(project.catalog.workflows), len(project.settings.connections)
    return (
        f"no problems: {workflows} workflow{'s' * (workflows != 1)}, {connections} connection{'s' * (connections != 1)}"
    )
