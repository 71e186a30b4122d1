"""Akixi's HTTP interface under ``/CCS/API/v1`` (akixi.md sections 2 to 9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from starlette.routing import Route

from backhaul_connectors.sandbox.akixi.admin import IntegratorClients
from backhaul_connectors.sandbox.akixi.answers import AkixiError, Failure, failure, message, success
from backhaul_connectors.sandbox.akixi.changes import AkixiChanges
from backhaul_connectors.sandbox.akixi.clients import ClientStore
from backhaul_connectors.sandbox.akixi.directory import ANY_NUMBER, ISP_PARTITION, ISP_TELSYS, Directory, Scope
from backhaul_connectors.sandbox.akixi.reports import ReportDesk
from backhaul_connectors.sandbox.akixi.sessions import SessionDesk
from backhaul_connectors.sandbox.akixi.switches import AkixiSwitches
from backhaul_connectors.sandbox.akixi.users import ADMIN, Right, User
from backhaul_connectors.sandbox.face import Answer, Call, Operation, VendorFace
from backhaul_connectors.sandbox.rate import CallCounter
from backhaul_connectors.sandbox.request_log import Effect
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["AkixiFace"]

_ROOT = "/CCS/API/v1"
_CLIENTS = re.compile(r"/admin/telsys/([^/]+)/partition/([^/]+)/device/([^/]+)/integratorClient(/[^/]*)?")
_TELSYS = re.compile(r"/admin/telsys(?:/(\d{1,6})/partition)?/?")
_REPORT = re.compile(r"/report/([^/]+)/exec")
_EFFECTS: dict[Right, Effect] = {"add": "once", "change": "write", "delete": "delete", "list": "read", "get": "read"}
_ONE: dict[str, Right] = {"GET": "get", "PUT": "change", "DELETE": "delete"}


class AkixiFace(VendorFace):
    """Serves the users of ``users.py``. Paths arrive decoded: ``%2B``, ``%3A`` and the raw characters are the same."""

    vendor: ClassVar[str] = "akixi"
    switches: AkixiSwitches

    def __init__(self, state: SandboxState) -> None:
        super().__init__(state)
        self.reset()

    def reset(self) -> None:
        """Return to the initial switches and entries, without sessions or counts."""
        self.switches = AkixiSwitches()
        clock, world = self.state.clock, self.state.world
        self.sessions = SessionDesk(clock)
        self.store = ClientStore(Directory(world.population), clock, world.options.seed)
        self._clients = IntegratorClients(self.store, clock)
        self._reports = ReportDesk(clock)
        self._counter = CallCounter()

    def expire_tokens(self) -> None:
        """End all sessions."""
        self.sessions.expire_all()

    def ip_refused(self) -> Answer:
        """Answer 403: the caller's address is not allowed."""
        return message("Access from this address is not allowed", 403)

    def error_in_200(self, text: str | None) -> Answer:
        """Answer an error with status 200: the client must look at the body."""
        return message(text or "An unexpected error occurred", 200)

    def credentials(self) -> dict[str, str]:
        """Return the administrator's key, and name and password for a session."""
        return {"api_key": ADMIN.key, "username": ADMIN.name, "password": ADMIN.password}

    def changes(self) -> list[Route]:
        """Return the control routes for entries and sessions."""
        return AkixiChanges(lambda: self.store, lambda: self.sessions, self.state).routes()

    def counts(self) -> dict[str, int]:
        """Return how many entries and sessions there are."""
        return {"integrator_clients": len(self.store), "sessions": self.sessions.live()}

    def subscriber(self, index: int) -> dict[str, object]:
        """Return a subscriber's device, and the entries for it."""
        number = self.store.directory.line_of(index)
        scope = Scope(ISP_TELSYS, ISP_PARTITION, number)
        mine = [client.id for client in self.store if client.scope == scope]
        return {
            "tel_sys_id": ISP_TELSYS, "partition_id": ISP_PARTITION, "device_number": number,
            "device_description": self.store.directory.device_label(scope), "integrator_clients": mine,
        }  # fmt: skip

    def operation(self, call: Call) -> Operation:
        """Return what a call asks for."""
        path = call.path.removeprefix(_ROOT) if call.path.startswith(_ROOT) else ""
        match call.method, path:
            case "POST", "/session":
                return Operation("session", "token", self.sessions.start)
            case "GET", "/login":
                return Operation("login", "token", lambda c: self.sessions.login(c, self.switches))
            case "GET", "/logout":
                return Operation("logout", "token", self.sessions.logout)
            case "GET", "/report":
                return Operation("list_reports", "read", partial(self._report, lambda: self._reports.list()))
        if call.method == "GET" and (found := _REPORT.fullmatch(path)):
            run = partial(self._reports.run, found[1], self.switches)
            return Operation("run_report", "read", partial(self._report, run))
        if found := _CLIENTS.fullmatch(path):
            return self._on_clients(call, found)
        if call.method == "GET" and (found := _TELSYS.fullmatch(path)):
            return Operation("list_telsys", "read", partial(self._signed_in, partial(self._telsys, found[1])))
        return Operation("unknown", "none", self._unknown)

    def _on_clients(self, call: Call, found: re.Match[str]) -> Operation:
        """Tell the five operations apart: Add has a trailing slash, List has none, the others have an id."""
        scope = _scope(found)
        client_id = (found[4] or "").removeprefix("/")
        if scope is None:
            return Operation("unknown", "none", self._unknown)
        if call.method in ("POST", "GET") and not client_id:
            right: Right = "add" if call.method == "POST" else "list"
            if self.switches.strict_slash and (found[4] == "/") != (right == "add"):
                return Operation("unknown", "none", self._unknown)
            act: Callable[[User, Call], Answer] = partial(self._add_or_list, right, scope)
        elif call.method in _ONE:
            right = _ONE[call.method]
            act = partial(self._on_one, right, scope, client_id)
        else:
            return Operation("unknown", "none", self._unknown)
        effect = _EFFECTS[right]
        return Operation(f"{right}_client", effect, partial(self._admin, right, act), listing=right == "list")

    def _add_or_list(self, right: Right, scope: Scope, user: User, call: Call) -> Answer:
        act = self._clients.add if right == "add" else self._clients.list
        return act(user, scope, call, self.switches)

    def _on_one(self, right: Right, scope: Scope, client_id: str, user: User, call: Call) -> Answer:
        if not client_id:
            raise AkixiError(Failure.NO_ID)
        acts = {"get": self._clients.get, "change": self._clients.change, "delete": self._clients.delete}
        return acts[right](user, scope, client_id, call, self.switches)

    def _admin(self, right: Right, act: Callable[[User, Call], Answer], call: Call) -> Answer:
        """Check who calls and the right, then act; the log's key is the id or the scope."""
        found = _CLIENTS.fullmatch(call.path.removeprefix(_ROOT))
        key = "" if found is None else (found[4] or "").strip("/") or "/".join(found.groups()[:3])

        def checked(user: User) -> Answer:
            try:
                if right not in user.rights or right in self.switches.denied:
                    raise AkixiError(Failure.PERMISSIONS)
                return act(user, call)
            except AkixiError as error:
                return failure(error.reason, self.switches)

        answer = self._signed_in(checked, call)
        answer.key = answer.key or key
        return answer

    def _report(self, act: Callable[[], Answer], call: Call) -> Answer:
        def checked(user: User) -> Answer:
            if "reports" not in user.rights or "reports" in self.switches.denied:
                return message("The user may not use the Report Data API", self.switches.report_error_status)
            return act()

        return self._signed_in(checked, call)

    def _signed_in(self, act: Callable[[User], Answer], call: Call) -> Answer:
        """Check key or session, the limits and the general trouble, in this order (assumed)."""
        user = self.sessions.user(call, self.switches)
        if user is None:
            return message("You are not signed in", self.switches.unauthorized_status)
        wait_s = self._counter.count(self.state.clock.now(), self.switches.per_minute, self.switches.per_day)
        if wait_s is not None:
            return self.over_limit(wait_s if self.switches.limit_retry_after else None)
        if self.switches.trouble is not None:
            return failure(Failure.of(self.switches.trouble), self.switches)
        return act(user)

    def _telsys(self, telsys: str | None, user: User) -> Answer:
        """Answer telephony servers, or one server's partitions; paths and fields are assumed (akixi.md section 9)."""
        directory = self.store.directory
        allowed = user.scope.telsys
        if telsys is None:
            found = [(n, label) for n, label in directory.servers() if allowed in (ANY_NUMBER, n)]
            items = [{"TelSysID": number, "Description": label} for number, label in found]
        else:
            parts = directory.partitions(int(telsys)) if allowed in (ANY_NUMBER, int(telsys)) else iter(())
            items = [{"PartitionID": number, "Description": label} for number, label in parts]
        return success({"Total": len(items), "Items": items, "Offset": 0})

    def _unknown(self, call: Call) -> Answer:
        return message(f"There is no {call.method} {call.path}", 404)


def _scope(found: re.Match[str]) -> Scope | None:
    """Return the scope that a path names; None if its numbers are none."""
    try:
        return Scope(int(found[1]), int(found[2]), found[3])
    except ValueError:
        return None
