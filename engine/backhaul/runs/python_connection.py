"""Connectors as a Python workflow sees them: every call is a journaled step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any

import anyio

from backhaul.errors import ReplayMismatchError
from backhaul.json_values import Json, digest, dump, load
from backhaul.plugins.action import ActionSpec, Page
from backhaul.runs.branches import Branch, alone, current_branch
from backhaul.runs.calls import Caller, CallRequest
from backhaul.runs.control import Parked
from backhaul.runs.datasets import StoredDataset
from backhaul.runs.journal import Journal
from backhaul.workflows.definition import RetryPolicy
from backhaul.workflows.unknown import Unknown, first_unknown, known

__all__ = ["Listing", "PythonConnection"]


class Listing(AsyncIterator[Page[Any]]):
    """The pages of a listing, as they come.

    Args:
        action: what lists them: ``connection.action``.
    """

    def __init__(self, action: str, pages: AsyncIterator[Page[Any]]) -> None:
        self.action = action
        self._pages = pages

    def __anext__(self) -> Awaitable[Page[Any]]:
        """Return the next page."""
        return self._pages.__anext__()


class PythonConnection:
    """Stands for a connector in a Python workflow: its actions are steps of the run."""

    def __init__(self, name: str, caller: Caller, journal: Journal, retry: RetryPolicy) -> None:
        self._name = name
        self._actions = caller.actions(name)
        self._caller = caller
        self._journal = journal
        self._retry = retry

    def __getattr__(self, name: str) -> Any:
        spec = self._actions.get(name)
        if spec is None:
            raise AttributeError(f"connection {self._name!r} has no action {name!r}; a workflow can call actions only")

        def call(*nameless: Any, **arguments: Any) -> Any:
            if nameless:
                names = ", ".join(one.name for one in spec.parameters)
                raise TypeError(f"{self._name}.{name}() takes its parameters by name: {names}")
            if spec.is_stream:
                return Listing(f"{self._name}.{name}", self._stream(spec, arguments))
            return self._call(spec, arguments)

        return call

    async def _call(self, spec: ActionSpec, arguments: Mapping[str, Any]) -> Any:
        branch = current_branch(f"{self._name}.{spec.name}")
        with alone(branch, f"{self._name}.{spec.name}"):
            request = await self._request(spec, branch, arguments)
            result = await self._performed(request, branch)
        return result if isinstance(result, Unknown) else spec.load_result(result)

    async def _stream(self, spec: ActionSpec, arguments: Mapping[str, Any]) -> AsyncIterator[Page[Any]]:
        """Store the listing page by page and hand out its pages, all of them typed."""
        branch = current_branch(f"{self._name}.{spec.name}")
        with alone(branch, f"{self._name}.{spec.name}"):
            request = await self._request(spec, branch, arguments)
            dataset = await self._performed(request, branch)
        if isinstance(known(dataset), StoredDataset):
            async for _, items in dataset.pages():
                yield Page(items=spec.load_result(items), total=dataset.count)

    async def _performed(self, request: CallRequest, branch: Branch) -> Json:
        try:
            return await self._caller.perform(request, branch.control)
        except anyio.get_cancelled_exc_class():
            if request.key in self._journal.unknown:  # also when it was the workflow that did not want to wait longer
                branch.ended = Parked(request.key, "the call was interrupted before its answer came")
            raise

    async def _request(self, spec: ActionSpec, branch: Branch, arguments: Mapping[str, Any]) -> CallRequest:
        if first_unknown(arguments) is None:
            params = spec.dump_params(arguments)
        else:  # a plan: what does not depend on an effect's outcome is shown as it is
            params = {name: _shown(value) for name, value in arguments.items()}
        key = branch.key(f"{self._name}.{spec.name}")
        prior = self._journal.recorded(key)
        if prior is not None and prior.params is not None and digest(prior.params) != digest(params):
            raise ReplayMismatchError(key, f"parameters {sorted(prior.params)} with other values", "new ones")
        return CallRequest(
            key=key, connection=self._name, action=spec.name, params=params, retry=self._retry, line=branch.line
        )


def _shown(value: Any) -> Json:
    return value if first_unknown(value) is not None else load(dump(value))
