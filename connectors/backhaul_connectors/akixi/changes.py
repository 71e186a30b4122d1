"""Changes of entries: add once and find the new id, merge before a change, delete what is there."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import anyio

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    Change,
    InvalidAnswerError,
    Json,
    NotFoundError,
    RefusedError,
    UnknownOutcomeError,
    Verdict,
)
from backhaul_connectors.akixi.errors import EntryNotFoundError
from backhaul_connectors.akixi.fields import IntegratorClientField, fields_value
from backhaul_connectors.akixi.listing import EntryListing, EntryQuery
from backhaul_connectors.akixi.merging import MERGED, Wanted, content_of, merged
from backhaul_connectors.akixi.models import (
    IntegratorClient,
    IntegratorClientAddition,
    IntegratorClientChange,
    IntegratorClientRemoval,
    integrator_client_of,
    plain,
)
from backhaul_connectors.akixi.scope import ALL, ALL_DEVICES, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.akixi.api import AkixiApi
    from backhaul_connectors.akixi.settings import AkixiSettings

__all__ = ["Entries"]

_HOUR_S = 3600.0
# The zone of the stored times may be set wrong, which moves `DateTimeCreated` by up to 14 hours.
_SLACK = timedelta(days=1)
Record: TypeAlias = Mapping[str, Json]


@dataclass(slots=True)
class _Turn:
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    waiting: int = 0


class Entries:
    """Reads and changes single entries of one connection."""

    def __init__(
        self, api: AkixiApi, listing: EntryListing, settings: AkixiSettings, context: ConnectorContext
    ) -> None:
        self._api = api
        self._listing = listing
        self._settings = settings
        self._clock = context.clock
        self._turns: dict[Scope, _Turn] = {}
        self._added: deque[float] = deque()

    async def record(self, scope: Scope, entry_id: str, fields: Sequence[IntegratorClientField]) -> Record:
        """Return one entry as Akixi writes it.

        Raises:
            NotFoundError: there is none.
            InvalidAnswerError: the answer is about another entry, or about none.
        """
        what = f"Integrator Client {entry_id}"
        params = {"IntegratorClientFields": fields_value(fields, self._settings.fields_form)} if fields else None
        answer = await self._api.call("GET", f"/admin{scope.entry_path(entry_id)}", what, params=params)
        data = answer.get("Data") if isinstance(answer, dict) else None
        if not isinstance(data, dict) or not data:
            raise InvalidAnswerError(f"{what}: Akixi's answer holds no Data. Check base_url and api_path")
        told = plain(data.get("ID"))
        if self._settings.check_info_id and told not in (None, entry_id):
            raise InvalidAnswerError(
                f"{what}: Akixi answered about {told}. If it does so for every entry, set check_info_id = false"
            )
        return {"ID": entry_id, **data}

    async def add(self, scope: Scope, wanted: Wanted) -> IntegratorClientAddition:
        """Add an entry, never twice, and find its id by comparing the lists before and after.

        Calls for one scope take turns.

        Raises:
            UnknownOutcomeError: no proper answer came, and the entry is not in the list (yet).
        """
        description = wanted.description or ""
        async with self._turn(scope):
            before = await self._same_scope(scope)
            same = [entry for entry in before if entry.description == plain(description)]
            if same and self._settings.require_unique_description:
                raise RefusedError(
                    f"the scope has an Integrator Client with this description already ({same[0].id}), so none was "
                    "added: Akixi gives no id back, and only the description tells the new entry. Choose another one, "
                    "or set require_unique_description = false"
                )
            self._count_addition()
            try:
                await self._post(scope, wanted)
            except (UnknownOutcomeError, InvalidAnswerError) as error:
                entry_id, _ = await self._new_id(scope, description, before)
                if entry_id is None:
                    text = f"{error}. Akixi's list does not show the entry (yet)"
                    raise UnknownOutcomeError(text, status=error.status) from error
                return IntegratorClientAddition(id=entry_id, description=description)
            entry_id, note = await self._new_id(scope, description, before)
            return IntegratorClientAddition(id=entry_id, description=description, note=note)

    async def verdict(self, scope: Scope, wanted: Wanted, started_at: datetime) -> Verdict:
        """Tell by the list whether an entry whose outcome is not known was added.

        One that is older than the attempt is not the one: an interruption before the look at the list, or
        `require_unique_description` = false, leaves it there.
        """
        description = wanted.description or ""
        same = [entry for entry in await self._same_scope(scope) if entry.description == plain(description)]
        if not same:
            return Verdict.not_done()
        if len(same) > 1:
            return Verdict.unknown(f"{len(same)} entries of the scope have this description; look which one is new")
        record = await self.record(scope, same[0].id, (IntegratorClientField.DATE_TIME_CREATED,))
        found = integrator_client_of(record, self._settings.zone)
        environment = wanted.cm_environment_id
        if environment is not None and found.cm_environment_id not in (None, environment):
            return Verdict.unknown(f"{found.id} has this description, but another CMEnvironmentID")
        if found.date_time_created is not None and found.date_time_created < started_at - _SLACK:
            return Verdict.unknown(f"{found.id} has this description, but since {found.date_time_created:%Y-%m-%d}")
        return Verdict.done(IntegratorClientAddition(id=found.id, description=description))

    async def change(self, scope: Scope, entry_id: str, wanted: Wanted, *, replace: bool) -> IntegratorClientChange:
        """Change an entry: read all of it, put the new values over it, send the whole, read it again.

        Raises:
            RefusedError: Akixi does not show the policies or settings that are to be merged.
            InvalidAnswerError: Akixi confirmed the change but did not store it.
        """
        fields = tuple(dict.fromkeys((*self._settings.info_fields, *MERGED)))
        stored = content_of(await self.record(scope, entry_id, fields))
        body = merged(stored, wanted, replace=replace)
        if body == stored:
            return IntegratorClientChange(id=entry_id, changed=False)
        what = f"change of the Integrator Client {entry_id}"
        await self._api.call(
            "PUT", f"/admin{scope.entry_path(entry_id)}", what, params=self._written(body), body=dict(body)
        )
        now = content_of(await self.record(scope, entry_id, fields))
        lost = [name for name, value in body.items() if name in now and now[name] != value]
        if lost:
            raise InvalidAnswerError(
                f"{what}: Akixi confirmed it, but did not store {', '.join(lost)} as sent. Check that this user may "
                "change them, and fields_form"
            )
        return IntegratorClientChange(id=entry_id, changed=True)

    async def described(self, scope: Scope, entry_id: str, wanted: Wanted | None, *, replace: bool = False) -> Change:
        """Say what changing an entry, or deleting it (`wanted` is None), would do."""
        fields = tuple(dict.fromkeys((*self._settings.info_fields, *MERGED)))
        stored = content_of(await self.record(scope, entry_id, fields))
        if wanted is None:
            return Change(text=f"delete the Integrator Client {entry_id}", before=stored)
        body = merged(stored, wanted, replace=replace)
        names = [name for name in body if body[name] != stored.get(name)]
        what = f"change the Integrator Client {entry_id}: {', '.join(names) or 'nothing'}"
        return Change(text=what, before={name: stored.get(name) for name in names}, after={n: body[n] for n in names})

    async def delete(self, scope: Scope, entry_id: str) -> IntegratorClientRemoval:
        """Delete an entry; one that is gone already is no error.

        Raises:
            RefusedError: the entry exists, but under another scope.
        """
        what = f"deletion of the Integrator Client {entry_id}"
        try:
            await self._api.call("DELETE", f"/admin{scope.entry_path(entry_id)}", what)
        except NotFoundError as error:
            await self._prove_gone(entry_id, error)
            return IntegratorClientRemoval(id=entry_id, removed=False)
        return IntegratorClientRemoval(id=entry_id, removed=True)

    async def _prove_gone(self, entry_id: str, error: NotFoundError) -> None:
        """Return when no list holds the entry: a 404 may also mean a wrong address or another scope."""
        everything = Scope(tel_sys_id=ALL, partition_id=ALL, device_number=ALL_DEVICES)
        try:
            entries = await self._listing.all(EntryQuery(scope=everything, fields=()))
        except (AuthenticationError, RefusedError):
            if isinstance(error, EntryNotFoundError):
                return  # The user may not list everything; Akixi's own code is then all that there is.
            raise error from None
        for entry in entries:
            if entry.id == entry_id:
                raise RefusedError(
                    f"{error}. It exists, but under tel_sys_id {entry.tel_sys_id}, partition_id {entry.partition_id}, "
                    f"device_number {entry.device_number}; nothing was deleted",
                    status=error.status,
                )

    async def _post(self, scope: Scope, wanted: Wanted) -> None:
        body = wanted.body()
        path = f"/admin{scope.path}" + ("/" if self._settings.add_trailing_slash else "")
        await self._api.call("POST", path, "new Integrator Client", params=self._written(body), body=body)

    def _written(self, body: Mapping[str, Json]) -> dict[str, str | int]:
        """Return the query that says that Policies and Settings are set by the request; without it they may be lost."""
        names = [name for name in MERGED if name in body]
        return {"IntegratorClientFields": fields_value(names, self._settings.fields_form)} if names else {}

    async def _new_id(
        self, scope: Scope, description: str, before: Sequence[IntegratorClient]
    ) -> tuple[str | None, str]:
        """Return the id of the one entry that is in the list now and was not before, or None and why."""
        known = {entry.id for entry in before}
        try:
            now = await self._same_scope(scope)
        except ActionError as error:
            return None, f"the list could not be read after adding: {error}"
        new = [entry.id for entry in now if entry.id not in known and entry.description == plain(description)]
        if len(new) == 1:
            return new[0], ""
        return None, f"{len(new)} entries with this description are new in the list"

    async def _same_scope(self, scope: Scope) -> list[IntegratorClient]:
        return await self._listing.all(EntryQuery(scope=scope, fields=()))

    def _count_addition(self) -> None:
        now = self._clock.monotonic()
        while self._added and self._added[0] + _HOUR_S <= now:
            self._added.popleft()
        if len(self._added) >= self._settings.adds_per_hour:
            raise RefusedError(
                f"{len(self._added)} Integrator Clients were added within an hour (adds_per_hour), so this one was "
                "not: whether entries are billed is not documented. Ask Akixi, then raise adds_per_hour"
            )
        self._added.append(now)

    @asynccontextmanager
    async def _turn(self, scope: Scope) -> AsyncIterator[None]:
        turn = self._turns.setdefault(scope, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[scope]
