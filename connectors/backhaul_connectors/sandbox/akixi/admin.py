"""The five IntegratorClient operations under ``/admin`` (vendor page on IntegratorClient)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from backhaul_connectors.sandbox.akixi.answers import AkixiError, Failure, no_content, success
from backhaul_connectors.sandbox.akixi.clients import ClientStore, IntegratorClient, well_formed
from backhaul_connectors.sandbox.akixi.directory import ANY_NUMBER, Scope
from backhaul_connectors.sandbox.akixi.switches import AkixiSwitches
from backhaul_connectors.sandbox.akixi.users import User
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.face import Answer, Call

__all__ = ["IntegratorClients", "fields_of"]

_LIMIT = 25
_JSON_FIELDS = (("Policies", "policies"), ("Settings", "settings"))


def fields_of(query: Mapping[str, str]) -> frozenset[str]:
    """Return the names in ``IntegratorClientFields``: brackets, quotes and blanks around them do not count.

    The vendor page writes ``[A,B]`` and, in one place, the same inside single quotes.
    """
    return frozenset(re.findall(r"[A-Za-z]+", query.get("IntegratorClientFields", "")))


class IntegratorClients:
    """Carries out what a signed-in user asks for. Raises AkixiError for each of the vendor's errors."""

    def __init__(self, store: ClientStore, clock: WorldClock) -> None:
        self.store = store
        self._clock = clock
        self._drift = 0

    def list(self, user: User, scope: Scope, call: Call, switches: AkixiSwitches) -> Answer:
        """Answer a page; what lies outside the user's scope is not there for the user."""
        query = dict(call.query_items())
        wanted = fields_of(query)
        found = [c for c in self.store if scope.covers(c.scope) and user.scope.covers(c.scope)]
        if "DESC" in query.get("sort", "").upper().strip("[]'\" ").split(",")[0]:
            found.reverse()
        offset = _whole(query.get("offset"), 0)
        limit = min(_whole(query.get("limit"), _LIMIT), switches.limit_max)
        total = len(found) + self._drift
        if switches.total_drift:
            self._drift += switches.total_drift
        page = found[offset : offset + limit]
        if call.distort:
            page = page[: len(page) // 2] if call.distort == "truncate_page" else []
            total = offset + len(page)
        items = [_shown(self.store.register(client, wanted, texts=False), switches) for client in page]
        answer = success({"Total": max(0, total), "Items": items, "Offset": offset})
        answer.key = f"offset {offset}"
        return answer

    def get(self, user: User, scope: Scope, client_id: str, call: Call, switches: AkixiSwitches) -> Answer:
        """Answer one entry."""
        client = self._found(user, scope, client_id, switches)
        entry = self.store.register(client, fields_of(dict(call.query_items())), texts=True)
        return success(_shown(entry, switches))

    def add(self, user: User, scope: Scope, call: Call, switches: AkixiSwitches) -> Answer:
        """Create an entry for exactly this scope. The answer tells no id."""
        self._spans(user, scope)
        if not self.store.directory.has(scope):
            raise AkixiError(Failure.DEVICE_NOT_FOUND)
        body = _body(call)
        _check(body, switches)
        wanted_id = body.get("ID")
        if isinstance(wanted_id, str) and self.store.get(wanted_id) is not None:
            raise AkixiError(Failure.EXISTS_FOR_ID)
        if switches.unique_scope and self.store.at(scope) is not None:
            raise AkixiError(Failure.EXISTS_FOR_SCOPE)
        now = self._clock.now()
        client = IntegratorClient(
            id=wanted_id if isinstance(wanted_id, str) else self.store.new_id(),
            description="", scope=scope, environment=None,
            created_at=now, updated_at=now, created_by=user.id, updated_by=user.id,
        )  # fmt: skip
        _write(client, body, fields_of(dict(call.query_items())), switches, replace=True)
        self.store.add(client)
        answer = success()
        answer.key, answer.record = str(scope), client.id
        return answer

    def change(self, user: User, scope: Scope, client_id: str, call: Call, switches: AkixiSwitches) -> Answer:
        """Change an entry; whether a PUT clears what it leaves out is a switch (akixi.md quirk 12)."""
        client = self._found(user, scope, client_id, switches)
        body = _body(call)
        _check(body, switches)
        replace = switches.put_mode == "replace"
        _write(client, body, fields_of(dict(call.query_items())), switches, replace=replace)
        client.updated_at, client.updated_by = self._clock.now(), user.id
        return no_content()

    def delete(self, user: User, scope: Scope, client_id: str, _: Call, switches: AkixiSwitches) -> Answer:
        """Remove an entry; a second time it is not found."""
        self.store.remove(self._found(user, scope, client_id, switches).id)
        return no_content()

    def _found(self, user: User, scope: Scope, client_id: str, switches: AkixiSwitches) -> IntegratorClient:
        client = self.store.get(client_id)
        if client is None or not user.scope.covers(client.scope):
            raise AkixiError(Failure.NOT_FOUND)
        if not scope.covers(client.scope):
            raise AkixiError(Failure.of(switches.wrong_scope))
        return client

    @staticmethod
    def _spans(user: User, scope: Scope) -> None:
        """Refuse a scope beyond the user's own."""
        if scope.telsys == ANY_NUMBER != user.scope.telsys:
            raise AkixiError(Failure.MULTI_TELSYS)
        if scope.partition == ANY_NUMBER != user.scope.partition:
            raise AkixiError(Failure.MULTI_PARTITION)
        if not user.scope.covers(scope):
            raise AkixiError(Failure.PERMISSIONS)


def _write(
    client: IntegratorClient, body: Mapping[str, object], wanted: frozenset[str], switches: AkixiSwitches,
    *, replace: bool,
) -> None:  # fmt: skip
    """Take over what the body says; with ``replace`` what it leaves out is cleared."""
    if replace or "Description" in body:
        client.description = str(body.get("Description", ""))
    if replace or "CMEnvironmentID" in body:
        environment = body.get("CMEnvironmentID")
        client.environment = environment if isinstance(environment, str) else None
    for name, attribute in _JSON_FIELDS:
        value = body.get(name)
        written = isinstance(value, dict) and (name in wanted or not switches.strict_fields)
        if written or replace:
            setattr(client, attribute, value if written else {})


def _body(call: Call) -> dict[str, object]:
    """Return the configuration in the body; none, or an empty one, is the vendor's error 30001."""
    try:
        body = json.loads(call.body)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not body:
        raise AkixiError(Failure.NO_CONFIG)
    return body


def _check(body: Mapping[str, object], switches: AkixiSwitches) -> None:
    """Refuse a configuration that cannot be resolved: the causes of 30007 are assumed."""
    environment = body.get("CMEnvironmentID")
    if environment is not None:
        known = not switches.environments or environment in switches.environments
        if not isinstance(environment, str) or not well_formed(environment) or not known:
            raise AkixiError(Failure.NOT_RESOLVED)
    if any(name in body and not isinstance(body[name], dict) for name, _ in _JSON_FIELDS):
        raise AkixiError(Failure.NOT_RESOLVED)


def _shown(entry: dict[str, object], switches: AkixiSwitches) -> dict[str, object]:
    """Return an entry with non-breaking spaces in its descriptions, if that is switched on."""
    if not switches.nbsp:
        return entry
    return {
        name: value.replace(" ", "\xa0") if name.endswith("Description") and isinstance(value, str) else value
        for name, value in entry.items()
    }


def _whole(text: str | None, default: int) -> int:
    """Return a count; anything that is none is the default."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default
