"""YAML workflow files: from the text to a `Workflow`, with all problems that the file alone shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from backhaul.problems import Place, Problem
from backhaul.workflows.definition import Workflow
from backhaul.workflows.missing import kind_of
from backhaul.workflows.report import Report
from backhaul.workflows.scopes import Scope
from backhaul.workflows.step_ids import find_ids
from backhaul.workflows.yaml_dispatching import read_cancel_on, read_concurrency, read_history, read_plan, read_priority
from backhaul.workflows.yaml_fields import NAME, Fields
from backhaul.workflows.yaml_inputs import read_inputs
from backhaul.workflows.yaml_reader import ListNode, MapNode, read_yaml
from backhaul.workflows.yaml_steps import read_steps
from backhaul.workflows.yaml_triggers import read_triggers

__all__ = ["WORKFLOW_KEYS", "Draft", "name_of_file", "read_yaml_workflow", "source_digest"]

WORKFLOW_KEYS = (
    *("name", "description", "on", "cancel_on", "inputs", "priority", "concurrency", "history", "plan"),
    *("timeout", "steps", "output"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What could be read of a workflow file.

    Attributes:
        workflow: the workflow; when there are problems it lacks what is wrong, and is only good for further checks.
            None when nothing could be read.
        problems: what is wrong in the file.
    """

    workflow: Workflow | None
    problems: tuple[Problem, ...]


def source_digest(source: str, name: str = "") -> str:
    """Return the hex digits that stand for a workflow: for its text and its name, which the text may not tell.

    A Python file may hold several workflows, and a YAML file may leave the name to the file's.
    """
    return hashlib.blake2b(f"{name}\0{source}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def name_of_file(path: str) -> str:
    """Return the name of a workflow whose file states none: ``workflows/nightly_sync.yaml`` is nightly-sync."""
    return PurePosixPath(path).stem.lower().replace("_", "-")


def read_yaml_workflow(source: str, path: str) -> Draft:
    """Read the text of a YAML workflow.

    Args:
        source: the file's text.
        path: the file, relative to the project; stands in the problems' places.
    """
    node, problems = read_yaml(source, path)
    report = Report(problems)
    if node is not None and not isinstance(node, MapNode):
        report.add(node.place, "bad-workflow", f"a workflow is a mapping with 'steps', not {kind_of(node.plain())}")
    workflow = _workflow(node, source, path, report) if isinstance(node, MapNode) else None
    return Draft(workflow=workflow, problems=tuple(sorted(report.problems)))


def _workflow(node: MapNode, source: str, path: str, report: Report) -> Workflow:
    fields = Fields(node, WORKFLOW_KEYS, report, "a workflow")
    cron, events = read_triggers(fields.get("on"), report)
    inputs = read_inputs(fields.mapping("inputs"), report)
    steps_node = fields.get("steps")
    if steps_node is None:
        report.add(node.place, "missing-key", "a workflow needs the key 'steps'")
    scope = Scope(
        report=report,
        inputs=frozenset(declared.name for declared in inputs),
        locations=find_ids(steps_node, report),
        visible={},
    )
    steps = read_steps(steps_node, scope)
    name = _name(fields, path)
    return Workflow(
        name=name,
        digest=source_digest(source, name),
        kind="yaml",
        path=path,
        source=source,
        description=fields.text("description"),
        inputs=inputs,
        cron=cron,
        events=events,
        timeout_s=fields.duration("timeout", zero=False),
        priority=read_priority(fields),
        concurrency=read_concurrency(fields, scope),
        cancel_on=read_cancel_on(fields, scope),
        history=read_history(fields),
        plan=read_plan(fields),
        steps=steps,
        output=fields.template("output", scope),
        places=_places(node),
    )


def _places(node: MapNode) -> dict[str, Place]:
    """Return where the workflow's keys stand, and where the events of ``on`` and ``cancel_on`` do, by their types."""
    places = {entry.key: entry.value.place for entry in node.entries}
    for key in ("on", "cancel_on"):
        found = node.get(key)
        for item in found.items if isinstance(found, ListNode) else (found,):
            event = item.get("event") if isinstance(item, MapNode) else None
            if event is not None:
                places[f"{key} {event.plain()}"] = event.place
    return places


def _name(fields: Fields, path: str) -> str:
    name = fields.text("name")
    if name and not NAME.fullmatch(name):
        advice = "write small letters, digits and -, as in nightly-sync"
        fields.wrong("name", f"{name!r} is no name: {advice}", code="bad-name")
        return name
    if name:
        return name
    name = name_of_file(path)
    if not NAME.fullmatch(name) and not fields.has("name"):
        fields.report.add(fields.node.place, "missing-key", f"the file's name gives no name ({name!r}): write 'name'")
    return name
