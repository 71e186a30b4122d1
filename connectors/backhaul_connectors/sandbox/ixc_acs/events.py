"""The ACS's webhooks: which events are sent, with which body, and how badly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from backhaul_connectors.sandbox.ixc_acs.switches import AcsSwitches, Family
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["EventSender", "fill"]

_PLACE = re.compile(r"\{(\w+)\}")
_HELD_S = 30.0


class EventSender:
    """Sends events to the API client's URI.

    The vendor documents neither body nor event names; the names follow webhooks.md section 4, and the body is flat:
    ``{"eventId", "event", "family", "serialNumber", "pppoeLogin", "date"}``; tests add ``diagnostic`` and ``state``.
    """

    def __init__(self, state: SandboxState, switches: Callable[[], AcsSwitches]) -> None:
        self._state = state
        self._switches = switches
        self._count = 0
        self._held: list[dict[str, object]] = []

    def emit(self, event: str, family: Family, slot: int, **more: object) -> None:
        """Send an event about a device, unless nobody subscribed to it or it is lost."""
        switches, world = self._switches(), self._state.world
        if switches.webhook_uri is None or switches.webhook_lost or family not in switches.webhook_families:
            return
        self._count += 1
        body: dict[str, object] = {
            "eventId": f"evt-{self._count:08d}",
            "event": event,
            "family": family,
            "serialNumber": world.devices.serial(slot),
            "pppoeLogin": world.devices.login(slot),
            "date": world.clock.iso(world.clock.now()),
            **more,
        }
        chance = world.random.random
        if switches.webhook_loss and chance() < switches.webhook_loss:
            return
        if switches.webhook_reorder and chance() < switches.webhook_reorder:
            self._held.append(body)
            world.agenda.after(_HELD_S, lambda _: self._release())
            return
        copies = switches.webhook_copies
        if switches.webhook_duplicate and chance() < switches.webhook_duplicate:
            copies += 1
        self._send(switches, body, copies)
        self._release()

    def _release(self) -> None:
        """Send what was held back, after everything that is on its way."""
        held, self._held = self._held, []
        for body in held:
            self._send(self._switches(), body, 1, last=True)

    def _send(self, switches: AcsSwitches, body: dict[str, object], copies: int, *, last: bool = False) -> None:
        if switches.webhook_uri is None:
            return
        told = body if switches.webhook_template is None else fill(switches.webhook_template, body)
        self._state.webhooks.send(
            switches.webhook_uri,
            told,
            copies=copies,
            delay_s=switches.webhook_delay_ms / 1000,
            verify=not switches.webhook_invalid_certificate,
            last=last,
            pauses_s=[switches.webhook_retry_s * 2**n for n in range(switches.webhook_retries)],
            agenda=self._state.world.agenda,
        )


def fill(template: Any, values: Mapping[str, object]) -> Any:
    """Return a template with its places filled; a text that is only a place takes the value with its type."""
    if isinstance(template, dict):
        return {key: fill(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, values) for value in template]
    if not isinstance(template, str):
        return template
    whole = _PLACE.fullmatch(template)
    if whole is not None:
        return values.get(whole[1])
    return _PLACE.sub(lambda match: str(values.get(match[1], "")), template)
