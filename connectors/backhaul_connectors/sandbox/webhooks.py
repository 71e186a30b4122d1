"""Sends the vendors' webhooks to the configured addresses, which must be on loopback."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from http.client import HTTPException
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from backhaul_connectors.sandbox.agenda import Agenda
from backhaul_connectors.sandbox.clock import WorldClock

__all__ = ["WebhookSender", "require_loopback", "send_request"]

_TIMEOUT_S = 10.0


def require_loopback(uri: str) -> str:
    """Return the URI if it is http(s) on a loopback address, else raise ValueError.

    The sandbox must never send invented events to a real system (webhooks.md section 1.12).
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a webhook URI must be http(s)://host/...")
    try:
        loopback = parts.hostname == "localhost" or ip_address(parts.hostname).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"the sandbox sends webhooks to loopback addresses only, not to {parts.hostname}")
    return uri


class WebhookSender:
    """Delivers events by POST in the background and remembers the last deliveries."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._deliveries: deque[dict[str, object]] = deque(maxlen=10_000)

    def send(
        self,
        uri: str,
        event: Mapping[str, object],
        *,
        copies: int = 1,
        delay_s: float = 0.0,
        verify: bool = True,
        last: bool = False,
        pauses_s: Sequence[float] = (),
        agenda: Agenda | None = None,
    ) -> None:
        """Post one event; never waits for the answer.

        Args:
            uri: where to; loopback only.
            event: the JSON body.
            copies: how often it is sent at once.
            delay_s: pause of the real clock before.
            verify: whether the certificate of an ``https`` address is checked.
            last: wait first until everything that is on its way was delivered.
            pauses_s: pauses of the world's clock before each repetition of what was not answered with 2xx.
            agenda: where the repetitions are planned.
        """
        waits_for = tuple(self._tasks) if last else ()
        for _ in range(copies):
            post = _Post(uri, event, verify, tuple(pauses_s), agenda)
            task = asyncio.get_running_loop().create_task(self._deliver(post, delay_s, waits_for))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def run(self, event: Mapping[str, object], deliver: Callable[[], Awaitable[int]]) -> asyncio.Task[None]:
        """Deliver an event in a vendor's own way, in the background; ``deliver`` returns the receiver's status."""
        task = asyncio.get_running_loop().create_task(self._run(event, deliver))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def as_json(self) -> list[dict[str, object]]:
        """Return the last deliveries: event, time, and the receiver's status (0: no answer)."""
        return list(self._deliveries)

    def clear(self) -> None:
        """Forget the deliveries made so far."""
        self._deliveries.clear()

    async def drain(self) -> None:
        """Wait until everything on its way was delivered or has failed."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Give up what is still on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, event: Mapping[str, object], deliver: Callable[[], Awaitable[int]]) -> None:
        status = await deliver()
        self._deliveries.append({"at": self._clock.iso(self._clock.now()), "event": event, "status": status})

    async def _deliver(self, post: _Post, delay_s: float, waits_for: tuple[asyncio.Task[None], ...]) -> None:
        if waits_for:
            await asyncio.wait(waits_for)
        if delay_s:
            await asyncio.sleep(delay_s)
        status = await asyncio.to_thread(send_request, post.uri, json.dumps(post.event).encode(), verify=post.verify)
        at = self._clock.iso(self._clock.now())
        self._deliveries.append({"at": at, "event": post.event, "status": status})
        if not 200 <= status < 300 and post.pauses_s and post.agenda is not None:
            rest, agenda = post.pauses_s[1:], post.agenda
            again = partial(self.send, post.uri, post.event, verify=post.verify, pauses_s=rest, agenda=agenda)
            agenda.after(post.pauses_s[0], lambda _: again())


class _Post(NamedTuple):
    uri: str
    event: Mapping[str, object]
    verify: bool
    pauses_s: tuple[float, ...]
    agenda: Agenda | None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """Follow nothing."""


def send_request(
    uri: str,
    body: bytes | None,
    *,
    method: str = "POST",
    content_type: str = "application/json",
    verify: bool = True,
    timeout_s: float = _TIMEOUT_S,
) -> int:
    """Return the HTTP status, 0 if there was no answer or the certificate of an ``https`` address is wrong.

    Follows no redirect, uses no proxy, and calls loopback addresses only; blocks until answered.
    """
    headers = {} if body is None else {"Content-Type": content_type}
    request = urllib.request.Request(require_loopback(uri), data=body, headers=headers, method=method)  # noqa: S310
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({}), _NoRedirect()]
    if uri.startswith("https:"):
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (OSError, HTTPException, ValueError, OverflowError):
        return 0
