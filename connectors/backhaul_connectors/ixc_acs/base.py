"""What all groups of the connector's actions share."""

from __future__ import annotations

from contextlib import aclosing

from backhaul.sdk import Connector, ConnectorContext, NotFoundError
from backhaul_connectors.ixc_acs.api import AcsApi
from backhaul_connectors.ixc_acs.listing import DeviceListing, Place
from backhaul_connectors.ixc_acs.models import Device
from backhaul_connectors.ixc_acs.query import DeviceQuery
from backhaul_connectors.ixc_acs.settings import IxcAcsSettings

__all__ = ["AcsConnector"]


class AcsConnector(Connector[IxcAcsSettings]):
    """A connection's calls, and the reading of one device."""

    def __init__(self, settings: IxcAcsSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._api = AcsApi(settings, context)

    async def _find_device(self, serial: str) -> Device | None:
        """Return the device with exactly this serial number: a search hit is not a match."""
        query = DeviceQuery(search=(self.settings.search_column("serial"), serial))
        listing = DeviceListing(self._api, self.settings, query)
        async with aclosing(listing.pages(Place.of(None, self.settings.page_size))) as pages:
            async for page in pages:
                for device in page.items:
                    if device.serial == serial:
                        return device
        return None

    async def _device(self, serial: str) -> Device:
        device = await self._find_device(serial)
        if device is None:
            raise NotFoundError(
                f"the ACS has no device with the serial number {serial!r}: deleted there, or written differently"
            )
        return device
