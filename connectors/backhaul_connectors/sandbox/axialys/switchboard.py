"""The telephone exchange behind the interface: accounts, callback URLs, and calls whose events are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backhaul_connectors.sandbox.axialys.accounts import API_KEYS, Account, AccountBook
from backhaul_connectors.sandbox.axialys.callbacks import CallbackSender
from backhaul_connectors.sandbox.axialys.calls import CallRecord, Course, Exchange
from backhaul_connectors.sandbox.axialys.switches import AxialysSwitches, Scenario
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["Switchboard"]


class Switchboard:
    """One customer's telephones. ``urls`` holds at most one callback URL per API key."""

    def __init__(self, state: SandboxState, switches: Callable[[], AxialysSwitches]) -> None:
        world = state.world
        self.state = state
        self.accounts = AccountBook(world.population)
        self.urls: dict[str, str] = {}
        self.callbacks = CallbackSender(state, switches)
        self.exchange = Exchange(state.clock, world.agenda, world.options.seed, self._emit)
        self._switches = switches

    def notified(self) -> Sequence[str]:
        """Return the callback URLs in force, one per key at most."""
        return [self.urls[key] for key in API_KEYS if key in self.urls]

    def course(
        self,
        scenario: Scenario | None = None,
        ring_s: float | None = None,
        talk_s: float | None = None,
        *,
        by_hand: bool = False,
    ) -> Course:
        """Return how calls go by the switches, with some values changed; who dials by hand holds the telephone."""
        usual = self._switches()
        return Course(
            scenario=usual.scenario if scenario is None else scenario,
            own_ring_s=0.0 if by_hand else usual.own_ring_s,
            ring_s=usual.ring_s if ring_s is None else ring_s,
            talk_s=usual.talk_s if talk_s is None else talk_s,
        )

    def dial(self, account: Account, number: str, course: Course) -> CallRecord:
        """Let an account call a number: its own phone rings first."""
        reuse = self._switches().reused_call_id
        return self.exchange.begin("outgoing", account.account_id, account.number, number, course, reuse_id=reuse)

    def ring(self, account: Account, number: str, course: Course) -> CallRecord:
        """Let a number call an account."""
        reuse = self._switches().reused_call_id
        return self.exchange.begin("incoming", account.account_id, number, account.number, course, reuse_id=reuse)

    def _emit(self, call: CallRecord, event: str) -> None:
        self.callbacks.notify(self.notified(), call, event)
