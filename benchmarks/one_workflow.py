"""The definitions of a benchmark's executor: one workflow, whatever is asked for."""

from __future__ import annotations

from backhaul.store.records import WorkflowVersionRecord
from backhaul.workflows.definition import Workflow

__all__ = ["OneWorkflow"]


class OneWorkflow:
    """One workflow, whatever is asked for."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    def current(self, name: str) -> Workflow:
        """Return the workflow."""
        return self.workflow

    def stored(self, version: WorkflowVersionRecord) -> Workflow:
        """Return the workflow."""
        return self.workflow
