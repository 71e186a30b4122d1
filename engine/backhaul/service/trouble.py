"""What the log says of a run that went wrong."""

from __future__ import annotations

import structlog

from backhaul.store.records import RunRecord, RunStatus

__all__ = ["log_trouble"]

_log = structlog.get_logger(__name__)
_WORDS = {RunStatus.FAILED: "run failed", RunStatus.NEEDS_ATTENTION: "run needs attention"}


def log_trouble(run: RunRecord) -> None:
    """Warn of a run that has failed or that needs a person; say nothing of others.

    The error's own message is left out: it may quote personal data, which the history covers and the log would not.
    """
    if run.status in _WORDS:
        error = run.error or {}
        _log.warning(
            _WORDS[run.status],
            run_id=run.run_id,
            workflow=run.workflow,
            step=error.get("step"),
            error=error.get("type"),
            more=f"backhaul runs show {run.run_id}",
        )
