"""Backhaul: the automation engine for internet service providers and telephone operators.

For authors of workflows in Python: `workflow` makes an async function a workflow, `cron` and `on_event` start it,
`Concurrency` and `history` limit its runs, `cancel_on` ends them, `Run` is what it gets, `Difference` what its
`Run.reconcile` asks a reason for. Authors of connectors import from `backhaul.sdk`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backhaul.runs.python_run import Run as Run
    from backhaul.runs.reconciling.function_changes import Difference as Difference
    from backhaul.workflows.cancelling import cancel_on as cancel_on
    from backhaul.workflows.concurrency import Concurrency as Concurrency
    from backhaul.workflows.python_workflow import cron as cron
    from backhaul.workflows.python_workflow import history as history
    from backhaul.workflows.python_workflow import on_event as on_event
    from backhaul.workflows.python_workflow import workflow as workflow

__all__ = ["Concurrency", "Difference", "Run", "__version__", "cancel_on", "cron", "history", "on_event", "workflow"]

__version__ = "0.1.0"

_HOMES = {
    "Concurrency": "backhaul.workflows.concurrency",
    "Difference": "backhaul.runs.reconciling.function_changes",
    "Run": "backhaul.runs.python_run",
    "cancel_on": "backhaul.workflows.cancelling",
    "cron": "backhaul.workflows.python_workflow",
    "history": "backhaul.workflows.python_workflow",
    "on_event": "backhaul.workflows.python_workflow",
    "workflow": "backhaul.workflows.python_workflow",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `backhaul --help` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
