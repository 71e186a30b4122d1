"""A project with a telephone: connected to the sandbox, with what its callbacks brought in its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio

from backhaul.clock import SystemClock
from backhaul.sdk import Event, WebhookRequest
from backhaul.store.records import EventRecord
from backhaul.store.store import Store
from backhaul.testing import connection_for
from backhaul_connectors.axialys import Axialys
from cli.program import Cli, Sandbox

__all__ = ["Phone", "keep_events"]

NUMBER = "+5511900001234"


@dataclass(slots=True)
class Phone:
    """A project whose connection ``phone`` leads to the sandbox."""

    cli: Cli
    sandbox: Sandbox
    settings: dict[str, str | float]

    @classmethod
    def connected(cls, cli: Cli, sandbox: Sandbox) -> Phone:
        """Return a project that is connected to a sandbox in its first state."""
        sandbox.ask("reset", {})
        key = sandbox.ask("credentials")["axialys"]["api_key"]
        settings: dict[str, str | float] = {"base_url": f"{sandbox.url}/phone/api", "api_key": key}
        phone = cls(cli, sandbox, settings)
        phone.write()
        return phone

    @property
    def order(self) -> list[str]:
        """The parameters of `call`."""
        account = self.sandbox.ask("credentials")["axialys"]["account_id"]
        return [f"account_id={account}", f'number="{NUMBER}"']

    @property
    def inputs(self) -> list[str]:
        """The same as inputs of a run."""
        account, number = self.order
        return ["--input", account.replace("account_id", "account"), "--input", number]

    def write(self, **more: str | float) -> None:
        """Write the project's settings."""
        self.cli.connect("phone", "axialys", {**self.settings, **more})

    def placed(self) -> list[str]:
        """Return the ids of the calls that the platform placed."""
        return [one["call_id"] for one in self.sandbox.ask("axialys/calls")["items"]]

    def keep(self, requests: Sequence[WebhookRequest]) -> None:
        """Put the events of callbacks into the project's history."""

        async def events() -> list[Event]:
            async with connection_for(Axialys, dict(self.settings)) as phone:
                return [event for request in requests for event in await phone.receive(request)]

        keep_events(self.cli, "phone", anyio.run(events))


def keep_events(cli: Cli, connection: str, events: Iterable[Event]) -> None:
    """Put events into a project's history, as received just now by one of its connections."""

    async def keep() -> None:
        url = f"sqlite:///{cli.folder / '.backhaul' / 'backhaul.db'}"
        async with await Store.open(url, clock=SystemClock()) as store:
            for number, event in enumerate(events):
                record = EventRecord(
                    event_id=f"{datetime.now(UTC).isoformat()}/{number}",
                    type=f"{connection}.{event.type}",
                    source=connection,
                    subject=event.subject,
                    data=event.data,
                    time=event.time,
                    received_at=datetime.now(UTC),
                    dedupe_key=event.key,
                )
                store.put_event(record)

    anyio.run(keep)
