"""Actions that read and find devices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Literal

from pydantic import StringConstraints

from backhaul.sdk import Effect, InvalidAnswerError, NotFoundError, Page, Personal, action
from backhaul_connectors.ixc_acs.base import AcsConnector
from backhaul_connectors.ixc_acs.capabilities import Capabilities, PppInterface, capabilities_of, ppp_of
from backhaul_connectors.ixc_acs.listing import DeviceListing, Place
from backhaul_connectors.ixc_acs.models import Device
from backhaul_connectors.ixc_acs.query import DeviceQuery
from backhaul_connectors.ixc_acs.reading import Serial, at_path, mapping, text
from backhaul_connectors.ixc_acs.routes import Routes
from backhaul_connectors.ixc_acs.serials import serial_forms, serial_key
from backhaul_connectors.ixc_acs.settings import SearchBy

__all__ = ["DeviceActions"]

SearchText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class DeviceActions(AcsConnector):
    """Devices: list, search, one device, its IPv6 address, PPP interfaces and capabilities."""

    @action(effect=Effect.READ)
    async def list_devices(
        self,
        *,
        online: bool | None = None,
        serial_contains: str | None = None,
        pppoe_login: Personal[str | None] = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[Device]]:
        """List devices by serial number, ascending; without conditions, all of them.

        An answer that is malformed, cut short or repeats itself is an error, never a shorter list. Devices that are
        deleted in the ACS while the list is being read can hide a device at the edge of two pages until the next
        reading. A list of only the online devices is no picture of what exists: do not delete by it.

        Args:
            online: only devices that are (true) or are not (false) online.
            serial_contains: only devices with this text in the serial number, in any case.
            pppoe_login: only devices with exactly this PPPoE login; there can be several.

        Raises:
            InvalidAnswerError: the ACS's answer is not a complete list.
            AuthenticationError: the credentials or permissions of the API client do not suffice.
        """
        query = DeviceQuery(
            online=online,
            serial_contains=serial_contains or None,
            search=(self.settings.search_column("pppoe_login"), pppoe_login) if pppoe_login else None,
        )
        wanted = (serial_contains or "").casefold()
        listing = DeviceListing(self._api, self.settings, query)
        async with aclosing(listing.pages(Place.of(cursor, self.settings.page_size))) as pages:
            async for page in pages:
                # A hit is not a match: how the ACS searches and filters is not documented.
                matching = [
                    device
                    for device in page.items
                    if (online is None or device.online is online)
                    and wanted in device.serial.casefold()
                    and (not pppoe_login or device.pppoe_login == pppoe_login)
                ]
                yield Page(items=matching, next=page.next)

    @action(effect=Effect.READ)
    async def get_device(self, *, serial: Serial, match: Literal["exact", "alias"] = "exact") -> Device:
        """Return the device with this serial number.

        Args:
            serial: serial number as the ACS writes it.
            match: ``exact``, or ``alias`` to find also a device whose serial number is written in another way (case,
                separators, the maker's letters as hex digits), as the ERP does.

        Raises:
            NotFoundError: the ACS has no such device.
        """
        for form in serial_forms(serial) if match == "alias" else (serial,):
            device = await self._find_device(form)
            if device is not None:
                return device
        raise NotFoundError(
            f"the ACS has no device with the serial number {serial!r}: deleted there, or written differently"
        )

    @action(effect=Effect.READ)
    async def search_devices(self, *, by: SearchBy, text: Personal[SearchText]) -> list[Device]:
        """Search devices by serial number, PPPoE login, CPF or CNPJ, company name or phone, by serial number.

        Serial numbers (in any spelling) and logins are compared again, since how the ACS searches is not documented.
        The others are not in the ACS's answer: the ACS has them only when the ERP links them to the device, and a
        search that finds more than `search_max_hits` devices is taken for one whose column the ACS ignores.

        Args:
            by: ``serial``, ``pppoe_login``, ``cpf``, ``company_name`` or ``phone``.
            text: what to search for. A CPF or CNPJ is searched as masked, then as bare digits.

        Raises:
            InvalidAnswerError: too many hits, or an answer that is not a complete list.
        """
        found: dict[str, Device] = {}
        for form in _forms(by, text):
            for device in await self._hits(by, form):
                if _matches(by, text, device):
                    found.setdefault(device.serial, device)
            if found:
                break
        return sorted(found.values(), key=lambda device: device.serial)

    @action(effect=Effect.READ)
    async def get_ipv6(self, *, serial: Serial) -> Personal[str | None]:
        """Return the IPv6 address or prefix of a device; None when it has none.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device.
        """
        column = self.settings.search_column("serial")
        params = DeviceQuery(search=(column, serial)).parameters(page=1, page_size=self.settings.page_size)
        answer = await self._api.read(Routes.url(self.settings.routes.ipv6), params)
        registers = mapping(answer).get("registers")
        if not isinstance(registers, list):
            raise InvalidAnswerError("the ACS answered the list of IPv6 addresses without 'registers'")
        for register in registers:
            if _text(mapping(register).get("serialNumber")) == serial:
                return _text(at_path(register, "deviceInfo.ipv6"))
        raise NotFoundError(f"the ACS has no device with the serial number {serial!r} in its list of IPv6 addresses")

    @action(effect=Effect.READ)
    async def get_ppp(self, *, serial: Serial) -> list[PppInterface]:
        """Return the PPP interfaces of a device; none for a bridge.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device.
        """
        url = Routes.url(self.settings.routes.ppp, serial=serial)
        return ppp_of(await self._api.read(url, serial=serial))

    @action(effect=Effect.READ)
    async def get_capabilities(self, *, serial: Serial) -> Capabilities:
        """Return a device's model, data model and, when the ACS has a record of them, its capabilities.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device.
        """
        url = Routes.url(self.settings.routes.capabilities)
        return capabilities_of(serial, await self._api.read(url, {"sn": serial}, serial=serial))

    async def _hits(self, by: SearchBy, form: str) -> list[Device]:
        query = DeviceQuery(search=(self.settings.search_column(by), form))
        limit = self.settings.search_max_hits
        hits: list[Device] = []
        listing = DeviceListing(self._api, self.settings, query)
        async with aclosing(listing.pages(Place.of(None, self.settings.page_size))) as pages:
            async for page in pages:
                hits += page.items
                if by not in ("serial", "pppoe_login") and len(hits) > limit:
                    raise InvalidAnswerError(
                        f"the search by {by} found more than {limit} devices (search_max_hits): the ACS seems to "
                        f"ignore the column {self.settings.search_column(by)!r}. Set search_columns to the one it knows"
                    )
        return hits


_text = text


def _forms(by: SearchBy, wanted: str) -> tuple[str, ...]:
    """Return the spellings to search for, in order."""
    if by == "serial":
        return serial_forms(wanted)
    digits = "".join(sign for sign in wanted if sign.isdigit())
    if by != "cpf" or len(digits) not in (11, 14):
        return (wanted,)
    if len(digits) == 11:
        masked = f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"
    else:
        masked = f"{digits[:2]}.{digits[2:5]}.{digits[5:8]}/{digits[8:12]}-{digits[12:]}"
    return masked, digits


def _matches(by: SearchBy, wanted: str, device: Device) -> bool:
    match by:
        case "serial":
            return device.serial_key == serial_key(wanted)
        case "pppoe_login":
            return device.pppoe_login == wanted
        case _:
            return True
