"""The `akixi` connector: its actions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from backhaul.sdk import AttemptInfo, Change, Connector, ConnectorContext, Effect, Json, Page, Personal, Verdict, action
from backhaul_connectors.akixi.api import AkixiApi
from backhaul_connectors.akixi.changes import Entries
from backhaul_connectors.akixi.fields import IntegratorClientField
from backhaul_connectors.akixi.listing import EntryListing, EntryQuery, Place
from backhaul_connectors.akixi.merging import Wanted
from backhaul_connectors.akixi.models import (
    IntegratorClient,
    IntegratorClientAddition,
    IntegratorClientChange,
    IntegratorClientRemoval,
    integrator_client_of,
)
from backhaul_connectors.akixi.reports import Report, ReportRun, Reports
from backhaul_connectors.akixi.scope import ALL, ALL_DEVICES, DeviceNumber, PartitionId, PathText, Scope, TelSysId
from backhaul_connectors.akixi.settings import AkixiSettings

__all__ = ["Akixi"]

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Values = dict[Annotated[str, StringConstraints(min_length=1)], Json]


class Akixi(Connector[AkixiSettings]):
    """Akixi, call reporting and wallboards for hosted telephony: its Integrator Clients and reports.

    Source: vendor page on IntegratorClient (REST v1); see the README beside this file for what is assumed.
    """

    name = "akixi"
    Settings = AkixiSettings

    def __init__(self, settings: AkixiSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._api = AkixiApi(settings, context)
        self._listing = EntryListing(self._api, settings)
        self._entries = Entries(self._api, self._listing, settings, context)
        self._reports = Reports(self._api, settings, context)

    @action(effect=Effect.READ)
    async def list_integrator_clients(
        self,
        *,
        tel_sys_id: TelSysId = ALL,
        partition_id: PartitionId = ALL,
        device_number: Personal[DeviceNumber] = ALL_DEVICES,
        limit: Annotated[int, Field(ge=1, le=10_000)] | None = None,
        offset: Annotated[int, Field(ge=0)] = 0,
        sort: Literal["ASC", "DESC"] | None = None,
        integrator_client_fields: Sequence[IntegratorClientField] | None = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[IntegratorClient]]:
        """List the Integrator Clients that the user may see, each once; without conditions, all of them.

        Their order is Akixi's; do not rely on it. A list that is malformed, cut short or shrinks meanwhile is an error.

        Args:
            tel_sys_id: only this telephony server; -1 for all.
            partition_id: only this partition of it; -1 for all.
            device_number: only this device, E.164 with + or national; ``UnknownNoneOrAll`` for all.
            limit: entries per request, instead of the connection's `page_size`.
            offset: entries to leave out at the beginning.
            sort: the order to ask for; by which field is not documented.
            integrator_client_fields: additional fields to ask for, instead of the connection's `list_fields`.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
            NotEnoughPermissionsError: the user may not list these.
        """
        fields = self.settings.list_fields if integrator_client_fields is None else integrator_client_fields
        scope = Scope(tel_sys_id=tel_sys_id, partition_id=partition_id, device_number=device_number)
        query = EntryQuery(scope=scope, fields=tuple(fields), sort=sort)
        place = Place.of(cursor, offset=offset, limit=limit or self.settings.page_size)
        async with aclosing(self._listing.pages(query, place)) as pages:
            async for page in pages:
                yield page

    @action(effect=Effect.READ)
    async def get_integrator_client(
        self,
        *,
        tel_sys_id: TelSysId,
        partition_id: PartitionId,
        device_number: Personal[DeviceNumber],
        id: PathText,  # noqa: A002  (the vendor's name)
        integrator_client_fields: Sequence[IntegratorClientField] | None = None,
    ) -> IntegratorClient:
        """Return one Integrator Client (the vendor's Info).

        Args:
            tel_sys_id: its telephony server.
            partition_id: its partition; -1 for an entry of a whole telephony server.
            device_number: its device; ``UnknownNoneOrAll`` for none.
            id: its id, as a list gives it, not encoded.
            integrator_client_fields: additional fields to ask for, instead of the connection's `info_fields`.

        Raises:
            EntryNotFoundError: there is none with this id in this place.
        """
        fields = self.settings.info_fields if integrator_client_fields is None else integrator_client_fields
        scope = Scope(tel_sys_id=tel_sys_id, partition_id=partition_id, device_number=device_number)
        return integrator_client_of(await self._entries.record(scope, id, tuple(fields)), self.settings.zone)

    @action(effect=Effect.ONCE, verify="verify_addition")
    async def add_integrator_client(
        self,
        *,
        tel_sys_id: TelSysId,
        partition_id: PartitionId,
        device_number: Personal[DeviceNumber],
        description: Personal[Text],
        cm_environment_id: Text | None = None,
        policies: Values | None = None,
        settings: Values | None = None,
        allow_wildcard: bool = False,
    ) -> IntegratorClientAddition:
        """Add an Integrator Client, never twice.

        Akixi's answer holds no id: it is found by comparing the lists before and after, and so is whether an addition
        took place whose answer was lost.

        Args:
            tel_sys_id: telephony server of the linked device.
            partition_id: its partition there.
            device_number: number of the device, in quotes; ``UnknownNoneOrAll`` for an entry of the whole partition.
            description: free text; no other entry of the scope may have the same.
            cm_environment_id: central management environment, instead of the connection's.
            policies: values by name, such as ``core::showUseConfigurationWindow: false``.
            settings: values by name, such as ``interface::showMissedCallPreview: true``.
            allow_wildcard: accept -1 as telephony server or partition [assumed: an entry for all of them].

        Raises:
            EntryExistsForScopeError: the scope has an entry already (30005).
            DeviceNotFoundError: the device is not in that telephony server (30004).
            RefusedError: the description is taken, `adds_per_hour` are used up, or Akixi said no.
            UnknownOutcomeError: no proper answer came, and the list does not show the entry.
        """
        scope = Scope(tel_sys_id=tel_sys_id, partition_id=partition_id, device_number=device_number)
        scope.refuse_wildcard("new Integrator Client", allowed=allow_wildcard)
        return await self._entries.add(scope, self._new(description, cm_environment_id, policies, settings))

    async def verify_addition(
        self,
        *,
        tel_sys_id: TelSysId,
        partition_id: PartitionId,
        device_number: Personal[DeviceNumber],
        description: Personal[Text],
        cm_environment_id: Text | None = None,
        policies: Values | None = None,
        settings: Values | None = None,
        allow_wildcard: bool = False,
        attempt: AttemptInfo,
    ) -> Verdict:
        """Tell by the list of the scope whether an entry was added."""
        scope = Scope(tel_sys_id=tel_sys_id, partition_id=partition_id, device_number=device_number)
        wanted = self._new(description, cm_environment_id, policies, settings)
        return await self._entries.verdict(scope, wanted, attempt.started_at)

    @action(effect=Effect.WRITE, describe="describe_change")
    async def change_integrator_client(
        self,
        *,
        tel_sys_id: TelSysId,
        partition_id: PartitionId,
        device_number: Personal[DeviceNumber],
        id: PathText,  # noqa: A002  (the vendor's name)
        description: Personal[Text | None] = None,
        cm_environment_id: Text | None = None,
        policies: Values | None = None,
        settings: Values | None = None,
        replace: bool = False,
        allow_wildcard: bool = False,
    ) -> IntegratorClientChange:
        """Change an Integrator Client; what is not given stays as it is, and nothing is sent when nothing differs.

        Whether Akixi keeps what a change leaves out is not documented: the entry is read, the new values are put over
        it, all of it is sent, and it is read again. What somebody else changes in the same moment is lost.

        Args:
            tel_sys_id: its telephony server.
            partition_id: its partition.
            device_number: its device, in quotes; ``UnknownNoneOrAll`` for none.
            id: its id.
            description: new free text.
            cm_environment_id: new central management environment.
            policies: policies to set, by name.
            settings: settings to set, by name.
            replace: the given policies and settings take the place of all stored ones.
            allow_wildcard: accept -1 as telephony server or partition, for entries of a whole one.

        Raises:
            EntryNotFoundError: there is none with this id in this place.
            RefusedError: -1 without `allow_wildcard`, or Akixi said no; nothing was changed.
            InvalidAnswerError: Akixi confirmed the change but did not store it.
        """
        scope = Scope(tel_sys_id=tel_sys_id, partition_id=partition_id, device_number=device_number)
        scope.refuse_wildcard(f"change of the Integrator Client {id}", allowed=allow_wildcard)
        wanted = Wanted(
            description=description, cm_environment_id=cm_environment_id, policies=policies, settings=settings
        )
        return await self._entries.change(scope, id, wanted, replace=replace)

    async def describe_change(self, *, id: str, replace: bool, allow_wildcard: bool, **given: Any) -> Change:  # noqa: A002
        """Say which fields of an entry would change, and from what."""
        scope = Scope(**{name: given.pop(name) for name in ("tel_sys_id", "partition_id", "device_number")})
        scope.refuse_wildcard(f"change of the Integrator Client {id}", allowed=allow_wildcard)
        return await self._entries.described(scope, id, Wanted(**given), replace=replace)

    async def describe_delete(self, *, id: str, allow_wildcard: bool, **place: Any) -> Change:  # noqa: A002
        """Say which entry would be deleted."""
        scope = Scope(**place)
        scope.refuse_wildcard(f"deletion of the Integrator Client {id}", allowed=allow_wildcard)
        return await self._entries.described(scope, id, None)

    @action(effect=Effect.DELETE, describe="describe_delete")
    async def delete_integrator_client(
        self,
        *,
        tel_sys_id: TelSysId,
        partition_id: PartitionId,
        device_number: Personal[DeviceNumber],
        id: PathText,  # noqa: A002  (the vendor's name)
        allow_wildcard: bool = False,
    ) -> IntegratorClientRemoval:
        """Delete an Integrator Client; one that is gone already is no error.

        Args:
            tel_sys_id: its telephony server.
            partition_id: its partition.
            device_number: its device, in quotes; ``UnknownNoneOrAll`` for none.
            id: its id.
            allow_wildcard: accept -1 as telephony server or partition, for entries of a whole one.

        Raises:
            RefusedError: -1 without `allow_wildcard`, the entry belongs elsewhere, or Akixi said no.
        """
        scope = Scope(tel_sys_id=tel_sys_id, partition_id=partition_id, device_number=device_number)
        scope.refuse_wildcard(f"deletion of the Integrator Client {id}", allowed=allow_wildcard)
        return await self._entries.delete(scope, id)

    @action(effect=Effect.READ)
    async def list_reports(self) -> list[Report]:
        """Return the reports that the user may see, by id. Source: vendor page on the Report Data API.

        Raises:
            AuthenticationError: the user lacks the right "Report Data API".
        """
        return await self._reports.list()

    @action(effect=Effect.READ)
    async def run_report(self, *, report_id: PathText) -> ReportRun:
        """Run a report and return its data, waiting a short while until Akixi has prepared it.

        The vendor allows each report once, and three distinct ones, in ten minutes; that is kept here.

        Source: vendor page on the Report Data API; its answers as public clients read them.

        Args:
            report_id: id of the report, as `list_reports` gives it.

        Raises:
            RetryableError: the limits do not allow it yet, or it is not ready yet.
            RefusedError: Akixi does not run it.
        """
        return await self._reports.run(report_id)

    async def check(self) -> None:
        """Prove address, credentials and rights: one entry, or the list of reports (`check_by`)."""
        if self.settings.check_by == "reports":
            await self._reports.list()
            return
        everything = Scope(tel_sys_id=ALL, partition_id=ALL, device_number=ALL_DEVICES)
        await self._listing.read(EntryQuery(scope=everything, fields=()), Place(offset=0, limit=1))

    async def close(self) -> None:
        """Log out, so that the user's login is free for others."""
        await self._api.close()

    def _new(
        self, description: str, environment: str | None, policies: Values | None, settings: Values | None
    ) -> Wanted:
        return Wanted(
            description=description,
            cm_environment_id=environment or self.settings.cm_environment_id,
            policies=policies,
            settings=settings,
        )
