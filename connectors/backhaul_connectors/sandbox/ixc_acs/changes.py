"""Changes that people make in the ACS's own panel, as control routes under ``/_sandbox/acs``."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.control_errors import ControlError, read_body
from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.ixc_acs.events import EventSender
from backhaul_connectors.sandbox.ixc_acs.registers import is_online
from backhaul_connectors.sandbox.ixc_acs.returning import plan_returns
from backhaul_connectors.sandbox.ixc_acs.switches import AcsSwitches
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["DeviceChanges"]

_SHOWN = 1000


class _NewDevice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    serial: str | None = Field(default=None, min_length=1, max_length=64)
    pppoe_login: str | None = None


class _NewLogin(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pppoe_login: str | None


class _MassDelete(BaseModel):
    model_config = ConfigDict(extra="forbid")

    serials: list[str] | None = None
    share: float | None = Field(default=None, ge=0, le=1)
    count: int | None = Field(default=None, ge=0)


class DeviceChanges:
    """Adds, removes and relinks devices, with the documented webhooks (rules S2-S4)."""

    def __init__(
        self, state: SandboxState, switches: Callable[[], AcsSwitches], events: Callable[[], EventSender]
    ) -> None:
        self._state = state
        self._switches = switches
        self._events = events

    def routes(self) -> list[Route]:
        """Return the control routes."""
        return [
            Route("/devices", self.add, methods=["POST"]),
            Route("/mass_delete", self.mass_delete, methods=["POST"]),
            Route("/devices/{serial}", self.remove, methods=["DELETE"]),
            Route("/devices/{serial}/login", self.set_login, methods=["POST"]),
        ]

    async def add(self, request: Request) -> JSONResponse:
        """Add a device (event ``device.added``). Without a serial number one is invented."""
        wanted = await read_body(request, _NewDevice)
        devices = self._state.world.devices
        serial = wanted.serial or self._new_serial()
        if devices.find(serial) is not None:
            raise ControlError(f"the device {serial} exists already", 409)
        slot = devices.add(serial, wanted.pppoe_login, at=self._state.clock.now())
        self._events().emit("device.added", "device", slot)
        return JSONResponse({"serial": serial, "pppoe_login": wanted.pppoe_login}, 201)

    async def remove(self, request: Request) -> JSONResponse:
        """Delete a device by hand: event ``device.removed``, and the ERP drops it, unless its webhook is lost (S3)."""
        world = self._state.world
        slot = self._slot(request)
        serial = world.devices.serial(slot)
        self._forget([slot])
        switches = self._switches()
        lost = switches.webhook_lost or switches.erp_webhook_lost
        dropped = 0 if lost else world.drop_registered(serial)
        self._events().emit("device.removed", "device", slot)
        return JSONResponse({"serial": serial, "erp_rows_dropped": dropped})

    async def mass_delete(self, request: Request) -> JSONResponse:
        """Delete many devices silently: no webhook, and the ERP keeps its rows (S4)."""
        wanted = await read_body(request, _MassDelete)
        if sum(value is not None for value in (wanted.serials, wanted.share, wanted.count)) != 1:
            raise ControlError("give exactly one of serials, share, count")
        world = self._state.world
        if wanted.serials is not None:
            found = (world.devices.find(serial) for serial in wanted.serials)
            slots = list({slot for slot in found if slot is not None})
        else:
            count = wanted.count if wanted.count is not None else round(len(world.devices) * (wanted.share or 0))
            slots = world.devices.sample(count, world.random)
        serials = [world.devices.serial(slot) for slot in world.devices.by_serial(slots)[:_SHOWN]]
        self._forget(slots)
        return JSONResponse({"deleted": len(slots), "left": len(world.devices), "serials": serials})

    async def set_login(self, request: Request) -> JSONResponse:
        """Set or clear (null) the PPPoE login that the device reports (event ``device.parameters_changed``)."""
        wanted = await read_body(request, _NewLogin)
        slot = self._slot(request)
        devices = self._state.world.devices
        devices.set_login(slot, wanted.pppoe_login)
        self._events().emit("device.parameters_changed", "parameters", slot)
        return JSONResponse({"serial": devices.serial(slot), "pppoe_login": wanted.pppoe_login})

    def _forget(self, slots: list[int]) -> None:
        """Remove devices; if the switch says so, they register again at their next inform (assumed)."""
        world = self._state.world
        if self._switches().deleted_reappears:
            plan_returns(world, (slot for slot in slots if is_online(world, slot)), self._events())
        if len(slots) == 1:
            world.devices.remove(slots[0])
        else:
            world.devices.remove_many(set(slots))
        for slot in slots:
            world.live.forget(slot)

    def _slot(self, request: Request) -> int:
        serial = request.path_params["serial"]
        slot = self._state.world.devices.find(serial)
        if slot is None:
            raise ControlError(f"the ACS has no device {serial}", 404)
        return slot

    def _new_serial(self) -> str:
        devices = self._state.world.devices
        bits = mix(self._state.world.options.seed, len(devices) + devices.version)
        while devices.find(f"ACME{bits & 0xFFFF_FFFF:08X}") is not None:
            bits += 1
        return f"ACME{bits & 0xFFFF_FFFF:08X}"
