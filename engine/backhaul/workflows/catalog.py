"""The catalog: all workflows of a project's folder, and what is wrong in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from backhaul.errors import DefinitionError, UnknownNameError
from backhaul.plugins.action import ActionSpec
from backhaul.problems import Place, Problem
from backhaul.workflows.checks import check_workflow
from backhaul.workflows.definition import Workflow
from backhaul.workflows.python_workflow import load_python_workflows
from backhaul.workflows.yaml_reader import decode
from backhaul.workflows.yaml_workflow import Draft, read_yaml_workflow

__all__ = ["Catalog", "check_catalog", "keeping_last_good", "load_source", "read_folder"]

SUFFIXES: Mapping[str, Literal["yaml", "python"]] = {".yaml": "yaml", ".yml": "yaml", ".py": "python"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What a folder holds.

    Attributes:
        workflows: by name, those without problems.
        problems: of all files, sorted by place.
        drafts: all that could be read, also of files with problems; only good for checks.
    """

    workflows: Mapping[str, Workflow] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    drafts: tuple[Workflow, ...] = ()

    @property
    def broken_files(self) -> list[str]:
        """The files that have problems, sorted."""
        return sorted({problem.place.file for problem in self.problems})

    def get(self, name: str) -> Workflow:
        """Return the workflow of a name.

        Raises:
            DefinitionError: its file has problems.
            UnknownNameError: there is no such workflow.
        """
        if name in self.workflows:
            return self.workflows[name]
        paths = {draft.path for draft in self.drafts if draft.name == name}
        problems = [problem for problem in self.problems if problem.place.file in paths]
        if problems:
            raise DefinitionError(problems)
        raise self.unknown(name)

    def unknown(self, name: str, known: Iterable[str] | None = None) -> UnknownNameError:
        """Return the error for a name that no workflow has, as far as files could be read.

        Args:
            name: the name asked for.
            known: the names that there are; those of `workflows` when None.
        """
        names = tuple(self.workflows if known is None else known)
        return UnknownNameError("workflow", name, names, broken_files=self.broken_files)


def read_folder(path: Path, root: Path) -> Catalog:
    """Read all workflow files of a folder (not of folders inside of it).

    Python files whose name begins with ``_`` are helpers and are skipped, as are hidden files.

    Args:
        path: the project's folder of workflows; need not exist.
        root: the project; paths in places are relative to it.
    """
    drafts: list[Workflow] = []
    problems: list[Problem] = []
    files = sorted(path.iterdir()) if path.is_dir() else []
    for file in files:
        if file.suffix in SUFFIXES and not file.name.startswith((".", "_")) and file.is_file():
            found, wrong = _read_file(file, _relative(file, root))
            drafts += found
            problems += wrong
    problems += _repeated_names(drafts)
    broken = {problem.place.file for problem in problems}
    workflows = {draft.name: draft for draft in drafts if draft.path not in broken}
    return Catalog(workflows=workflows, problems=tuple(sorted(problems)), drafts=tuple(drafts))


def check_catalog(
    catalog: Catalog,
    actions: Mapping[str, Mapping[str, ActionSpec]],
    broken: Mapping[str, str] | None = None,
    events: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Problem]:
    """Return all problems of a folder, also those that only show beside connections and other workflows, sorted.

    Args:
        catalog: what was read.
        actions: the actions of every connection.
        broken: connections whose connector or settings have a problem, with the reason.
        events: the types of events of the connections that know theirs, without the connection's name.
    """
    workflows = {draft.name: draft for draft in catalog.drafts}
    problems = set(catalog.problems)
    for draft in catalog.drafts:
        problems.update(check_workflow(draft, actions, workflows, broken, events))
    return sorted(problems)


def keeping_last_good(present: Catalog, read: Catalog, problems: Sequence[Problem]) -> Catalog:
    """Return what was read, and where a file has problems the workflows that it held before.

    Args:
        present: the catalog so far.
        read: what the files hold now.
        problems: what is wrong in these; they are the catalog's problems.
    """
    broken = {problem.place.file for problem in problems}
    workflows = {name: workflow for name, workflow in read.workflows.items() if workflow.path not in broken}
    for name, workflow in present.workflows.items():
        if workflow.path in broken:
            workflows.setdefault(name, workflow)
    drafted = {draft.name for draft in read.drafts}
    kept = tuple(workflow for name, workflow in workflows.items() if name not in drafted)
    return Catalog(
        workflows=dict(sorted(workflows.items(), key=lambda item: (item[1].path, item[0]))),
        problems=tuple(problems),
        drafts=read.drafts + kept,
    )


def load_source(kind: str, path: str, source: str, name: str | None = None, root: Path | None = None) -> Workflow:
    """Return the workflow of a stored text, without a catalog.

    Args:
        kind: ``yaml`` or ``python``.
        path: the file it was read from, relative to the project; the file itself is not read.
        source: the text.
        name: which workflow, for Python files that hold several.
        root: the project; Python files find helpers beside `path` in it.

    Raises:
        DefinitionError: the text has problems.
        UnknownNameError: the text holds no workflow of this name, or several and no name was given.
    """
    if kind == "yaml":
        draft = read_yaml_workflow(source, path)
        if draft.problems or draft.workflow is None:
            raise DefinitionError(draft.problems)
        found = [draft.workflow]
    else:
        found = load_python_workflows(source, path, folder=(root / path).parent if root else None)
    if name is None and len(found) == 1:
        return found[0]
    for workflow in found:
        if workflow.name == name:
            return workflow
    raise UnknownNameError("workflow", name or "", [workflow.name for workflow in found])


def _relative(file: Path, root: Path) -> str:
    try:
        return file.relative_to(root).as_posix()
    except ValueError:
        return file.as_posix()


def _read_file(file: Path, path: str) -> tuple[list[Workflow], list[Problem]]:
    try:
        content = file.read_bytes()
    except OSError as error:
        return [], [Problem(Place(path, 1, 1), "unreadable-file", f"the file cannot be read: {error.strerror}")]
    source, problems = decode(content, path)
    if problems:
        return [], problems
    if SUFFIXES[file.suffix] == "yaml":
        return _of_draft(read_yaml_workflow(source, path))
    try:
        return load_python_workflows(source, path, folder=file.parent), []
    except DefinitionError as error:
        return [], list(error.problems)


def _of_draft(draft: Draft) -> tuple[list[Workflow], list[Problem]]:
    return ([draft.workflow] if draft.workflow else []), list(draft.problems)


def _repeated_names(drafts: Iterable[Workflow]) -> list[Problem]:
    by_name: dict[str, list[Workflow]] = {}
    for draft in drafts:
        by_name.setdefault(draft.name, []).append(draft)
    problems = []
    for name, same in by_name.items():
        for draft in same if len(same) > 1 else ():
            others = ", ".join(str(other.place()) for other in same if other is not draft)
            message = f"the name {name!r} is taken by {others} too: give one of them another name"
            problems.append(Problem(draft.place(), "duplicate-workflow", message))
    return problems
