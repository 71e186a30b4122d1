"""Changes that people make in Akixi's own pages, as control routes under ``/_sandbox/akixi``."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.akixi.clients import ClientStore, IntegratorClient
from backhaul_connectors.sandbox.akixi.directory import ANY_DEVICE, ISP_PARTITION, ISP_TELSYS, Scope
from backhaul_connectors.sandbox.akixi.page_clients import PAGE_ENVIRONMENT
from backhaul_connectors.sandbox.akixi.sessions import SessionDesk
from backhaul_connectors.sandbox.akixi.users import ADMIN
from backhaul_connectors.sandbox.control_errors import ControlError, read_body
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["AkixiChanges"]

_ALL_FIELDS = frozenset(
    {
        "TelSysDescription", "PartitionDescription", "DeviceDescription", "Policies", "Settings", "DeviceUniqueID",
        "UserIDCreatedBy", "UserIDUpdatedBy", "DateTimeCreated", "DateTimeUpdated",
    }
)  # fmt: skip


class _NewClient(BaseModel):
    """An entry for a subscriber's line (``index``), or for any server, partition and device."""

    model_config = ConfigDict(extra="forbid")

    index: int | None = Field(default=None, ge=0)
    tel_sys_id: int = ISP_TELSYS
    partition_id: int = ISP_PARTITION
    device_number: str = ANY_DEVICE
    description: str = "by hand"


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    description: str | None = None
    policies: dict[str, object] | None = None
    settings: dict[str, object] | None = None


class AkixiChanges:
    """Adds, shows, changes and removes entries by hand, without the rules of the API; ends sessions."""

    def __init__(
        self, store: Callable[[], ClientStore], sessions: Callable[[], SessionDesk], state: SandboxState
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._state = state

    def routes(self) -> list[Route]:
        """Return the control routes."""
        return [
            Route("/clients", self.list, methods=["GET"]),
            Route("/clients", self.add, methods=["POST"]),
            Route("/clients/{client_id}", self.show, methods=["GET"]),
            Route("/clients/{client_id}", self.change, methods=["POST"]),
            Route("/clients/{client_id}", self.remove, methods=["DELETE"]),
            Route("/sessions", self.end_sessions, methods=["DELETE"]),
        ]

    async def list(self, _: Request) -> JSONResponse:
        """Return all entries with every field, in the order of lists."""
        return JSONResponse({"items": [self._shown(client) for client in self._store()]})

    async def add(self, request: Request) -> JSONResponse:
        """Add an entry and tell its id, which the API does not."""
        wanted = await read_body(request, _NewClient)
        store, now = self._store(), self._state.clock.now()
        scope = Scope(wanted.tel_sys_id, wanted.partition_id, wanted.device_number)
        if wanted.index is not None:
            scope = Scope(ISP_TELSYS, ISP_PARTITION, store.directory.line_of(wanted.index))
        client = IntegratorClient(
            id=store.new_id(), description=wanted.description, scope=scope, environment=PAGE_ENVIRONMENT,
            created_at=now, updated_at=now, created_by=ADMIN.id, updated_by=ADMIN.id,
        )  # fmt: skip
        store.add(client)
        return JSONResponse(self._shown(client), 201)

    async def show(self, request: Request) -> JSONResponse:
        """Return one entry with every field."""
        return JSONResponse(self._shown(self._client(request)))

    async def change(self, request: Request) -> JSONResponse:
        """Set description, policies or settings."""
        client = self._client(request)
        wanted = await read_body(request, _Change)
        if wanted.description is not None:
            client.description = wanted.description
        if wanted.policies is not None:
            client.policies = wanted.policies
        if wanted.settings is not None:
            client.settings = wanted.settings
        client.updated_at = self._state.clock.now()
        return JSONResponse(self._shown(client))

    async def remove(self, request: Request) -> JSONResponse:
        """Remove one entry."""
        client = self._client(request)
        self._store().remove(client.id)
        return JSONResponse({"ID": client.id})

    async def end_sessions(self, _: Request) -> JSONResponse:
        """End all sessions, as a person's own login in a browser may do."""
        ended = self._sessions().live()
        self._sessions().expire_all()
        return JSONResponse({"ended": ended})

    def _client(self, request: Request) -> IntegratorClient:
        client_id = request.path_params["client_id"]
        client = self._store().get(client_id)
        if client is None:
            raise ControlError(f"Akixi has no integrator client {client_id}", 404)
        return client

    def _shown(self, client: IntegratorClient) -> dict[str, object]:
        return self._store().register(client, _ALL_FIELDS, texts=True)
