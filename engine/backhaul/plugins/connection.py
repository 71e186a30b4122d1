"""An open connection: its connector's actions, called with JSON or with typed values."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from backhaul.errors import UnknownNameError
from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec, AttemptInfo, Effect, Page, Verdict
from backhaul.plugins.calls import CallContext, calling, paged
from backhaul.plugins.change import Change
from backhaul.plugins.connector import Connector
from backhaul.plugins.events import PollPage
from backhaul.plugins.personal import marked_values
from backhaul.secrets import PrivateTexts

__all__ = ["Connection"]


class Connection:
    """One connection, used by all runs at the same time.

    Every method raises what the connector raises: `ActionError` for what happened at the other system, anything else
    unchanged. Parameters that do not fit are an `InputError`, raised before anything is sent.
    """

    def __init__(self, name: str, connector: Connector[Any], actions: Mapping[str, ActionSpec]) -> None:
        self.name = name
        self.connector = connector
        self.actions = actions

    async def call(self, action: str, params: Mapping[str, Json], context: CallContext) -> Json:
        """Carry out an action and return its result as JSON. For a listing use `stream`."""
        spec = self._spec(action)
        return spec.dump_result(await self.invoke(action, params, context))

    async def invoke(self, action: str, arguments: Mapping[str, Any], context: CallContext) -> Any:
        """Carry out an action with typed arguments (or JSON ones) and return its typed result."""
        spec = self._spec(action)
        if spec.is_stream:
            raise TypeError(f"{self.name}.{action} is a listing: stream it")
        checked = spec.arguments(arguments)
        with calling(_with_private(context, spec, arguments)):
            return await getattr(self.connector, action)(**checked)

    async def stream(
        self, action: str, params: Mapping[str, Json], cursor: str | None, context: CallContext
    ) -> AsyncGenerator[Page[Json], None]:
        """Give the pages of a listing with their items as JSON.

        Args:
            action: name of a listing.
            params: its parameters, without the cursor.
            cursor: `Page.next` of the last page that was seen, to continue after it; None for the beginning.
            context: the execution; it counts for each page.

        Raises:
            InputError: the parameters do not fit, or the listing cannot continue at a cursor.
        """
        spec = self._spec(action)
        async with aclosing(self.stream_typed(action, params, cursor, context)) as pages:
            async for page in pages:
                yield Page(items=spec.dump_result(list(page.items)), next=page.next, total=page.total)

    async def stream_typed(
        self, action: str, arguments: Mapping[str, Any], cursor: str | None, context: CallContext
    ) -> AsyncGenerator[Page[Any], None]:
        """Give the pages of a listing as the connector gives them."""
        spec = self._spec(action)
        if not spec.is_stream:
            raise TypeError(f"{self.name}.{action} is not a listing: call it")
        checked = spec.arguments(arguments)
        if cursor is not None:
            checked["cursor"] = cursor
        context = _with_private(context, spec, arguments)
        async with aclosing(paged(getattr(self.connector, action)(**checked), context)) as pages:
            async for page in pages:
                yield page

    async def verify(
        self, action: str, params: Mapping[str, Json], attempt: AttemptInfo, context: CallContext
    ) -> Verdict:
        """Read from the other system what became of a call whose outcome is not known.

        Returns:
            The connector's verdict, its result as JSON; `unknown` when the action has nothing to verify it with.
        """
        spec = self._spec(action)
        if spec.verify is None:
            return Verdict.unknown(f"{self.name}.{action} has no way to find out")
        checked = spec.arguments(params)
        with calling(replace(_with_private(context, spec, params), effect=Effect.READ)):
            verdict: Verdict = await getattr(self.connector, spec.verify)(**checked, attempt=attempt)
        return verdict if verdict.result is None else replace(verdict, result=spec.dump_result(verdict.result))

    async def describe(self, action: str, params: Mapping[str, Json], context: CallContext) -> Change:
        """Say what a call would change, which may need reads.

        Raises:
            UnknownNameError: the action has nothing to describe it with, or there is no such action.
        """
        spec = self._spec(action)
        if spec.describe is None:
            raise UnknownNameError("description of action", f"{self.name}.{action}")
        checked = spec.arguments(params)
        with calling(replace(_with_private(context, spec, params), effect=Effect.READ)):
            change: Change = await getattr(self.connector, spec.describe)(**checked)
        return change

    async def poll(self, name: str, cursor: str | None, context: CallContext) -> AsyncGenerator[PollPage, None]:
        """Give the pages of one look at a source of events.

        Args:
            name: name of the connector's `poll` method.
            cursor: `PollPage.next` of the last page that was stored; None at the very first look.
            context: the execution; it counts for each page.
        """
        source = getattr(self.connector, name)(cursor=cursor)
        async with aclosing(paged(source, context)) as pages:
            async for page in pages:
                yield page

    async def check(self) -> None:
        """Prove that the connection works.

        Raises:
            ActionError: it does not; the text says what to do.
        """
        with calling(CallContext(effect=Effect.READ, connection=self.name, action="check")):
            await self.connector.check()

    def _spec(self, action: str) -> ActionSpec:
        if action not in self.actions:
            raise UnknownNameError("action", f"{self.name}.{action}", [f"{self.name}.{one}" for one in self.actions])
        return self.actions[action]


def _with_private(context: CallContext, spec: ActionSpec, arguments: Mapping[str, Any]) -> CallContext:
    """Return the context of a call that knows the personal data among its arguments."""
    if not spec.takes_personal:
        return context
    private = PrivateTexts(lambda: marked_values(spec.dump_params(arguments), spec.params_schema))
    return replace(context, private=private)
