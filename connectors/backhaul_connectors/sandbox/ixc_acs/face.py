"""The ACS's HTTP interface: ``/api/v1`` and ``/api/v2`` side by side."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from starlette.routing import Route

from backhaul_connectors.sandbox.face import Answer, Call, Operation, VendorFace, json_answer
from backhaul_connectors.sandbox.ixc_acs import registers
from backhaul_connectors.sandbox.ixc_acs.changes import DeviceChanges
from backhaul_connectors.sandbox.ixc_acs.commands import Commands
from backhaul_connectors.sandbox.ixc_acs.contacts import Contacts
from backhaul_connectors.sandbox.ixc_acs.erp_client import (
    ERP_CLIENT_ID,
    TOKEN_LIFE_S,
    ErpClient,
    private_key_pem,
    public_key_pem,
)
from backhaul_connectors.sandbox.ixc_acs.events import EventSender
from backhaul_connectors.sandbox.ixc_acs.listing import DeviceQuery, ListingError, SlotCache, page_of
from backhaul_connectors.sandbox.ixc_acs.live_changes import LiveChanges
from backhaul_connectors.sandbox.ixc_acs.optical import with_levels
from backhaul_connectors.sandbox.ixc_acs.pairing_changes import PairingChanges
from backhaul_connectors.sandbox.ixc_acs.switches import AcsSwitches, ErpClientSwitches, Permission
from backhaul_connectors.sandbox.ixc_acs.synchronise import Synchronisation
from backhaul_connectors.sandbox.ixc_acs.tokens import ClientType, TokenDesk
from backhaul_connectors.sandbox.rate import CallCounter
from backhaul_connectors.sandbox.state import ACS_CLIENT_ID, ACS_CLIENT_SECRET, SandboxState
from backhaul_connectors.sandbox.world import World

__all__ = ["AcsFace"]

_PATH = re.compile(r"/api/v[12](/.*)")
_WIFI = re.compile(r"/devices/([^/]+)/wifi")
_PPP = re.compile(r"/devices/([^/]+)/ethernet/ppp")


class AcsFace(VendorFace):
    """Serves one generic and one ERP-type API client. Every path comes from client code (ixc_acs.md section 6)."""

    vendor: ClassVar[str] = "acs"
    switches: AcsSwitches

    def __init__(self, state: SandboxState) -> None:
        super().__init__(state)
        self.reset()

    def reset(self) -> None:
        """Return to the initial switches, without tokens or counts."""
        self.switches = AcsSwitches()
        self._tokens = TokenDesk(self.state.clock)
        self._erp_client = ErpClient(self.state.clock)
        self._counters: dict[ClientType, CallCounter] = {"generic": CallCounter(), "erp": CallCounter()}
        self._cache = SlotCache()
        self._events = EventSender(self.state, self._now)
        self._contacts = Contacts(self.state.world, self._now, self._events)
        self._commands = Commands(self._contacts)
        self._sync = Synchronisation(self.state.world, self._now)
        self.state.world.push_wifi = self._commands.push

    def switched(self) -> None:
        """Follow the time of the daily synchronisation."""
        self._sync.switched()

    def _now(self) -> AcsSwitches:
        """Return the switches as they are now."""
        return self.switches

    def expire_tokens(self) -> None:
        """Make all issued tokens invalid."""
        self._tokens.expire_all()

    def ip_refused(self) -> Answer:
        """Answer 403: the caller's address is not allowed."""
        return json_answer({"message": "Forbidden: address not allowed"}, 403)

    def credentials(self) -> dict[str, str]:
        """Return the generic API client's id and secret, and the ERP-type client's id and key pair."""
        return {
            "client_id": ACS_CLIENT_ID,
            "client_secret": ACS_CLIENT_SECRET,
            "erp_client_id": ERP_CLIENT_ID,
            "erp_private_key": private_key_pem(),
            "erp_public_key": public_key_pem(),
        }

    def changes(self) -> list[Route]:
        """Return the control routes for devices."""
        by_hand = DeviceChanges(self.state, self._now, lambda: self._events)
        live = LiveChanges(self.state, lambda: self._contacts)
        pairing = PairingChanges(lambda: self._sync, lambda: self._erp_client)
        return [*by_hand.routes(), *live.routes(), *pairing.routes()]

    def operation(self, call: Call) -> Operation:
        """Return what a call asks for."""
        match = _PATH.fullmatch(call.path)
        path = match[1] if match else ""
        if path == "/token/oauth" and call.method == "POST":
            return Operation("token", "token", self._token)
        if call.path == "/api/v1/token" and call.method == "GET":
            return Operation("erp_token", "token", self._erp_token)
        if call.method == "GET":
            read = self._reading(path)
            if read is not None:
                return read
        command = self._commands.find(call.method, path)
        if command is not None:
            run = partial(self._command, command.serial, command.carry_out)
            return Operation(command.name, command.effect, partial(self._allowed, command.permission, run))
        return Operation("unknown", "none", self._unknown)

    def _reading(self, path: str) -> Operation | None:
        if path == "/devices/views/natural":
            return Operation("list_devices", "read", partial(self._allowed, "devices", self._list), listing=True)
        if path == "/devices/views/ipv6":
            return Operation("list_ipv6", "read", partial(self._allowed, "devices", self._list_ipv6), listing=True)
        if path == "/devices/capabilities":
            return Operation("get_capabilities", "read", partial(self._allowed, "capabilities", self._capabilities))
        if match := _WIFI.fullmatch(path):
            look = partial(self._one, match[1], registers.wifi)
            return Operation("get_wifi", "read", partial(self._allowed, "wifi", look))
        if match := _PPP.fullmatch(path):
            look = partial(self._one, match[1], registers.ppp)
            return Operation("get_ppp", "read", partial(self._allowed, "ppp", look))
        return None

    def _token(self, call: Call) -> Answer:
        if self.switches.blocked:
            return json_answer({"message": "Forbidden: API client blocked"}, 403)
        return self._tokens.issue(call, self.switches)

    def _erp_token(self, call: Call) -> Answer:
        answer = self._erp_client.refusal(call, blocked=self.switches.erp_client.blocked)
        if answer is None:
            answer = self._erp_client.granted(self._tokens.new_token("erp", TOKEN_LIFE_S))
        answer.key = "token"
        return answer

    def _allowed(self, permission: Permission, carry_out: Callable[[Call], Answer], call: Call) -> Answer:
        """Check token, blocked flag, limits and permission of the API client, in this order (assumed)."""
        client = self._tokens.client_of(call)
        if client is None:
            return json_answer({"message": "Unauthorized"}, self.switches.unauthorized_status)
        own: AcsSwitches | ErpClientSwitches = self.switches if client == "generic" else self.switches.erp_client
        if own.blocked:
            return json_answer({"message": "Forbidden: API client blocked"}, 403)
        wait_s = self._counters[client].count(self.state.clock.now(), own.per_minute, own.per_day)
        if wait_s is not None:
            return self.over_limit(wait_s if self.switches.limit_retry_after else None)
        if permission not in own.permissions:
            return json_answer({"message": f"Forbidden: missing permission {permission}"}, 403)
        return carry_out(call)

    def _list(self, call: Call) -> Answer:
        return self._page(call, self._register)

    def _list_ipv6(self, call: Call) -> Answer:
        return self._page(call, _ipv6_entry)

    def _register(self, world: World, slot: int) -> dict[str, object]:
        return with_levels(world, slot, registers.register(world, slot), self.switches)

    def _page(self, call: Call, entry: Callable[[World, int], dict[str, object]]) -> Answer:
        """Answer one page; the faults ``truncate_page`` and ``empty_list`` end the list early, as if complete."""
        world = self.state.world
        try:
            query = DeviceQuery.parse(call.query_items(), size_max=self.switches.page_size_max)
            slots, more = page_of(world, query, self.switches.search_mode, self._cache)
        except ListingError as error:
            return json_answer({"message": str(error)}, 400)
        if call.distort:
            slots, more = slots[: len(slots) // 2] if call.distort == "truncate_page" else [], False
        answer = json_answer({"registers": [entry(world, slot) for slot in slots], "hasNextPage": more})
        answer.key = f"page {query.page}"
        return answer

    def _capabilities(self, call: Call) -> Answer:
        return self._one(dict(call.query_items()).get("sn", ""), registers.capabilities, call)

    def _command(self, serial: str, carry_out: Callable[[int, Call], Answer], call: Call) -> Answer:
        slot = self.state.world.devices.find(serial)
        unknown = json_answer({"message": "Device not found"}, 404)
        answer = unknown if slot is None else carry_out(slot, call)
        answer.key = serial
        return answer

    def _one(self, serial: str, look: Callable[[World, int], Any], _: Call) -> Answer:
        slot = self.state.world.devices.find(serial)
        if slot is None:
            answer = json_answer({"message": "Device not found"}, 404)
        else:
            answer = json_answer(look(self.state.world, slot))
        answer.key = serial
        return answer

    def _unknown(self, call: Call) -> Answer:
        return json_answer({"message": f"Cannot {call.method} {call.path}"}, 404)


def _ipv6_entry(world: World, slot: int) -> dict[str, object]:
    return {"serialNumber": world.devices.serial(slot), "deviceInfo": {"ipv6": registers.ipv6(world, slot)}}
