"""Which definition a run is carried out by."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from backhaul.errors import StoreError, UnknownNameError

if TYPE_CHECKING:
    from backhaul.store.records import RunRecord, WorkflowVersionRecord
    from backhaul.store.store import Store
    from backhaul.workflows.definition import Workflow

__all__ = ["Definitions", "definition_of"]


class Definitions(Protocol):
    """Where workflows come from."""

    def current(self, name: str) -> Workflow:
        """Return the project's present version of a workflow (`UnknownNameError` when there is none)."""
        ...

    def stored(self, version: WorkflowVersionRecord) -> Workflow:
        """Return the workflow whose text was stored with a run."""
        ...


async def definition_of(run: RunRecord, store: Store, definitions: Definitions) -> Workflow:
    """Return the workflow as it was when the run was made: the present one, as long as it has not changed.

    Raises:
        ConfigurationError: its text is no workflow in this version of the engine, or with these connectors.
        StoreError: the history does not have it.
    """
    with suppress(UnknownNameError):
        present = definitions.current(run.workflow)
        if present.digest == run.digest:
            return present
    version = await store.workflow_version(run.digest)
    if version is None:
        raise StoreError(f"the definition of run {run.run_id} is not in the store (digest {run.digest})")
    return definitions.stored(version)
