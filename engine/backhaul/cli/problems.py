"""Everything that is wrong with a project's files: settings, plug-ins and workflows in one list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from backhaul.errors import DefinitionError, SettingError, UnknownNameError
from backhaul.plugins.connection_settings import connection_of
from backhaul.problems import Place, Problem
from backhaul.workflows.catalog import SUFFIXES, check_catalog, load_source
from backhaul.workflows.checks import check_workflow

if TYPE_CHECKING:
    from backhaul.app import Project
    from backhaul.plugins.connections import Connections
    from backhaul.plugins.registry import BrokenPlugin
    from backhaul.workflows.definition import Workflow

__all__ = ["all_problems", "checked_workflow", "is_file_name"]

_SETTING = re.compile(r"(?P<file>[^:]+)(?::(?P<line>\d+))?(?::(?P<column>\d+))?(?:: (?P<key>.*))?", re.DOTALL)
_PLUGIN = re.compile(r"(?P<file>[^:\s]+\.py):(?P<line>\d+): ")


def all_problems(project: Project) -> list[Problem]:
    """Return what is wrong with the settings, the plug-ins and the workflows, sorted by place.

    Of settings that cannot be read at all, that is said once, and not at every use of a connection.
    """
    connections = project.connections()
    settings = _settings(project, connections)
    found = {_of_setting(error) for error in settings}
    found |= {_of_plugin(plugin) for plugin in project.registry.broken}
    if not project.settings.is_read:
        return sorted(found | set(project.catalog.problems))
    actions = connections.actions()
    # What is wrong with settings is said once, above; at its uses only when nothing is known of the connection.
    unusable = {name: reason for name, reason in _broken(settings).items() if name not in actions}
    found |= set(check_catalog(project.catalog, actions, unusable, connections.event_types()))
    return sorted(found)


def checked_workflow(project: Project, name: str) -> Workflow:
    """Return the workflow that a person names, proven against the project's connections and other workflows.

    Args:
        project: the project.
        name: the name of one of its workflows, or a file, which may be anywhere.

    Raises:
        DefinitionError: it has problems.
        UnknownNameError: there is no such workflow or file.
        SettingError: the settings cannot be read.
    """
    project.settings.require_read()
    workflow = _from_file(project, Path(name)) if is_file_name(name) else project.catalog.get(name)
    connections = project.connections()
    workflows = {**{draft.name: draft for draft in project.catalog.drafts}, workflow.name: workflow}
    broken = _broken(_settings(project, connections))
    problems = check_workflow(workflow, connections.actions(), workflows, broken, connections.event_types())
    if problems:
        raise DefinitionError(problems)
    return workflow


def is_file_name(name: str) -> bool:
    """Return whether a person means a file rather than the name of a workflow."""
    return "/" in name or Path(name).suffix in SUFFIXES


def _from_file(project: Project, path: Path) -> Workflow:
    kind = SUFFIXES.get(path.suffix)
    if kind is None or not path.is_file():
        raise UnknownNameError("workflow file", str(path))
    whole = path.resolve()
    root = project.folder.resolve()
    relative = whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(path)
    broken = [problem for problem in project.catalog.problems if problem.place.file == relative]
    if broken:
        raise DefinitionError(broken)
    try:
        source = whole.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError([Problem(Place(relative, 1, 1), "unreadable-file", str(error))]) from None
    return load_source(kind, relative, source, root=root)


def _settings(project: Project, connections: Connections) -> list[SettingError]:
    """Return what is wrong with the settings; what a connector says of a value that is not there adds nothing."""
    found = list(project.settings.problems)
    places = {error.where for error in found}
    return found + [error for error in connections.problems() if error.where not in places]


def _broken(errors: Iterable[SettingError]) -> dict[str, str]:
    """Return the connections that cannot be used, with the reason."""
    broken: dict[str, str] = {}
    for error in errors:
        name = connection_of(error)
        if name is not None:
            broken.setdefault(name, f"{error.reason} ({error.where})")
    return broken


def _of_setting(error: SettingError) -> Problem:
    found = _SETTING.fullmatch(error.where)
    if found is None:
        return Problem(Place(error.where, 1, 1), "bad-setting", error.reason)
    advice, suggestion = error.advice, ""
    near = re.fullmatch(r"Did you mean '(.+)'\?", advice)
    if near:
        advice, suggestion = "", near[1]
    key = f"{found['key']}: " if found["key"] else ""
    message = f"{key}{error.reason}" + (f". {advice}" if advice else "")
    place = Place(found["file"], int(found["line"] or 1), int(found["column"] or 1))
    return Problem(place, "bad-setting", message, suggestion)


def _of_plugin(plugin: BrokenPlugin) -> Problem:
    found = _PLUGIN.match(plugin.reason)
    line = int(found["line"]) if found and plugin.source.endswith(f"/{found['file']}") else 1
    return Problem(Place(plugin.source, line, 1), "broken-plugin", plugin.reason)
