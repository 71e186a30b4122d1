"""One vendor's interface as an ASGI application: reads a call, lets faults strike, logs the effect, answers."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, cast
from urllib.parse import parse_qsl

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from backhaul_connectors.sandbox.connection import cut
from backhaul_connectors.sandbox.faults import FaultSpec, Target
from backhaul_connectors.sandbox.request_log import Effect, Outcome
from backhaul_connectors.sandbox.state import SandboxState
from backhaul_connectors.sandbox.switches import VendorSwitches

__all__ = ["Answer", "Call", "Operation", "VendorFace", "json_answer"]

_REPLACING = ("status", "html_200", "latin1_html", "error_200", "red_div", "rate_limit", "refuse_ip", "cut_before")
_BODY_LIMIT = 16 * 1024 * 1024

Headers = tuple[tuple[bytes, bytes], ...]
JSON_HEADERS: Headers = ((b"content-type", b"application/json; charset=utf-8"),)
HTML_HEADERS: Headers = ((b"content-type", b"text/html"),)


@dataclass(slots=True)
class Call:
    """One call as received. ``path`` is without the vendor's prefix; ``distort`` is a fault of the list kind."""

    method: str
    path: str
    full_path: str
    query: str
    headers: dict[bytes, bytes]
    body: bytes
    client: str
    distort: str = ""
    scheme: str = "http"

    def header(self, name: bytes) -> str:
        """Return a header (name in lower case) or ""."""
        return self.headers.get(name, b"").decode("latin-1")

    def query_items(self) -> list[tuple[str, str]]:
        """Return the decoded query parameters in order."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass(slots=True)
class Answer:
    """What goes back, and what the call did. ``completed``: it did what it is for."""

    status: int = 200
    body: bytes = b""
    headers: Headers = JSON_HEADERS
    outcome: Outcome = "done"
    completed: bool = True
    key: str = ""
    record: str = ""


class Operation(NamedTuple):
    """What a call asks for: its name in the log, the effect it is meant to have, and who carries it out."""

    name: str
    effect: Effect
    carry_out: Callable[[Call], Answer]
    listing: bool = False


def json_answer(value: object, status: int = 200, *, headers: Headers = JSON_HEADERS) -> Answer:
    """Return an answer with a JSON body; statuses from 400 on are refusals."""
    refused = status >= 400
    body = json.dumps(value).encode()
    return Answer(status, body, headers, "refused" if refused else "done", not refused)


class VendorFace(ABC):
    """Base of the vendors' interfaces. Subclasses say what a call means; this class does the rest."""

    vendor: ClassVar[str]
    """Its name in the control interface and in the log."""
    prefix: ClassVar[str] = ""
    """The first part of its paths; "": the same as ``vendor``."""
    switches: VendorSwitches

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    @abstractmethod
    def operation(self, call: Call) -> Operation:
        """Return what a call asks for; unknown paths too (effect ``none``)."""

    @abstractmethod
    def ip_refused(self) -> Answer:
        """Return the answer to a caller outside the IP list."""

    def over_limit(self, retry_after_s: float | None) -> Answer:
        """Return the answer to a call over the limits; None: no ``Retry-After`` header."""
        answer = json_answer({"message": "Too Many Requests"}, self.switches.limit_status)
        if retry_after_s is not None:
            answer.headers = (*answer.headers, (b"retry-after", f"{retry_after_s:g}".encode()))
        return answer

    def error_in_200(self, text: str | None) -> Answer:
        """Return the vendor's way of saying that something went wrong with status 200."""
        return json_answer({"type": "error", "message": text or "Erro inesperado, tente novamente!<br />"})

    def expire_tokens(self) -> None:  # noqa: B027  (optional)
        """Make all issued tokens invalid; vendors without tokens have nothing to do."""

    def switched(self) -> None:  # noqa: B027  (optional)
        """React to changed switches."""

    @abstractmethod
    def credentials(self) -> dict[str, str]:
        """Return what a client needs to sign in; fixed and worthless outside the sandbox."""

    @abstractmethod
    def changes(self) -> list[Route]:
        """Return the control routes under ``/_sandbox/{vendor}`` that change this vendor's state by hand."""

    def counts(self) -> dict[str, int]:
        """Return how many things of its own the vendor holds; what the world holds is counted there."""
        return {}

    def subscriber(self, index: int) -> dict[str, object]:
        """Return what the vendor knows of a subscriber, beyond what the world tells of everybody."""
        return {}

    @abstractmethod
    def reset(self) -> None:
        """Return to the initial switches and forget what callers built up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP call."""
        if scope["type"] != "http":
            return
        world = self.state.world
        call = await _read_call(scope, receive)
        self.state.world.agenda.run_due()
        operation = self.operation(call)
        issues_token = operation.effect == "token"
        target = Target(self.vendor, call.method, call.full_path, operation.name, operation.listing, issues_token)
        drawn = self.state.faults.draw(target)
        delay_s = drawn.delay_s + self._latency_s()
        if delay_s:
            await asyncio.sleep(delay_s)
        if self.state.world is not world:
            # A reset: what was asked of the world before must not happen in the new one, nor be in its log.
            await cut(receive)
            return
        answer = self._act_and_log(call, operation, drawn.fault)
        await _deliver(answer, drawn.fault, receive, send)

    def _latency_s(self) -> float:
        switches = self.switches
        if not switches.latency_ms and not switches.jitter_ms:
            return 0.0
        return (switches.latency_ms + switches.jitter_ms * self.state.world.random.random()) / 1000

    def _act_and_log(self, call: Call, operation: Operation, fault: FaultSpec | None) -> Answer:
        """Carry out a call and log it. There is no await inside, so state and log never differ."""
        if fault is not None and fault.kind == "expire_token":
            self.expire_tokens()
        if fault is not None and fault.kind in ("truncate_page", "empty_list"):
            call.distort = fault.kind
        if fault is not None and fault.kind in _REPLACING and not fault.act:
            answer = self._misfortune(fault)
        else:
            answer = self._carry_out(call, operation)
            if fault is not None and fault.kind in _REPLACING:
                told = self._misfortune(fault)
                told.completed, told.key, told.record = answer.completed, answer.key, answer.record
                answer = told
            elif fault is not None and fault.kind in ("cut_after", "cut_body"):
                answer.outcome = "cut"
        self.state.log.add(
            at=self.state.clock.now(),
            vendor=self.vendor,
            method=call.method,
            path=call.full_path,
            operation=operation.name,
            effect=operation.effect,
            outcome=answer.outcome,
            key=answer.key,
            record=answer.record,
            status=answer.status,
            completed=answer.completed,
        )
        return answer

    def _carry_out(self, call: Call, operation: Operation) -> Answer:
        if self.switches.refuses(call.client):
            return self.ip_refused()
        return operation.carry_out(call)

    def _misfortune(self, fault: FaultSpec) -> Answer:
        """Return what the caller is told instead of the real answer."""
        match fault.kind:
            case "status":
                answer = Answer(fault.code, (fault.body or "").encode(), JSON_HEADERS)
                if fault.body is None:
                    answer.body, answer.headers = _html(f"{fault.code} error"), HTML_HEADERS
            case "html_200":
                answer = Answer(200, _html("Bem-vindo"), HTML_HEADERS)
            case "latin1_html":
                body = "<html><body>Serviço indisponível: manutenção</body></html>".encode("latin-1")
                answer = Answer(fault.code, body, ((b"content-type", b"text/html; charset=ISO-8859-1"),))
            case "rate_limit":
                answer = self.over_limit(fault.retry_after_s if fault.header else None)
                answer.status = 429
            case "refuse_ip":
                answer = self.ip_refused()
            case "error_200":
                answer = self.error_in_200(fault.body)
            case "red_div":
                text = "Ocorreu um erro ao processar. Por favor, entre em contato com o suporte!"
                answer = Answer(200, f'<div style="color: red;">{text}</div>'.encode(), HTML_HEADERS)
            case _:
                answer = Answer(0)
        extra = tuple((name.lower().encode(), value.encode()) for name, value in fault.headers.items())
        answer.headers = (*(h for h in answer.headers if h[0] not in dict(extra)), *extra)
        answer.outcome = "cut" if fault.kind == "cut_before" else "failed"
        answer.completed = False
        return answer


def _html(title: str) -> bytes:
    return (
        f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center>"
        "<hr><center>nginx</center></body></html>"
    ).encode()


async def _read_call(scope: Scope, receive: Receive) -> Call:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body") or len(body) > _BODY_LIMIT:
            break
    path: str = scope["path"]
    client = scope.get("client")
    return Call(
        method=scope["method"],
        path=path.removeprefix(scope.get("root_path", "")),
        full_path=path,
        query=cast("bytes", scope["query_string"]).decode("latin-1"),
        headers=dict(scope["headers"]),
        body=body,
        client=client[0] if client else "127.0.0.1",
        scheme=scope.get("scheme", "http"),
    )


async def _deliver(answer: Answer, fault: FaultSpec | None, receive: Receive, send: Send) -> None:
    """Send the answer, slowly or in part if a fault says so, or close the connection without one."""
    kind = "" if fault is None else fault.kind
    if kind in ("cut_before", "cut_after"):
        await cut(receive)
        return
    length = (b"content-length", str(len(answer.body)).encode())
    start: dict[str, Any] = {"type": "http.response.start", "status": answer.status}
    start["headers"] = [*answer.headers, length]
    await send(start)
    if fault is not None and kind in ("slow_body", "cut_body"):
        half = len(answer.body) // 2
        await send({"type": "http.response.body", "body": answer.body[:half], "more_body": True})
        if kind == "cut_body":
            await cut(receive, flush=True)
            return
        await asyncio.sleep((fault.ms + fault.jitter_ms) / 1000)
        answer.body = answer.body[half:]
    await send({"type": "http.response.body", "body": answer.body})
