"""Control routes under ``/_sandbox/acs`` for the pairing with the ERP: synchronise, and paste another public key."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.control_errors import ControlError, read_body
from backhaul_connectors.sandbox.ixc_acs.erp_client import ErpClient
from backhaul_connectors.sandbox.ixc_acs.synchronise import Synchronisation, SynchronisationError

__all__ = ["PairingChanges"]


class _PublicKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    public_key: str


class PairingChanges:
    """What people do in the ACS's panel about the ERP."""

    def __init__(self, sync: Callable[[], Synchronisation], client: Callable[[], ErpClient]) -> None:
        self._sync = sync
        self._client = client

    def routes(self) -> list[Route]:
        """Return the control routes."""
        return [
            Route("/sync", self.synchronise, methods=["POST"]),
            Route("/sync", self.last, methods=["GET"]),
            Route("/erp_client", self.set_key, methods=["POST"]),
        ]

    async def synchronise(self, _: Request) -> JSONResponse:
        """Press Synchronize (S6): counts, or 409 with the reason if the pairing does not work."""
        try:
            return JSONResponse(self._sync().run())
        except SynchronisationError as error:
            raise ControlError(str(error), 409) from error

    async def last(self, _: Request) -> JSONResponse:
        """Return the result of the last synchronisation, the daily one included; null before the first."""
        return JSONResponse(self._sync().last)

    async def set_key(self, request: Request) -> JSONResponse:
        """Paste the public key of the ERP-type client, stray blanks and all."""
        self._client().set_public_key((await read_body(request, _PublicKey)).public_key)
        return JSONResponse({"stored": True})
