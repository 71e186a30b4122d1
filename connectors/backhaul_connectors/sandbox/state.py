"""Everything that one running sandbox holds; the vendors' interfaces and the control interface share it."""

from __future__ import annotations

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.faults import FaultBook
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.request_log import LOG_LIMIT, RequestLog
from backhaul_connectors.sandbox.webhooks import WebhookSender
from backhaul_connectors.sandbox.world import World

__all__ = ["ACS_CLIENT_ID", "ACS_CLIENT_SECRET", "PROVIDER_TOKEN", "SandboxState"]

ACS_CLIENT_ID = "650000000000000000000001"
ACS_CLIENT_SECRET = "sandbox-secret"  # noqa: S105  (documented, worthless outside the sandbox)
PROVIDER_TOKEN = "7:" + "5a4db0c5" * 8


class SandboxState:
    """The world and what surrounds it. ``reset`` replaces the world, so never keep a reference to it."""

    def __init__(self, options: WorldOptions, clock: WorldClock | None = None, *, log_limit: int = LOG_LIMIT) -> None:
        self.clock = clock or WorldClock(zone=options.zone)
        self.log = RequestLog(log_limit)
        self.webhooks = WebhookSender(self.clock)
        self.faults = FaultBook(options.seed)
        self.world = World(options, self.clock)

    def reset(self, options: WorldOptions) -> None:
        """Start again from a seeded world: no faults, no log, no webhook deliveries."""
        self.clock.reset(options.zone)
        self.log.clear()
        self.webhooks.clear()
        self.faults = FaultBook(options.seed)
        self.world = World(options, self.clock)
