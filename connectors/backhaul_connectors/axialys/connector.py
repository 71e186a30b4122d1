"""The `axialys` connector: its actions, its callbacks, what it watches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from backhaul.sdk import (
    AttemptInfo,
    Change,
    Connector,
    ConnectorContext,
    Effect,
    Event,
    NotFoundError,
    Personal,
    PollPage,
    RefusedError,
    Verdict,
    WebhookRejectedError,
    WebhookRequest,
    action,
    poll,
    webhook,
)
from backhaul_connectors.axialys.answers import call_id_of
from backhaul_connectors.axialys.api import AxialysApi
from backhaul_connectors.axialys.call_state import EXPIRED, CallState, join
from backhaul_connectors.axialys.callback_url import checked_callback_url
from backhaul_connectors.axialys.callbacks import Ignored, event_of
from backhaul_connectors.axialys.clicks import Clicks
from backhaul_connectors.axialys.models import CALL_EVENTS, CallAccepted, CallbackChanged
from backhaul_connectors.axialys.numbers import e164
from backhaul_connectors.axialys.sender import came_from
from backhaul_connectors.axialys.settings import AxialysSettings
from backhaul_connectors.axialys.stored import stored_events
from backhaul_connectors.axialys.verification import Order, look_for
from backhaul_connectors.axialys.watching import SILENT, expired_calls, silence

__all__ = ["Axialys"]


class Axialys(Connector[AxialysSettings]):
    """Axialys Centrex, hosted business telephony: click-to-call and call notifications.

    Source: vendor page on the Centrex real-time API. It leaves the results open ("to be defined"), so no action
    depends on a field of an answer.
    """

    name = "axialys"
    Settings = AxialysSettings

    def __init__(self, settings: AxialysSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._api = AxialysApi(settings, context)
        self._clicks = Clicks(window_s=settings.correlation_window_s, guard_s=settings.repeat_guard_s)

    @classmethod
    def event_types(cls, settings: AxialysSettings) -> Mapping[str, str]:
        """Return the callbacks' events, and those that are noticed by their absence."""
        return CALL_EVENTS | {
            EXPIRED: "A call has begun long ago, and no end of it was told.",
            SILENT: "No callback has come for longer than the setting says.",
        }

    @action(effect=Effect.ONCE, verify="verify_call")
    async def call(self, *, account_id: str, number: Personal[str]) -> CallAccepted:
        """Call a number from a Centrex account: the account's own telephone rings first, then the number's.

        It is sent once, whatever happens. Without a clear answer the outcome is unknown, and the start event of the
        call decides. Click-to-call works only after `set_callback`. Orders of one account take turns.

        Args:
            account_id: Centrex account whose telephone rings first.
            number: number to call: E.164 with or without ``+``, or national with `default_region`.

        Raises:
            RefusedError: the number cannot be read, the account is not among `account_ids`, or Axialys said no.
            AuthenticationError: the credential is not accepted, or this address is not.
            UnknownOutcomeError: no proper answer came back: a telephone may have rung.
        """
        called = self._number(account_id, number)
        async with self._clicks.ordering(account_id):
            self._clicks.note(account_id, called, self.clock.now())
            answer = await self._api.call(account_id, called)
        return CallAccepted(account_id=account_id, number=called, call_id=call_id_of(answer), raw=answer)

    async def verify_call(self, *, account_id: str, number: str, attempt: AttemptInfo) -> Verdict:
        """Find out from the stored events whether an ordered call was started."""
        order = Order(
            account_id=account_id,
            number=self._number(account_id, number),
            began_at=attempt.started_at,
            window_s=self.settings.correlation_window_s,
        )
        return await look_for(
            order,
            self.context.events,
            self._clicks,
            now=self.clock.now,
            sleep=self.clock.sleep,
            absence_is_proof=self.settings.no_event_means_no_call,
        )

    @action(effect=Effect.WRITE, describe="describe_set_callback")
    async def set_callback(self, *, url: str | None = None) -> CallbackChanged:
        """Have Axialys send the call notifications of this API key to a URL, and to no other.

        There is one URL per API key: it replaces any earlier one, also that of another environment. An empty one, one
        with a query, and one that Axialys cannot reach are refused before anything is sent.

        Args:
            url: the receiver, ``https://<host>/hooks/<connection>/<secret>/``; the setting `callback_url` when not
                given, which keeps the secret in it out of the history.

        Raises:
            RefusedError: the URL is not one to register, or Axialys said no.
            AuthenticationError: the API key is not accepted, or this address is not.
        """
        given = url
        if given is None and self.settings.callback_url is not None:
            given = self.settings.callback_url.reveal()
        if given is None:
            raise RefusedError("there is no URL: give url, or set callback_url")
        registered = checked_callback_url(given, self.settings)
        return CallbackChanged(enabled=True, raw=await self._api.set_callback(registered))

    async def describe_set_callback(self, *, url: str | None) -> Change:
        """Say to which host the notifications would go: the rest of the URL holds a secret. It cannot be read."""
        if url is None:
            return Change(text="send the call notifications to the URL in the setting callback_url, and to no other")
        return Change(text=f"send the call notifications to {urlsplit(url).hostname}, and to no other URL")

    @action(effect=Effect.DELETE)
    async def disable_callback(self) -> CallbackChanged:
        """Remove the callback URL of this API key: no notifications any more, and click-to-call stops working.

        Raises:
            RefusedError: `manage_callback` is false, or Axialys said no.
            AuthenticationError: the API key is not accepted, or this address is not.
        """
        if not self.settings.manage_callback:
            raise RefusedError("manage_callback = false: this project must not change the callback")
        return CallbackChanged(enabled=False, raw=await self._api.set_callback(""))

    @action(effect=Effect.READ)
    async def get_call(self, *, call_id: str) -> CallState:
        """Return a call's state, joined from the events that came in; Axialys itself cannot be asked.

        Args:
            call_id: the call's id, from an event.

        Raises:
            NotFoundError: no event of this call came in within twice `call_time_limit_s`.
        """
        since = self.clock.now() - timedelta(seconds=2 * self.settings.call_time_limit_s)
        stored = stored_events(self.context.events, since, (*CALL_EVENTS, EXPIRED))
        calls = join([event async for event in stored if event.subject == call_id])
        if call_id not in calls:
            raise NotFoundError(f"no event of the call {call_id[:80]!r} came in lately")
        return calls[call_id].state(call_id)

    @webhook
    async def receive(self, request: WebhookRequest) -> Sequence[Event]:
        """Take a callback by GET or POST; whatever is not a call event of this customer is no event, and no error.

        Events: `outgoing_call_start`, `incoming_call_start`, `call_connected`, `call_end`.
        """
        if request.method not in {"GET", "POST"}:
            raise WebhookRejectedError("callbacks come by GET or POST", status=405)
        if not came_from(request.client, self.settings.callback_ips):
            raise WebhookRejectedError("the sender is not among callback_ips", status=403)
        try:
            return [event_of(request, self.settings)]
        except Ignored as ignored:
            self.log.info("callback ignored", reason=str(ignored))
            return []

    @poll(every_s=60)
    async def expired(self, *, cursor: str | None) -> AsyncIterator[PollPage]:
        """Emit `call.expired` for each call whose end has not come within `call_time_limit_s`."""
        yield await expired_calls(
            self.context.events, cursor=cursor, now=self.clock.now(), limit_s=self.settings.call_time_limit_s
        )

    @poll(every_s=300)
    async def silent(self, *, cursor: str | None) -> AsyncIterator[PollPage]:
        """Emit `callbacks.silent` when no callback has come for `silence_alert_s`: another may have taken the URL."""
        yield await silence(
            self.context.events, cursor=cursor, now=self.clock.now(), alert_s=self.settings.silence_alert_s
        )

    async def check(self) -> None:
        """Prove the address; and the API key, if `check_sets_callback` allows it: nothing can be read with one."""
        await self._api.reach()
        if self.settings.check_sets_callback:
            await self.set_callback()

    def _number(self, account_id: str, number: str) -> str:
        """Return a number as E.164, when it can be called from this account; errors as of `call`."""
        if not account_id.strip():
            raise RefusedError("account_id is empty; nothing was sent")
        if self.settings.account_ids and account_id not in self.settings.account_ids:
            raise RefusedError(f"account {account_id} is not among account_ids; nothing was sent")
        called = e164(number, self.settings.default_region)
        if called is None:
            region = self.settings.default_region
            hint = f"or a national one of {region}" if region else "(set default_region to use national ones)"
            raise RefusedError(
                f"the number to call, of {len(number)} characters, cannot be read: write it as E.164, such as "
                f"+33199001234, {hint}; nothing was sent"
            )
        return called
