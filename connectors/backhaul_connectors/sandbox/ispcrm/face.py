"""ISPCRM's HTTP interface: ``/api/v1`` and the login page of its web interface (ispcrm.md sections 2 to 6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from starlette.routing import Route

from backhaul_connectors.sandbox.face import Answer, Call, Operation, VendorFace, json_answer
from backhaul_connectors.sandbox.ispcrm import answers
from backhaul_connectors.sandbox.ispcrm.changes import CrmChanges
from backhaul_connectors.sandbox.ispcrm.creation import create_user
from backhaul_connectors.sandbox.ispcrm.switches import CrmSwitches
from backhaul_connectors.sandbox.ispcrm.tokens import READER_TOKEN, TOKEN, TokenBook
from backhaul_connectors.sandbox.ispcrm.users import FIRST_RADIUS_ID, CrmUser, UserBook
from backhaul_connectors.sandbox.rate import CallCounter
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["CrmFace"]

_PATH = re.compile(r"/api/v([01])(?:/(users|Users)(?:/([^/]+))?)?/?")


class CrmFace(VendorFace):
    """Serves one tenant, whose users are the logins of the ISP."""

    vendor: ClassVar[str] = "crm"
    switches: CrmSwitches

    def __init__(self, state: SandboxState) -> None:
        super().__init__(state)
        self.reset()

    def reset(self) -> None:
        """Return to the initial switches, users and tokens."""
        self.switches = CrmSwitches(zone=self.state.clock.zone.key)
        self.users = UserBook(self.state.world.population, self.state.clock)
        self.tokens = TokenBook(self.state.clock)
        self._counter = CallCounter()

    def expire_tokens(self) -> None:
        """End all tokens: there is nothing to renew, a person must make new ones."""
        self.tokens.revoke_all()

    def ip_refused(self) -> Answer:
        """Answer 403: the caller's address is not allowed."""
        return answers.error(403, "This address is not allowed")

    def error_in_200(self, text: str | None) -> Answer:
        """Answer the error envelope with status 200."""
        return answers.error(200, text or "Something went wrong")

    def over_limit(self, retry_after_s: float | None) -> Answer:
        """Answer Laravel's text for too many calls (assumed)."""
        answer = super().over_limit(retry_after_s)
        answer.body = json_answer({"message": "Too Many Attempts."}).body
        return answer

    def credentials(self) -> dict[str, str]:
        """Return the administrator's token, and one that may not create."""
        return {"token": TOKEN, "reader_token": READER_TOKEN}

    def changes(self) -> list[Route]:
        """Return the control routes for users and tokens."""
        return CrmChanges(lambda: self.users, lambda: self.tokens, self).routes()

    def counts(self) -> dict[str, int]:
        """Return how many users there are."""
        return {"users": len(self.users)}

    def subscriber(self, index: int) -> dict[str, object]:
        """Return the user of a subscriber's login, if there still is one."""
        user = self.users.get(FIRST_RADIUS_ID + index)
        return {} if user is None else self.detail_of(user)

    def detail_of(self, user: CrmUser) -> dict[str, object]:
        """Return a user as the detail shows it now."""
        return user.detail(self.users.now(self.switches.zone))

    def operation(self, call: Call) -> Operation:
        """Return what a call asks for; paths are case-sensitive."""
        if call.path == answers.LOGIN_PAGE and call.method == "GET":
            return Operation("login_page", "none", lambda _: answers.login_page())
        found = _PATH.fullmatch(call.path)
        if found is None or not self._served(found):
            return Operation("unknown", "none", self._unknown)
        match call.method, found[2], found[3]:
            case "GET", None, None if self.switches.root == "users":
                return Operation("root", "read", partial(self._allowed, self._list), listing=True)
            case "GET", None, None:
                return Operation("root", "read", partial(self._allowed, self._links))
            case "GET", str(), None:
                return Operation("list_users", "read", partial(self._allowed, self._list), listing=True)
            case "GET", str(), str() as key:
                return Operation("get_user", "read", partial(self._allowed, partial(self._one, key)))
            case "POST", str(), None:
                return Operation("create_user", "once", partial(self._allowed, self._create))
            case _:
                return Operation("unknown", "none", self._wrong_method)

    def _served(self, found: re.Match[str]) -> bool:
        version = found[1] == "1" or self.switches.accept_v0
        return version and (found[2] != "Users" or self.switches.accept_capital_path)

    def _allowed(self, carry_out: Callable[[Call], Answer], call: Call) -> Answer:
        """Check the token and the optional limits."""
        if self.tokens.of_call(call, self.switches) is None:
            return self._unauthenticated(call)
        wait_s = self._counter.count(self.state.clock.now(), self.switches.per_minute, self.switches.per_day)
        if wait_s is not None:
            return self.over_limit(wait_s if self.switches.limit_retry_after else None)
        return carry_out(call)

    def _unauthenticated(self, call: Call) -> Answer:
        how = self.switches.unauthenticated
        if how == "json_401" or (how == "by_accept" and "json" in call.header(b"accept")):
            return answers.error(401, "Unauthorized access - invalid token provided.")
        return answers.redirect_to_login(self._url(call, answers.LOGIN_PAGE))

    def _links(self, call: Call) -> Answer:
        url = self._url(call, "/api/v1/users")
        if self.switches.foreign_links:
            url = "https://elsewhere.example.net/api/v1/users"
        return json_answer({"list_users": url})

    def _list(self, call: Call) -> Answer:
        """Answer all users, or one page of them where paging is switched on."""
        query = dict(call.query_items())
        now = self.users.now(self.switches.zone)
        wanted = None if self.switches.filter_ignored else query.get("status")
        users = self.users
        ids = [radius_id for radius_id in users.ids() if not wanted or users.status(radius_id, now) == wanted]
        if call.distort:
            ids = ids[: len(ids) // 2] if call.distort == "truncate_page" else []
        page, total = 1, len(ids)
        if self.switches.paging != "none":
            text = query.get("page", "1")
            page = max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1
            ids = ids[(page - 1) * self.switches.page_size : page * self.switches.page_size]
        items = [users.entry(radius_id, now) for radius_id in ids]
        answer = answers.user_list(items, total, page, self._url(call, "/api/v1/users"), self.switches)
        answer.key = f"page {page}"
        return answer

    def _one(self, key: str, _: Call) -> Answer:
        user = self.users.find(key)
        if user is None:
            answer = answers.error(404, "The requested resource was not found.")
        else:
            answer = answers.detail(self.detail_of(user), self.switches)
        answer.key = key
        return answer

    def _create(self, call: Call) -> Answer:
        token = self.tokens.of_call(call, self.switches)
        if token is None or not token.may_write:
            return answers.error(403, "This action is forbidden for the token's user.")
        return create_user(self.users, call, self.switches)

    def _unknown(self, call: Call) -> Answer:
        return answers.error(404, f"The route {call.path.removeprefix('/')} could not be found.")

    def _wrong_method(self, call: Call) -> Answer:
        return answers.error(405, f"The {call.method} method is not supported for this route.")

    def _url(self, call: Call, path: str) -> str:
        """Return an address of this tenant as the caller reaches it."""
        host = call.header(b"host") or "127.0.0.1"
        return f"{call.scheme}://{host}/{self.vendor}{path}"
