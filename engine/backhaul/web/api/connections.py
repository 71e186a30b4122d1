"""`/connections`: the endpoints that the project's settings name."""

from __future__ import annotations

from typing_extensions import TypedDict

from backhaul.app import App
from backhaul.errors import SettingError
from backhaul.store.service_records import Role
from backhaul.views.connections import (
    CheckView,
    ConnectionPage,
    ConnectionView,
    budget_view,
    check_connection,
    connection_view,
)
from backhaul.web.access import router_for
from backhaul.web.api.requests import TheApp

__all__ = ["routers"]

_viewer, _operator = router_for(Role.VIEWER, "connections"), router_for(Role.OPERATOR, "connections")
routers = (_viewer, _operator)


class ConnectionList(TypedDict):
    """All connections, in the order of the settings file."""

    items: list[ConnectionView]


@_viewer.get("/connections")
async def list_connections(app: TheApp) -> ConnectionList:
    """List the connections, without contacting them."""
    faults = _faults(app)
    return {"items": [connection_view(app.connections, name, faults) for name in app.connections.names]}


@_viewer.get("/connections/{name}")
async def show_connection(app: TheApp, name: str) -> ConnectionPage:
    """Show a connection and what it has used of its limits."""
    return {
        **connection_view(app.connections, name, _faults(app)),
        "budget": await budget_view(app.connections, name, app.store, app.clock.now()),
    }


@_operator.post("/connections/{name}/check")
async def check(app: TheApp, name: str) -> CheckView:
    """Prove that a connection works, with the least rights and without changing anything."""
    app.connections.settings(name)
    return await check_connection(app.connections, name)


def _faults(app: App) -> list[SettingError]:
    return [*app.project.settings.problems, *app.connections.problems()]
