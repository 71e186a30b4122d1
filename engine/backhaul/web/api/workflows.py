"""`/workflows`: the project's workflows."""

from __future__ import annotations

from typing_extensions import TypedDict

from backhaul.store.service_records import Role
from backhaul.views.workflows import (
    ProblemView,
    WorkflowPage,
    WorkflowView,
    problem_view,
    workflow_page,
    workflow_view,
)
from backhaul.web.access import router_for
from backhaul.web.api.requests import TheApp

__all__ = ["routers"]

_viewer = router_for(Role.VIEWER, "workflows")
routers = (_viewer,)


class WorkflowList(TypedDict):
    """All workflows that can be started, the files that have problems, and these problems."""

    items: list[WorkflowView]
    broken_files: list[str]
    problems: list[ProblemView]


@_viewer.get("/workflows")
async def list_workflows(app: TheApp) -> WorkflowList:
    """List the project's workflows."""
    catalog = app.project.catalog
    return {
        "items": [workflow_view(catalog.workflows[name]) for name in sorted(catalog.workflows)],
        "broken_files": catalog.broken_files,
        "problems": [problem_view(problem) for problem in catalog.problems],
    }


@_viewer.get("/workflows/{name}")
async def show_workflow(app: TheApp, name: str) -> WorkflowPage:
    """Show a workflow: its triggers, its inputs, its steps and what is wrong with it."""
    catalog = app.project.catalog
    known = {**{draft.name: draft for draft in catalog.drafts}, **catalog.workflows}
    if name not in known:
        raise catalog.unknown(name, known)
    workflow = known[name]
    return workflow_page(workflow, [one for one in catalog.problems if one.place.file == workflow.path])
