"""Backhaul: the automation engine for internet service providers and telephone operators.

For authors of workflows in Python: `workflow` makes an async function a workflow, `cron` and `on_event` start it,
`Run` is what it gets. Authors of connectors import from `backhaul.sdk`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backhaul.runs.python_run import Run as Run
    from backhaul.workflows.python_workflow import cron as cron
    from backhaul.workflows.python_workflow import on_event as on_event
    from backhaul.workflows.python_workflow import workflow as workflow

__all__ = ["Run", "__version__", "cron", "on_event", "workflow"]

__version__ = "0.1.0"

_HOMES = {
    "Run": "backhaul.runs.python_run",
    "cron": "backhaul.workflows.python_workflow",
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
