"""Mistakes that authors of connectors make, each put into the connector of the scaffold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MUTANTS", "Mutant"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: in which file, what is replaced by what, what else, and the rule that must find it."""

    rule: str
    file: str
    old: str
    new: str
    also: tuple[str, str] = ("\0", "\0")


_CONNECTOR = "connector.py"
_SEND = "response = await self.http.request(method, path, params=params, json=json, headers=headers)\n"
_STATUS = "        raise_for_status(response)\n"
_PUT = "@action(effect=Effect.WRITE)\n    async def put_item"
_ONCE = _PUT.replace("WRITE", "ONCE")
_OWN_CLIENT = """import httpx
        async with httpx.AsyncClient(base_url=self.settings.base_url, trust_env=False) as client:
            response = await client.request(method, path, params=params, json=json, headers=headers)
"""
_LETS_REPEAT = """from backhaul.sdk import RetryableError, UnknownOutcomeError
        try:
            response = await self.http.request(method, path, params=params, json=json, headers=headers)
        except UnknownOutcomeError as error:
            raise RetryableError("once more") from error
"""
_SENDS_AGAIN = """from backhaul.sdk import UnknownOutcomeError
        try:
            response = await self.http.request(method, path, params=params, json=json, headers=headers)
        except UnknownOutcomeError:
            response = await self.http.request(method, path, params=params, json=json, headers=headers)
"""
_TRIES_AGAIN = """response = await self.http.request(
            method, path, params=params, json=json, headers=headers, repeatable=True
        )
"""
_LEAVES_A_TASK = """import asyncio
        self._kept = asyncio.ensure_future(asyncio.Event().wait())
        response = await self.http.request(method, path, params=params, json=json, headers=headers)
"""
_KEEPS_A_LOCK = """import asyncio
        if not hasattr(self, "_lock"):
            self._lock = asyncio.Lock()
        await asyncio.wait_for(self._lock.acquire(), 0.5)
        response = await self.http.request(method, path, params=params, json=json, headers=headers)
        self._lock.release()
"""
_TELLS_THE_TOKEN = """        if response.status_code == 404:
            raise InvalidAnswerError(f"nothing there for {self.settings.token.reveal()}")
"""
_BODY = '        body = {"name": name, "quantity": quantity}\n'
# As from a task of its own, where the engine does not know of the call and cannot cover what it was given.
_LOGS_THE_NAME = '        __import__("contextvars").Context().run(self.log.debug, "putting", name=name)\n'
_NAME_IS_PERSONAL = ("name: str, quantity", 'name: __import__("backhaul.sdk").sdk.Personal[str], quantity')
_HIDES_FAILURES = """try:
            response = await self.http.request(method, path, params=params, json=json, headers=headers)
        except Exception as error:
            raise InvalidAnswerError("it does not work, nobody knows why") from error
"""

MUTANTS = (
    Mutant("typed-parameters", _CONNECTOR, "name: str, quantity: int = 0)", "name: Json, quantity: int = 0)"),
    Mutant("typed-results", _CONNECTOR, "quantity: int = 0) -> Item:", "quantity: int = 0) -> Json:"),
    Mutant("documented", _CONNECTOR, '        """Prove address and token with the list of one item."""\n', ""),
    Mutant("documented-parameters", _CONNECTOR, "            name: its name for people.\n", ""),
    Mutant("documented-settings", "settings.py", '    """Items per page of a listing."""\n', ""),
    Mutant("documented-results", "models.py", '    """An item of Mistaken."""\n', ""),
    Mutant("readme", "settings.py", "    page_size:", '    colour: str = ""\n    page_size:'),
    Mutant("examples-work", _CONNECTOR, 'f"/v1/items/{quote', 'f"/v1/itmes/{quote'),
    Mutant("check-passes", _CONNECTOR, 'params={"limit": 1})', "params={}) and self.nothing"),
    Mutant("check-passes", _CONNECTOR, 'await self._ask("GET", "/v1/items", params={"limit": 1})', "return"),
    Mutant("one-door", _CONNECTOR, _SEND, _OWN_CLIENT),
    Mutant("limits-obeyed", _CONNECTOR, _SEND, _SEND.replace("self.http.request", "self.http._client.request")),
    Mutant(
        "timeouts",
        _CONNECTOR,
        _SEND,
        _SEND.replace("self.http.request(", "self.http._client.request(timeout=None, method=").replace(
            "method, path", "method, url=path"
        ),
    ),
    Mutant("cancellation", _CONNECTOR, _SEND, _LEAVES_A_TASK),
    Mutant("cancellation", _CONNECTOR, _SEND, _KEEPS_A_LOCK),
    Mutant(
        "wrong-credentials",
        _CONNECTOR,
        _STATUS,
        "        if response.status_code == 401:\n            return {}\n" + _STATUS,
    ),
    Mutant(
        "secrets-in-settings",
        "settings.py",
        "Field(ge=1, le=1000)] = 100\n",
        "Field(ge=1, le=1000)] = 100\n"
        + """
    def model_post_init(self, context: object) -> None:
        if not self.token.reveal().isprintable():
            raise ValueError(f"control characters in {self.token.reveal()}")
""",
    ),
    Mutant("documented-errors", _CONNECTOR, "    Source: say", "    Say"),
    Mutant(
        "documented-errors",
        _CONNECTOR,
        "        Raises:\n            RefusedError",
        "        It raises:\n            RefusedError",
    ),
    Mutant("personal-marked", "models.py", "    name: str\n", '    email: str = ""\n    name: str\n'),
    Mutant("personal-marked", _CONNECTOR, "name: str, quantity", 'name: str, cpf: str = "", quantity'),
    Mutant("personal-not-logged", _CONNECTOR, _BODY, _LOGS_THE_NAME + _BODY, also=_NAME_IS_PERSONAL),
    Mutant("secrets-hidden", _CONNECTOR, _STATUS, _TELLS_THE_TOKEN + _STATUS),
    Mutant("secrets-hidden", _CONNECTOR, _SEND, "self._sent = headers\n        " + _SEND),
    Mutant(
        "check-fails-with-advice",
        _CONNECTOR,
        'await self._ask("GET", "/v1/items", params={"limit": 1})',
        'await self.http.request("GET", "/v1/items")',
    ),
    Mutant(
        "errors-authentication",
        _CONNECTOR,
        _STATUS,
        "        if response.status_code == 403:\n            raise InvalidAnswerError('403')\n" + _STATUS,
    ),
    Mutant(
        "errors-not-found",
        _CONNECTOR,
        _STATUS,
        "        if response.status_code == 404:\n            return {'items': []}\n" + _STATUS,
    ),
    Mutant("errors-try-later", _CONNECTOR, _SEND, _HIDES_FAILURES),
    Mutant("once-is-never-repeated", _CONNECTOR, _SEND, _TRIES_AGAIN, (_PUT, _ONCE)),
    Mutant("once-is-never-repeated", _CONNECTOR, _SEND, _LETS_REPEAT, (_PUT, _ONCE)),
    Mutant("once-is-never-repeated", _CONNECTOR, _SEND, _SENDS_AGAIN, (_PUT, _ONCE)),
    Mutant(
        "errors-broken-off",
        _CONNECTOR,
        _STATUS,
        "        if response.status_code == 500:\n            raise InvalidAnswerError('500')\n" + _STATUS,
    ),
    Mutant(
        "errors-html",
        _CONNECTOR,
        "        return json_of(response)",
        "        return {'items': []} if b'<' in response.content else json_of(response)",
    ),
    Mutant("streams-resume", _CONNECTOR, "after = cursor\n", "after = None\n"),
    Mutant(
        "streams-resume",
        _CONNECTOR,
        "Page(items=items, next=after)",
        "Page(items=items, next=items[0].id if more else None)",
    ),
    Mutant("reads-change-nothing", _CONNECTOR, _PUT, _PUT.replace("WRITE", "READ")),
    Mutant(
        "repeatable-is-repeatable",
        "sandbox.py",
        '        key = request.path_params["id"]\n',
        '        key = request.path_params["id"] + "x" * (len(self.records) - 7)\n',
    ),
    Mutant("webhook-examples", _CONNECTOR, '"item.changed":\n', '"item.altered":\n'),
    Mutant("webhooks-total", _CONNECTOR, "if not isinstance(body, dict):", "if body is None:"),
    Mutant("webhooks-total", _CONNECTOR, "if not isinstance(item, str) or not item:", "if item is None:"),
)
