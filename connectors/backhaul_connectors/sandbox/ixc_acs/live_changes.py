"""Control routes under ``/_sandbox/acs`` for what single devices are doing: plug, contact, line, fixtures."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.control_errors import ControlError, read_body
from backhaul_connectors.sandbox.ixc_acs import registers
from backhaul_connectors.sandbox.ixc_acs.contacts import Contacts
from backhaul_connectors.sandbox.ixc_acs.data_model import tree
from backhaul_connectors.sandbox.ixc_acs.measurements import contracted_mbps
from backhaul_connectors.sandbox.state import SandboxState
from backhaul_connectors.sandbox.world import World

__all__ = ["LiveChanges"]

_LOOK_AT = 20_000


class _Plug(BaseModel):
    model_config = ConfigDict(extra="forbid")

    online: bool


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    download_mbps: float = Field(ge=0.01, le=100_000)
    upload_mbps: float = Field(ge=0.01, le=100_000)


class LiveChanges:
    """Shows and changes what is not kept in the ACS's lists."""

    def __init__(self, state: SandboxState, contacts: Callable[[], Contacts]) -> None:
        self._state = state
        self._contacts = contacts

    def routes(self) -> list[Route]:
        """Return the control routes."""
        return [
            Route("/fixtures", self.fixtures, methods=["GET"]),
            Route("/devices/{serial}", self.show, methods=["GET"]),
            Route("/devices/{serial}/tree", self.show_tree, methods=["GET"]),
            Route("/devices/{serial}/online", self.set_online, methods=["POST"]),
            Route("/devices/{serial}/inform", self.inform, methods=["POST"]),
            Route("/devices/{serial}/line", self.set_line, methods=["POST"]),
        ]

    async def show(self, request: Request) -> JSONResponse:
        """Return one device as it really is, Wi-Fi passwords and waiting commands included."""
        world, slot = self._state.world, self._slot(request)
        world.agenda.run_due()
        live = world.live.get(slot)
        return JSONResponse(
            {
                "serial": world.devices.serial(slot),
                "pppoe_login": world.devices.login(slot),
                "online": registers.is_online(world, slot),
                "uptime_s": registers.uptime_s(world, slot),
                "behind_nat": registers.behind_nat(world, slot),
                "datamodel": registers.datamodel(world, slot),
                "contracted_mbps": contracted_mbps(world, slot),
                "wifi": registers.wifi_settings(world, slot),
                "parameters": live.parameters if live else {},
                "rejected": live.rejected if live else [],
                "waiting": len(live.tasks) if live else 0,
            }
        )

    async def show_tree(self, request: Request) -> JSONResponse:
        """Return every parameter of a device as it reads: ``{path: {"value", "writable"}}``; secrets read empty."""
        world, slot = self._state.world, self._slot(request)
        world.agenda.run_due()
        parameters = tree(world, slot, drift_db=self._contacts().switches().optical_drift_db)
        return JSONResponse({path: {"value": one.value, "writable": one.writable} for path, one in parameters.items()})

    async def set_online(self, request: Request) -> JSONResponse:
        """Switch a device on or off: ``{"online": false}``. Coming back it boots, without an event."""
        wanted, slot = await read_body(request, _Plug), self._slot(request)
        self._contacts().set_online(slot, online=wanted.online)
        return await self.show(request)

    async def inform(self, request: Request) -> JSONResponse:
        """Let an online device contact the ACS now."""
        slot = self._slot(request)
        if not registers.is_online(self._state.world, slot):
            raise ControlError("the device is offline", 409)
        self._state.world.live.of(slot)
        self._contacts().contact(slot, self._state.clock.now())
        return await self.show(request)

    async def set_line(self, request: Request) -> JSONResponse:
        """Set what the line really carries, whatever is contracted."""
        wanted, slot = await read_body(request, _Line), self._slot(request)
        self._state.world.live.of(slot).line_mbps = (wanted.download_mbps, wanted.upload_mbps)
        return await self.show(request)

    async def fixtures(self, _: Request) -> JSONResponse:
        """Return the serial number of one device of each odd kind; null if the first 20,000 have none."""
        world = self._state.world
        found: dict[str, str | None] = dict.fromkeys(_KINDS)
        missing = set(_KINDS)
        for slot in world.devices.order[:_LOOK_AT]:
            for kind in [kind for kind in missing if _KINDS[kind](world, slot)]:
                found[kind] = world.devices.serial(slot)
                missing.discard(kind)
            if not missing:
                break
        return JSONResponse(found)

    def _slot(self, request: Request) -> int:
        serial = request.path_params["serial"]
        slot = self._state.world.devices.find(serial)
        if slot is None:
            raise ControlError(f"the ACS has no device {serial}", 404)
        return slot


def _info(world: World, slot: int) -> dict[str, object]:
    info = registers.register(world, slot)["deviceInfo"]
    return info if isinstance(info, dict) else {}


def _shares_login(world: World, slot: int) -> bool:
    login = world.devices.login(slot)
    return login is not None and len(world.devices.find_by_login(login)) > 1


def _plain(world: World, slot: int) -> bool:
    """Tell whether nothing about the device is odd: online, reachable, both bands, v3, a known plan."""
    ordinary = "rx" in _info(world, slot) and _info(world, slot)["packageVersion"] == "v3"
    wifi = registers.wifi_settings(world, slot)["5.8"]
    return (
        ordinary
        and registers.is_online(world, slot)
        and not registers.behind_nat(world, slot)
        and any(fields["enable"] for fields in wifi.values())
        and contracted_mbps(world, slot) is not None
        and not _shares_login(world, slot)
    )


_KINDS: dict[str, Callable[[World, int], bool]] = {
    "plain": _plain,
    "offline": lambda world, slot: not registers.is_online(world, slot),
    "behind_nat": lambda world, slot: registers.behind_nat(world, slot) and registers.is_online(world, slot),
    "no_capabilities": lambda world, slot: "capabilities" not in registers.capabilities(world, slot),
    "v2_package": lambda world, slot: _info(world, slot)["packageVersion"] == "v2",
    "no_login": lambda world, slot: world.devices.login(slot) is None,
    "shared_login": _shares_login,
    "empty_band": lambda world, slot: not registers.wifi(world, slot)["5.8"],
    "disabled_band": lambda world, slot: any(not w["enable"] for w in registers.wifi(world, slot)["5.8"]),
    "tr181": lambda world, slot: registers.datamodel(world, slot) == "TR-181",
    "no_optical_levels": lambda world, slot: "rx" not in _info(world, slot),
    "optical_levels_as_text": lambda world, slot: isinstance(_info(world, slot).get("rx"), str),
    "null_ppp_list": lambda world, slot: registers.ppp(world, slot) is None,
    "empty_ppp_list": lambda world, slot: registers.ppp(world, slot) == [],
    "no_ipv6": lambda world, slot: registers.ipv6(world, slot) == "",
}
