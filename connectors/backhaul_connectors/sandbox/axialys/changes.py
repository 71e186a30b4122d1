"""What people at telephones do, as control routes under ``/_sandbox/axialys``."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.axialys.accounts import API_KEYS, Account
from backhaul_connectors.sandbox.axialys.calls import CallRecord, Course
from backhaul_connectors.sandbox.axialys.switchboard import Switchboard
from backhaul_connectors.sandbox.axialys.switches import Scenario
from backhaul_connectors.sandbox.control_errors import ControlError, read_body
from backhaul_connectors.sandbox.desks import DESKS
from backhaul_connectors.sandbox.phones import international

__all__ = ["AxialysChanges"]


class _Course(BaseModel):
    """How the call goes; what is left out is as the switches say."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    scenario: Scenario = "manual"
    ring_s: float | None = Field(default=None, ge=0)
    talk_s: float | None = Field(default=None, ge=0)


class _Incoming(_Course):
    """Who calls (a number, or a subscriber's mobile by ``index``), and which account (``to_index``: a subscriber's)."""

    from_: str | None = Field(default=None, alias="from", min_length=1)
    index: int | None = Field(default=None, ge=0)
    account_id: str | None = None
    to_index: int | None = Field(default=None, ge=0)


class _Outgoing(_Course):
    """Which account calls (``index``: a subscriber's), and the number (``to_index``: a subscriber's mobile)."""

    account_id: str | None = None
    index: int | None = Field(default=None, ge=0)
    number: str | None = Field(default=None, min_length=1)
    to_index: int | None = Field(default=None, ge=0)


class _End(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: str = ""
    billable_duration: int | None = Field(default=None, ge=0)


class _RawEvent(BaseModel):
    """Any parameters of a callback."""

    model_config = ConfigDict(extra="forbid")

    parameters: dict[str, str]


class AxialysChanges:
    """Lets telephones ring, be answered and be put down."""

    def __init__(self, board: Callable[[], Switchboard]) -> None:
        self._board = board

    def routes(self) -> list[Route]:
        """Return the control routes."""
        return [
            Route("/incoming_call", self.incoming, methods=["POST"]),
            Route("/outgoing_call", self.outgoing, methods=["POST"]),
            Route("/calls", self.calls, methods=["GET"]),
            Route("/calls/{call_id}", self.show, methods=["GET"]),
            Route("/calls/{call_id}/connect", self.connect, methods=["POST"]),
            Route("/calls/{call_id}/end", self.end, methods=["POST"]),
            Route("/accounts/{account_id}", self.account, methods=["GET"]),
            Route("/callbacks", self.callbacks, methods=["GET"]),
            Route("/events", self.raw_event, methods=["POST"]),
        ]

    async def incoming(self, request: Request) -> JSONResponse:
        """Let someone call an account (a desk by default). It rings until connected or ended, or by the scenario."""
        wanted = await read_body(request, _Incoming)
        if wanted.from_ is not None:
            number = "".join(c for c in wanted.from_ if c.isascii() and c.isdigit()) or wanted.from_
        else:
            number = self._board().accounts.mobile_of(self._index(wanted.index or 0))
        account = self._account(wanted.account_id, wanted.to_index)
        call = self._board().ring(account, number, self._course(wanted))
        return JSONResponse(call.as_json(), 201)

    async def outgoing(self, request: Request) -> JSONResponse:
        """Let an account's person dial a number by hand: no click-to-call, the same events."""
        wanted = await read_body(request, _Outgoing)
        account = self._account(wanted.account_id, wanted.index)
        if wanted.number is not None:
            number = international(wanted.number)
        else:
            number = self._board().accounts.mobile_of(
                self._index(wanted.to_index if wanted.to_index is not None else 0)
            )
        return JSONResponse(self._board().dial(account, number, self._course(wanted)).as_json(), 201)

    async def calls(self, request: Request) -> JSONResponse:
        """Return the calls, the newest first; ``?limit=``."""
        text = request.query_params.get("limit", "100")
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 100
        newest = list(self._board().exchange)[::-1][:limit]
        return JSONResponse({"items": [call.as_json() for call in newest]})

    async def show(self, request: Request) -> JSONResponse:
        """Return one call."""
        return JSONResponse(self._call(request).as_json())

    async def connect(self, request: Request) -> JSONResponse:
        """Answer a ringing call (event ``call_connected``)."""
        call = self._call(request)
        if not self._board().exchange.connect(call, self._board().state.clock.now()):
            raise ControlError(f"the call {call.call_id} is {call.state}", 409)
        return JSONResponse(call.as_json())

    async def end(self, request: Request) -> JSONResponse:
        """Put down a call (event ``call_end``), with a status and a duration of one's own if wanted."""
        call = self._call(request)
        wanted = await read_body(request, _End)
        now = self._board().state.clock.now()
        if not self._board().exchange.end(call, now, wanted.status, wanted.billable_duration):
            raise ControlError(f"the call {call.call_id} has ended", 409)
        return JSONResponse(call.as_json())

    async def account(self, request: Request) -> JSONResponse:
        """Return one account with its SIP password, as the account sheet shows it."""
        return JSONResponse(self._account(request.path_params["account_id"], None)._asdict())

    async def callbacks(self, _: Request) -> JSONResponse:
        """Return which keys have a callback URL; of a URL only the server, since the path may be a secret."""
        items = []
        for place, key in enumerate(API_KEYS, start=1):
            url = self._board().urls.get(key)
            server = "" if url is None else urlsplit(url).netloc.rpartition("@")[2]
            items.append({"key": place, "set": url is not None, "server": server})
        return JSONResponse({"items": items})

    async def raw_event(self, request: Request) -> JSONResponse:
        """Send a callback with any parameters: an unknown event, a call that never was."""
        wanted = await read_body(request, _RawEvent)
        urls = self._board().notified()
        self._board().callbacks.send_raw(urls, wanted.parameters)
        return JSONResponse({"sent_to": len(urls)}, 202)

    def _course(self, wanted: _Course) -> Course:
        return self._board().course(wanted.scenario, wanted.ring_s, wanted.talk_s, by_hand=True)

    def _call(self, request: Request) -> CallRecord:
        call_id = request.path_params["call_id"]
        call = self._board().exchange.get(call_id)
        if call is None:
            raise ControlError(f"Axialys has no call {call_id}", 404)
        return call

    def _account(self, account_id: str | None, index: int | None) -> Account:
        if account_id is None and index is not None:
            return self._board().accounts.of(self._index(index))
        wanted = account_id or DESKS[0].account_id
        account = self._board().accounts.find(wanted)
        if account is None:
            raise ControlError(f"Axialys has no account {wanted}", 404)
        return account

    def _index(self, index: int) -> int:
        if index >= self._board().state.world.population.logins:
            raise ControlError(f"there is no subscriber {index}", 404)
        return index
