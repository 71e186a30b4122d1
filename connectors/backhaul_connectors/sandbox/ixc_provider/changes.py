"""Changes that people make in the ERP's own panel, as control routes under ``/_sandbox/provider``."""

from __future__ import annotations

from pydantic import RootModel
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.control_errors import ControlError, read_body
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["ErpChanges"]


class _Columns(RootModel[dict[str, str]]):
    """Columns of ``radusuarios`` to set, and ``unlink``: any value removes the login from its devices."""


class ErpChanges:
    """Changes logins and runs the ERP's own synchronisation."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return the control routes."""
        return [
            Route("/logins/{login}", self.show_login, methods=["GET"]),
            Route("/logins/{login}", self.change_login, methods=["POST"]),
            Route("/logins/{login}", self.delete_login, methods=["DELETE"]),
            Route("/devices/{serial}", self.show_devices, methods=["GET"]),
            Route("/sync", self.synchronise, methods=["POST"]),
        ]

    async def show_login(self, request: Request) -> JSONResponse:
        """Return the whole row of a login."""
        return JSONResponse(self._state.world.logins.row(self._login_id(request)))

    async def change_login(self, request: Request) -> JSONResponse:
        """Set columns of a login, such as ``{"ativo": "N"}``; ``unlink`` takes the login from its devices."""
        columns = dict((await read_body(request, _Columns)).root)
        world, login_id = self._state.world, self._login_id(request)
        unlinked: list[int] = []
        if "unlink" in columns:
            del columns["unlink"]
            unlinked = world.registered.find("id_login", str(login_id)) or []
        unknown = sorted(set(columns) - (world.logins.column_set - {"id"}))
        if unknown:
            raise ControlError(f"radusuarios has no column {', '.join(unknown)}")
        for row_id in unlinked:
            world.registered.set(row_id, {"id_login": "0"})
        if columns:
            world.logins.set(login_id, columns)
        return JSONResponse({"id": str(login_id), "unlinked": len(unlinked)})

    async def delete_login(self, request: Request) -> JSONResponse:
        """Delete a login, whatever still refers to it."""
        login_id = self._login_id(request)
        self._state.world.logins.delete(login_id)
        return JSONResponse({"id": str(login_id)})

    async def show_devices(self, request: Request) -> JSONResponse:
        """Return every ``acs_device`` row of a serial number."""
        table = self._state.world.registered
        ids = table.find("serial_number", request.path_params["serial"]) or []
        return JSONResponse({"items": [table.row(row_id) for row_id in ids]})

    async def synchronise(self, _: Request) -> JSONResponse:
        """Run the ERP's own synchronisation (S4): rows of devices that left the ACS are removed."""
        removed = self._state.world.synchronise_erp()
        return JSONResponse({"removed": len(removed), "serials": removed[:1000]})

    def _login_id(self, request: Request) -> int:
        login = request.path_params["login"]
        login_id = self._state.world.login_row(login)
        if login_id is None:
            raise ControlError(f"the ERP has no login {login}", 404)
        return login_id
