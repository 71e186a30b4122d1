"""The ids of all steps of a workflow file, found before the steps themselves are read."""

from __future__ import annotations

from collections.abc import Iterator

from backhaul.workflows.report import Report
from backhaul.workflows.scopes import Container, Location, Route
from backhaul.workflows.yaml_reader import ListNode, MapNode, Node, TextNode

__all__ = ["find_ids", "own_id"]


def own_id(step: Node) -> str:
    """Return the id that is written in a step, or an empty text."""
    node = step.get("id") if isinstance(step, MapNode) else None
    return node.value if isinstance(node, TextNode) and isinstance(node.value, str) else ""


def find_ids(steps: Node | None, report: Report) -> dict[str, Location]:
    """Return where each id of the workflow stands; an id that comes twice is reported."""
    found: dict[str, Location] = {}
    for step_id, location in _walk(steps, ()):
        if step_id in found:
            message = f"the id {step_id!r} stands in line {found[step_id].place.line} already"
            report.add(location.place, "duplicate-id", message)
        else:
            found[step_id] = location
    return found


def _walk(steps: Node | None, route: Route) -> Iterator[tuple[str, Location]]:
    if not isinstance(steps, ListNode):
        return
    for step in steps.items:
        if not isinstance(step, MapNode):
            continue
        step_id = own_id(step)
        if step_id:
            node = step.get("id")
            yield step_id, Location(node.place if node else step.place, route)
        kind = "each" if step.get("each") is not None else "do"
        yield from _walk(step.get("do"), (*route, Container(kind, step.place, step_id)))
        yield from _branches(step, step_id, route)
        on_error = step.get("on_error")
        if isinstance(on_error, MapNode):
            yield from _walk(on_error.get("do"), (*route, Container("on_error", on_error.place, step_id)))


def _branches(step: MapNode, step_id: str, route: Route) -> Iterator[tuple[str, Location]]:
    branches = step.get("parallel")
    if isinstance(branches, ListNode):
        for number, branch in enumerate(branches.items):
            container = Container("parallel", step.place, step_id, number)
            yield from _walk(ListNode((branch,), branch.place), (*route, container))
