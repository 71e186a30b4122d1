"""The faults that the suite lets a connector meet."""

from __future__ import annotations

import json

import anyio
import httpx

from backhaul.testing.conformance.wire import Fault, Pass

__all__ = ["CUT_AFTER", "CUT_BEFORE", "HTML", "NO_ANSWER", "NO_CONNECTION", "Gate", "echoing", "echoing_cut", "status"]

_PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"


def status(code: int, **headers: str) -> Fault:
    """Return the fault that every request is answered with a status, and a short JSON text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def act(request: httpx.Request, pass_on: Pass) -> httpx.Response:
        return httpx.Response(code, headers=named, json={"message": "the suite says no"})

    return Fault(name=f"status {code}", act=act)


async def _html(request: httpx.Request, pass_on: Pass) -> httpx.Response:
    return httpx.Response(200, html=_PAGE)


async def _refused(request: httpx.Request, pass_on: Pass) -> httpx.Response:
    raise httpx.ConnectError("nothing listens there")


async def _never_connected(request: httpx.Request, pass_on: Pass) -> httpx.Response:
    raise httpx.ConnectTimeout("no connection in time")


async def _cut_after(request: httpx.Request, pass_on: Pass) -> httpx.Response:
    await (await pass_on(request)).aclose()
    raise httpx.ReadError("the connection was cut")


async def _no_answer(request: httpx.Request, pass_on: Pass) -> httpx.Response:
    await (await pass_on(request)).aclose()
    raise httpx.ReadTimeout("no answer in time")


HTML = Fault(name="a page of HTML with status 200", act=_html)
CUT_BEFORE = Fault(name="no connection", act=_refused)
NO_CONNECTION = Fault(name="no connection in time", act=_never_connected)
CUT_AFTER = Fault(name="the connection cut after the request had been carried out", act=_cut_after)
NO_ANSWER = Fault(name="no answer in time to a request that had been carried out", act=_no_answer)


def echoing(code: int, *, as_html: bool = False) -> Fault:
    """Return the fault that an answer repeats everything that was sent, as careless systems do in their errors."""

    async def act(request: httpx.Request, pass_on: Pass) -> httpx.Response:
        said = _everything(request)
        if as_html:
            return httpx.Response(code, html=f"<html><body>You sent: {said}</body></html>")
        return httpx.Response(code, json={"message": f"You sent: {said}", "access_token": None, "error": said})

    return Fault(name=f"status {code} with an echo", act=act)


async def _echo_cut(request: httpx.Request, pass_on: Pass) -> httpx.Response:
    raise httpx.ReadError(f"cut while sending {_everything(request)}")


echoing_cut = Fault(name="a cut connection that is reported with the whole request", act=_echo_cut)


class Gate:
    """A fault that holds requests until it is cancelled."""

    def __init__(self) -> None:
        self.entered = anyio.Event()

    @property
    def fault(self) -> Fault:
        """The fault to arm."""
        return Fault(name="no answer", act=self._hold)

    async def _hold(self, request: httpx.Request, pass_on: Pass) -> httpx.Response:
        self.entered.set()
        await anyio.sleep_forever()
        raise AssertionError("unreachable")


def _everything(request: httpx.Request) -> str:
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    # What is secret comes first: excerpts are short.
    ordered = dict(sorted(headers.items(), key=lambda pair: pair[0] in {"accept", "accept-encoding", "user-agent"}))
    body = request.content.decode("utf-8", "replace")
    return f"{body} {request.url.query.decode()} {json.dumps(ordered)}"
