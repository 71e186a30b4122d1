"""The control interface under ``/_sandbox``: the log, faults, switches, the world and its expectation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from backhaul_connectors.sandbox.control_errors import ControlError, describe, on_control_error, read_body
from backhaul_connectors.sandbox.expectation import expected_sync
from backhaul_connectors.sandbox.face import VendorFace
from backhaul_connectors.sandbox.faults import FaultSpec
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.state import SandboxState
from backhaul_connectors.sandbox.subscribers import Subscribers

__all__ = ["control_app"]

_PAGE = 1000
_PAGE_MAX = 100_000


class _Reset(BaseModel):
    """What ``POST /_sandbox/reset`` may change; everything else stays as at the start."""

    model_config = ConfigDict(extra="forbid")

    devices: int | None = None
    seed: int | None = None
    fresh: bool | None = None
    shares: dict[str, float] | None = None


class _Settings(RootModel[dict[str, dict[str, object]]]):
    """Switches by vendor."""


class _Advance(BaseModel):
    model_config = ConfigDict(extra="forbid")

    advance_s: float


class _Control:
    def __init__(self, state: SandboxState, faces: Sequence[VendorFace]) -> None:
        self.state = state
        self.faces: Mapping[str, VendorFace] = {face.vendor: face for face in faces}

    # The log

    async def requests(self, request: Request) -> JSONResponse:
        """Return calls after ``since``, or the ``last`` so many: ``{"items": [...], "next": seq}``."""
        query = request.query_params
        newest = max(0, self.state.log.last_seq - _whole(query.get("last"), "last", self.state.log.last_seq))
        limit = min(_whole(query.get("limit"), "limit", _PAGE), _PAGE_MAX)
        entries, next_seq = self.state.log.since(
            _whole(query.get("since"), "since", newest),
            limit=limit,
            vendor=query.get("vendor"),
            effect=query.get("effect"),
        )
        return JSONResponse({"items": [entry.as_json() for entry in entries], "next": next_seq})

    async def summary(self, _: Request) -> JSONResponse:
        """Return counts by vendor, operation, effect and outcome."""
        return JSONResponse(self.state.log.summary())

    async def repeated(self, _: Request) -> JSONResponse:
        """Return the effects that were completed more than once."""
        return JSONResponse({"items": self.state.log.repeated()})

    async def clear_requests(self, _: Request) -> JSONResponse:
        """Forget all calls."""
        self.state.log.clear()
        return JSONResponse({"next": self.state.log.last_seq})

    # Faults

    async def faults(self, _: Request) -> JSONResponse:
        """Return all faults with their counters."""
        return JSONResponse({"items": self.state.faults.as_json()})

    async def add_fault(self, request: Request) -> JSONResponse:
        """Arm a fault."""
        spec = await read_body(request, FaultSpec)
        if spec.vendor != "*" and spec.vendor not in self.faces:
            raise ControlError(f"no vendor {spec.vendor}; there are: {', '.join(self.faces)}")
        return JSONResponse({"id": self.state.faults.add(spec)}, 201)

    async def clear_faults(self, _: Request) -> JSONResponse:
        """Disarm all faults."""
        self.state.faults.clear()
        return JSONResponse({"items": []})

    async def remove_fault(self, request: Request) -> JSONResponse:
        """Disarm one fault."""
        fault_id = int(request.path_params["fault_id"])
        if not self.state.faults.remove(fault_id):
            raise ControlError(f"no fault {fault_id}", 404)
        return JSONResponse({"id": fault_id})

    # Switches

    async def settings(self, _: Request) -> JSONResponse:
        """Return every vendor's switches."""
        return JSONResponse({name: face.switches.model_dump(mode="json") for name, face in self.faces.items()})

    async def change_settings(self, request: Request) -> JSONResponse:
        """Change switches: ``{"acs": {"token_life_s": 2}}``. Either all are accepted or none."""
        wanted = {}
        for name, values in (await read_body(request, _Settings)).root.items():
            face = self.faces.get(name)
            if face is None:
                raise ControlError(f"no vendor {name}; there are: {', '.join(self.faces)}")
            try:
                wanted[name] = type(face.switches).model_validate({**face.switches.model_dump(), **values})
            except ValidationError as error:
                raise ControlError(f"{name}: {describe(error)}") from error
        for name, switches in wanted.items():
            self.faces[name].switches = switches
            self.faces[name].switched()
        return await self.settings(request)

    async def credentials(self, _: Request) -> JSONResponse:
        """Return what clients need to sign in."""
        return JSONResponse({name: face.credentials() for name, face in self.faces.items()})

    # The world

    async def world(self, _: Request) -> JSONResponse:
        """Return options, time and counts."""
        world = self.state.world
        counts = {name: len(table) for name, table in world.tables.items()}
        return JSONResponse(
            {
                "options": asdict(world.options),
                "now": self.state.clock.iso(self.state.clock.now()),
                "erp_local_now": self.state.clock.local_now(),
                "counts": {"acs_devices_in_acs": len(world.devices), **counts},
                "vendor_counts": {name: face.counts() for name, face in self.faces.items()},
                "vendors": list(self.faces),
            }
        )

    async def expectation(self, request: Request) -> JSONResponse:
        """Return the effects of a correct nightly sync; with ``?counts=1`` only their numbers."""
        expected = expected_sync(self.state.world)
        lists = {"create": expected.create, "update": expected.update, "delete": expected.delete}
        short = request.query_params.get("counts") == "1"
        return JSONResponse(
            {
                **({name: len(items) for name, items in lists.items()} if short else lists),
                "unchanged": expected.unchanged,
                "reasons": dict(sorted(expected.reasons.items())),
            }
        )

    async def webhooks(self, _: Request) -> JSONResponse:
        """Wait for webhooks on their way and return the last deliveries."""
        await self.state.webhooks.drain()
        return JSONResponse({"items": self.state.webhooks.as_json()})

    async def advance(self, request: Request) -> JSONResponse:
        """Move the world's clock and let happen what became due."""
        self.state.clock.advance((await read_body(request, _Advance)).advance_s)
        self.state.world.agenda.run_due()
        return JSONResponse({"now": self.state.clock.iso(self.state.clock.now())})

    async def reset(self, request: Request) -> JSONResponse:
        """Start again from a seeded world, with no faults, initial switches and an empty log."""
        wanted = await read_body(request, _Reset)
        try:
            options = _reset_options(self.state.world.options, wanted)
        except ValueError as error:
            raise ControlError(str(error)) from error
        self.state.reset(options)
        for face in self.faces.values():
            face.reset()
        return await self.world(request)


def control_app(state: SandboxState, faces: Sequence[VendorFace]) -> Starlette:
    """Return the application that is mounted at ``/_sandbox``."""
    control = _Control(state, faces)
    routes: list[Route | Mount] = [
        Route("/requests", control.requests, methods=["GET"]),
        Route("/requests", control.clear_requests, methods=["DELETE"]),
        Route("/requests/summary", control.summary, methods=["GET"]),
        Route("/requests/repeated", control.repeated, methods=["GET"]),
        Route("/faults", control.faults, methods=["GET"]),
        Route("/faults", control.add_fault, methods=["POST"]),
        Route("/faults", control.clear_faults, methods=["DELETE"]),
        Route("/faults/{fault_id:int}", control.remove_fault, methods=["DELETE"]),
        Route("/settings", control.settings, methods=["GET"]),
        Route("/settings", control.change_settings, methods=["POST"]),
        Route("/credentials", control.credentials, methods=["GET"]),
        Route("/world", control.world, methods=["GET"]),
        Route("/expected_sync", control.expectation, methods=["GET"]),
        Route("/webhooks", control.webhooks, methods=["GET"]),
        Route("/clock", control.advance, methods=["POST"]),
        Route("/reset", control.reset, methods=["POST"]),
        *Subscribers(state, faces).routes(),
        *(Mount(f"/{face.vendor}", routes=face.changes()) for face in faces),
    ]
    return Starlette(routes=routes, exception_handlers={ControlError: on_control_error})


def _reset_options(current: WorldOptions, wanted: _Reset) -> WorldOptions:
    """Return the options of the new world. Raises ValueError if they make no sense."""
    devices = current.devices if wanted.devices is None else wanted.devices
    seed = current.seed if wanted.seed is None else wanted.seed
    if wanted.fresh is True:
        base = WorldOptions.fresh(devices=devices, seed=seed, zone=current.zone)
    elif wanted.fresh is False:
        base = WorldOptions(devices=devices, seed=seed, zone=current.zone)
    else:
        base = replace(current, devices=devices, seed=seed)
    return base.with_shares(wanted.shares or {})


def _whole(text: str | None, name: str, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ControlError(f"{name} must be a whole number")
    return int(text)
