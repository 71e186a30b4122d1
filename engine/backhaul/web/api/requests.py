"""What the API's routes take from a request: the application, a page, a screen, texts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, TypeAlias, TypeVar

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from backhaul.app import App
from backhaul.errors import UnknownNameError
from backhaul.store.records import RunRecord
from backhaul.store.service_records import Role
from backhaul.views.screen import Screen
from backhaul.web.access import require
from backhaul.web.tokens import Tokens

__all__ = [
    "Body",
    "Cursor",
    "Limit",
    "ListPage",
    "Name",
    "Note",
    "RunId",
    "TheApp",
    "TheScreen",
    "TheTokens",
    "existing_run",
]

ItemT = TypeVar("ItemT")

_NO_NUL = r"^[^\x00]*$"

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=1000, pattern=_NO_NUL)]
Note: TypeAlias = Annotated[str, Field(max_length=2000, pattern=_NO_NUL)]
RunId: TypeAlias = Annotated[str, Path(max_length=64, description="The run's whole id.")]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
Cursor: TypeAlias = Annotated[
    str | None, Query(max_length=4000, description="`next` of another page, to continue after it.")
]


class Body(BaseModel):
    """Base of what requests send."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ListPage(TypedDict, Generic[ItemT]):
    """A page of a listing; `next` is the cursor of the page after it, null after the last."""

    items: list[ItemT]
    next: str | None


def _app(request: Request) -> App:
    app: App = request.app.state.backhaul
    return app


def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens


TheApp: TypeAlias = Annotated[App, Depends(_app)]
TheTokens: TypeAlias = Annotated[Tokens, Depends(_tokens)]


def _screen(
    request: Request,
    app: TheApp,
    show_personal: Annotated[
        bool, Query(description="Show personal data instead of ***; needs the role operator.")
    ] = False,
) -> Screen:
    if show_personal:
        require(request, Role.OPERATOR)
    return Screen(app.connections.actions, show_personal=show_personal)


TheScreen: TypeAlias = Annotated[Screen, Depends(_screen)]


async def existing_run(app: App, run_id: str) -> RunRecord:
    """Return a run.

    Raises:
        UnknownNameError: there is none.
    """
    run = await app.store.run(run_id)
    if run is None:
        raise UnknownNameError("run", run_id)
    return run
