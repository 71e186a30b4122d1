"""Axialys' HTTP interface: ``/centrex/v1/call`` and ``/centrex/v1/set_callback`` (axialys.md sections 2 to 6)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar
from urllib.parse import parse_qsl

from starlette.routing import Route

from backhaul_connectors.sandbox.axialys.accounts import API_KEYS, Account
from backhaul_connectors.sandbox.axialys.changes import AxialysChanges
from backhaul_connectors.sandbox.axialys.switchboard import Switchboard
from backhaul_connectors.sandbox.axialys.switches import AxialysSwitches
from backhaul_connectors.sandbox.desks import DESKS
from backhaul_connectors.sandbox.face import Answer, Call, Operation, VendorFace, json_answer
from backhaul_connectors.sandbox.rate import CallCounter
from backhaul_connectors.sandbox.state import SandboxState
from backhaul_connectors.sandbox.webhooks import require_loopback

__all__ = ["AxialysFace"]

_PATH = re.compile(r"(?:/api)?/centrex/v1/(call|set_callback)/?")
_NUMBER = re.compile(r"[0-9]{6,15}")


class AxialysFace(VendorFace):
    """Serves one customer with two API keys. The vendor's base address ends in ``/api``; it may be left out here."""

    vendor: ClassVar[str] = "axialys"
    prefix: ClassVar[str] = "phone"
    switches: AxialysSwitches

    def __init__(self, state: SandboxState) -> None:
        super().__init__(state)
        self.reset()

    def reset(self) -> None:
        """Return to the initial switches, without callback URLs and calls."""
        self.switches = AxialysSwitches()
        self.board = Switchboard(self.state, lambda: self.switches)
        self._counter = CallCounter()

    def ip_refused(self) -> Answer:
        """Answer 403: the caller's address is not one that the customer gave."""
        return self._error(403, "IP_NOT_ALLOWED")

    def error_in_200(self, text: str | None) -> Answer:
        """Answer an error with status 200."""
        return json_answer({"result": "error", "message": text or "internal error"})

    def credentials(self) -> dict[str, str]:
        """Return the keys, and one desk with its SIP password."""
        desk = self.board.accounts.find(DESKS[0].account_id)
        sip_password = "" if desk is None else desk.sip_password
        return {
            "api_key": API_KEYS[0], "second_api_key": API_KEYS[1], "account_id": DESKS[0].account_id,
            "sip_password": sip_password,
        }  # fmt: skip

    def changes(self) -> list[Route]:
        """Return the control routes for calls and callbacks."""
        return AxialysChanges(lambda: self.board).routes()

    def counts(self) -> dict[str, int]:
        """Return how many accounts and callback URLs there are, and calls going on and ever begun."""
        board = self.board
        return {
            "accounts": len(board.accounts),
            "callback_urls": len(board.urls),
            "calls_now": len(board.exchange),
            "calls": board.exchange.begun,
        }

    def subscriber(self, index: int) -> dict[str, object]:
        """Return a subscriber's account."""
        account = self.board.accounts.of(index)
        return {"account_id": account.account_id, "number": account.number, "sip_password": account.sip_password}

    def operation(self, call: Call) -> Operation:
        """Return what a call asks for."""
        found = _PATH.fullmatch(call.path)
        methods = ("GET", "POST") if self.switches.post_accepted else ("GET",)
        if found is None or call.method not in methods:
            return Operation("unknown", "none", self._unknown)
        if found[1] == "call":
            return Operation("call", "once", partial(self._limited, self._click_to_call))
        return Operation("set_callback", "write", partial(self._limited, self._set_callback))

    def _limited(self, act: Callable[[Call], Answer], call: Call) -> Answer:
        """Apply the optional limits: the vendor may restrict access against abuse and gives no figures."""
        wait_s = self._counter.count(self.state.clock.now(), self.switches.per_minute, self.switches.per_day)
        if wait_s is not None:
            return self.over_limit(wait_s if self.switches.limit_retry_after else None)
        return act(call)

    def _click_to_call(self, call: Call) -> Answer:
        """Ring the account's own phone, then the destination. Without a callback URL it is refused."""
        given = _parameters(call)
        account_id, number = given.get("account_id", ""), given.get("number", "")
        answer = self._placed(given, account_id, number)
        answer.key = f"{account_id}>{number.removeprefix('+')}"
        return answer

    def _placed(self, given: Mapping[str, str], account_id: str, number: str) -> Answer:
        missing = [name for name in ("account_id", "number") if not given.get(name)]
        if not given.get("api_key") and not given.get("password"):
            missing.append("api_key")
        if missing:
            return self._error(400, "INVALID_VARS", missing)
        account = self.board.accounts.find(account_id)
        if not self._may_call(given, account):
            return self._error(self.switches.unauthorized_status, "UNAUTHORIZED")
        if account is None:
            return self._error(404, "UNKNOWN_ACCOUNT", ["account_id"])
        if self.switches.plus_number == "accepted":
            number = number.removeprefix("+")
        if _NUMBER.fullmatch(number) is None:
            return self._error(400, "INVALID_VARS", ["number"])
        key = given.get("api_key")
        if not (self.board.notified() if key is None else key in self.board.urls):
            return self._error(409, "NO_CALLBACK_CONFIGURED")
        begun = self.board.dial(account, number, self.board.course())
        answer = self._success({"call_id": begun.call_id} if self.switches.answer_call_id else {})
        answer.record = begun.call_id
        return answer

    def _set_callback(self, call: Call) -> Answer:
        """Replace the key's URL; an empty one switches its notifications off."""
        given = _parameters(call)
        answer = self._kept(given)
        answer.key = "callback" if given.get("api_key") != API_KEYS[1] else "second callback"
        return answer

    def _kept(self, given: Mapping[str, str]) -> Answer:
        missing = [name for name in ("api_key", "url") if name not in given]
        if missing:
            return self._error(400, "INVALID_VARS", missing)
        key, url = given["api_key"], given["url"]
        if not _is_key(key):
            return self._error(self.switches.unauthorized_status, "UNAUTHORIZED")
        if not url:
            self.board.urls.pop(key, None)
            return self._success({})
        try:
            self.board.urls[key] = require_loopback(url)
        except ValueError:
            return self._error(400, "INVALID_VARS", ["url"])
        return self._success({})

    @staticmethod
    def _may_call(given: Mapping[str, str], account: Account | None) -> bool:
        """Check the customer's key or, without one, the SIP password of the account."""
        key = given.get("api_key")
        if key is not None:
            return _is_key(key)
        password = given.get("password", "")
        return account is not None and hmac.compare_digest(account.sip_password.encode(), password.encode())

    def _success(self, more: Mapping[str, object]) -> Answer:
        return self._told(200, {"result": "success", **more}, "OK")

    def _error(self, status: int, code: str, fields: Sequence[str] = ()) -> Answer:
        """Answer an error in the vendor's habit elsewhere: a code, and the fields that are wrong."""
        body: dict[str, object] = {"result": "error", "code": code}
        if fields:
            body["fields"] = list(fields)
        answer = self._told(200 if self.switches.errors_in_200 else status, body, f"ERROR {code}")
        answer.outcome, answer.completed = "refused", False
        return answer

    def _told(self, status: int, body: Mapping[str, object], text: str) -> Answer:
        match self.switches.answer:
            case "json":
                return json_answer(body, status)
            case "ok_text":
                return Answer(status, text.encode(), ((b"content-type", b"text/plain; charset=utf-8"),))
            case "empty":
                return Answer(status, b"", ())

    def _unknown(self, _: Call) -> Answer:
        return self._error(404, "NOT_FOUND")


def _is_key(text: str) -> bool:
    return any(hmac.compare_digest(key.encode(), text.encode()) for key in API_KEYS)


def _parameters(call: Call) -> dict[str, str]:
    """Return the parameters of the query and, for POST, of a form; the query wins."""
    form = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True) if call.method == "POST" else []
    return {**dict(form), **dict(call.query_items())}
