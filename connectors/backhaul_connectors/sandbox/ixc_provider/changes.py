"""Changes that people make in the ERP's own panel, as control routes under ``/_sandbox/provider``."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import RootModel
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.control_errors import ControlError, read_body
from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["ErpChanges"]


class _Columns(RootModel[dict[str, str]]):
    """Columns to set; for a login also ``unlink``: any value removes the login from its devices."""


class ErpChanges:
    """Changes logins and device rows, and runs the ERP's own synchronisation."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return the control routes."""
        return [
            Route("/logins/{login}", self.show_login, methods=["GET"]),
            Route("/logins/{login}", self.change_login, methods=["POST"]),
            Route("/logins/{login}", self.delete_login, methods=["DELETE"]),
            Route("/devices", self.add_device, methods=["POST"]),
            Route("/devices/{serial}", self.show_devices, methods=["GET"]),
            Route("/devices/{serial}", self.change_devices, methods=["POST"]),
            Route("/devices/{serial}", self.delete_devices, methods=["DELETE"]),
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
        _check_columns(world.logins, columns)
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
        return JSONResponse({"items": [table.row(row_id) for row_id in self._device_ids(request)]})

    async def add_device(self, request: Request) -> JSONResponse:
        """Enter a row for a device by hand, also a second one for the same serial number."""
        columns = (await read_body(request, _Columns)).root
        table = self._state.world.registered
        _check_columns(table, columns)
        return JSONResponse({"id": str(table.insert(columns))}, 201)

    async def change_devices(self, request: Request) -> JSONResponse:
        """Set columns of every row of a serial number, such as ``{"serial_number": "acme-00c0ffee"}``."""
        columns = (await read_body(request, _Columns)).root
        table = self._state.world.registered
        _check_columns(table, columns)
        ids = self._device_ids(request)
        for row_id in ids:
            table.set(row_id, columns)
        return JSONResponse({"changed": len(ids)})

    async def delete_devices(self, request: Request) -> JSONResponse:
        """Delete every row of a serial number."""
        return JSONResponse({"deleted": self._state.world.drop_registered(request.path_params["serial"])})

    async def synchronise(self, _: Request) -> JSONResponse:
        """Run the ERP's own synchronisation (S4): rows of devices that left the ACS are removed."""
        removed = self._state.world.synchronise_erp()
        return JSONResponse({"removed": len(removed), "serials": removed[:1000]})

    def _device_ids(self, request: Request) -> list[int]:
        return self._state.world.registered.find("serial_number", request.path_params["serial"]) or []

    def _login_id(self, request: Request) -> int:
        login = request.path_params["login"]
        login_id = self._state.world.login_row(login)
        if login_id is None:
            raise ControlError(f"the ERP has no login {login}", 404)
        return login_id


def _check_columns(table: Table, columns: Mapping[str, str]) -> None:
    unknown = sorted(set(columns) - (table.column_set - {"id"}))
    if unknown:
        raise ControlError(f"{table.name} has no column {', '.join(unknown)}")
