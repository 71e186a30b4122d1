"""Sends the callbacks of calls to the registered URLs, with the misfortunes that are switched on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import quote, urlencode

from backhaul_connectors.sandbox.axialys.calls import CallRecord
from backhaul_connectors.sandbox.axialys.switches import AxialysSwitches
from backhaul_connectors.sandbox.state import SandboxState
from backhaul_connectors.sandbox.webhooks import send_request

__all__ = ["CallbackSender", "parameters_of", "target"]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
Parameters = Sequence[tuple[str, str]]


def parameters_of(call: CallRecord, event: str, switches: AxialysSwitches) -> list[tuple[str, str]]:
    """Return the parameters of an event in the order of the vendor's page: only start events have the numbers."""
    found = [("event", event), ("call_id", call.call_id)]
    if event.endswith("_call_start"):
        numbers = [("calling_number", call.calling_number), ("called_number", call.called_number)]
        found += [(name, text) for name, number in numbers if (text := _number(name, number, switches)) is not None]
        found.append(("account_id", call.account_id))
    if event == "call_end":
        if switches.doubled_call_id:
            found.append(("call_id", call.call_id))
        found.append(("status", call.status))
        duration = _duration(call.billable_duration, switches)
        if duration is not None:
            found.append(("billable_duration", duration))
    return [*found, *switches.extra_parameters.items()]


def target(url: str, parameters: Parameters, switches: AxialysSwitches) -> tuple[str, str, bytes | None]:
    """Return method, URL and body of a callback."""
    raw_plus = switches.number_form == "raw_plus"
    query = urlencode(parameters, safe="+" if raw_plus else "", quote_via=quote)
    if switches.callback_as == "post_form":
        return "POST", url, query.encode()
    method = "GET" if switches.callback_as == "get" else "POST"
    if switches.url_mode == "placeholders" and _PLACEHOLDER.search(url):
        values = dict(parameters)
        filled = _PLACEHOLDER.sub(lambda found: quote(values.get(found[1], ""), safe=""), url)
        return method, filled, None if method == "GET" else b""
    joint = "&" if switches.url_mode == "ampersand" and "?" in url else "?"
    return method, f"{url}{joint}{query}", None if method == "GET" else b""


class CallbackSender:
    """Delivers the events of one call in order to one URL each; at most once, whatever is answered."""

    def __init__(self, state: SandboxState, switches: Callable[[], AxialysSwitches]) -> None:
        self._state = state
        self._switches = switches
        self._last: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._held: dict[tuple[str, str], list[list[tuple[str, str]]]] = {}

    def notify(self, urls: Sequence[str], call: CallRecord, event: str) -> None:
        """Send an event of a call to all URLs, as the switches say."""
        switches = self._switches()
        if event in switches.lost:
            return
        batch = [parameters_of(call, event, switches)]
        if switches.unknown_event and event.endswith("_call_start"):
            batch.append(parameters_of(call, "call_transferred", switches))
        for url in urls:
            for parameters in batch:
                late = switches.delay_s > 0 and (not switches.delayed or event in switches.delayed)
                hand_over = partial(self._arrange, url, parameters, ended=event == "call_end")
                if late:
                    self._state.world.agenda.after(switches.delay_s, partial(_act, hand_over))
                else:
                    hand_over()

    def send_raw(self, urls: Sequence[str], parameters: Mapping[str, str]) -> None:
        """Send any parameters as they are."""
        for url in urls:
            self._send(url, list(parameters.items()))

    def _arrange(self, url: str, parameters: list[tuple[str, str]], *, ended: bool) -> None:
        """Send now, or hold back what ``order`` wants later."""
        order = self._switches().order
        key = (url, dict(parameters)["call_id"])
        held = self._held.pop(key, [])
        match order:
            case "kept":
                ready = [*held, parameters]
            case "swapped" if not held and not ended:
                ready, self._held[key] = [], [parameters]
            case "reversed" if not ended:
                ready, self._held[key] = [], [parameters, *held]
            case _:
                ready = [parameters, *held]
        for each in ready:
            self._send(url, each)

    def _send(self, url: str, parameters: list[tuple[str, str]]) -> None:
        switches = self._switches()
        if switches.lost_share and self._state.world.random.random() < switches.lost_share:
            return
        key = (url, dict(parameters).get("call_id", ""))
        for _ in range(switches.copies):
            before = self._last.get(key)
            work = partial(self._deliver, before, *target(url, parameters, switches), switches)
            task = self._state.webhooks.run(dict(parameters), work)
            self._last[key] = task
            task.add_done_callback(partial(self._forget, key))

    async def _deliver(
        self, before: asyncio.Task[None] | None, method: str, url: str, body: bytes | None, switches: AxialysSwitches
    ) -> int:
        """Wait for the call's event before, then call the URL once; return the status, 0 without an answer."""
        if before is not None:
            await asyncio.wait([before])
        send = partial(
            send_request, url, body, method=method, verify=switches.callback_verify_tls,
            content_type="application/x-www-form-urlencoded", timeout_s=switches.callback_timeout_s,
        )  # fmt: skip
        return await asyncio.to_thread(send)

    def _forget(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        if self._last.get(key) is task:
            del self._last[key]


def _act(hand_over: Callable[[], None], _: float) -> None:
    hand_over()


def _number(name: str, number: str, switches: AxialysSwitches) -> str | None:
    """Return a number as it is sent; None: it is left out."""
    how = switches.calling_number if name == "calling_number" else switches.called_number
    if how != "sent":
        return {"missing": None, "empty": "", "anonymous": "anonymous"}[how]
    match switches.number_form:
        case "plus" | "raw_plus":
            return f"+{number}"
        case "national":
            return number[2:]
        case _:
            return number


def _duration(seconds: int, switches: AxialysSwitches) -> str | None:
    match switches.duration_form:
        case "seconds":
            return str(seconds)
        case "decimal":
            return f"{seconds}.5"
        case "clock":
            return f"{seconds // 60:02d}:{seconds % 60:02d}"
        case "empty":
            return ""
        case "missing":
            return None
