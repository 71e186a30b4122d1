"""The `ixc_acs` connector: its groups of actions, put together."""

from __future__ import annotations

from backhaul_connectors.ixc_acs.device_actions import DeviceActions
from backhaul_connectors.ixc_acs.hooks import WebhookReceiver
from backhaul_connectors.ixc_acs.listing import DeviceListing, Place
from backhaul_connectors.ixc_acs.query import DeviceQuery
from backhaul_connectors.ixc_acs.reachability_actions import ReachabilityActions
from backhaul_connectors.ixc_acs.removal_actions import RemovalActions
from backhaul_connectors.ixc_acs.restart_actions import RestartActions
from backhaul_connectors.ixc_acs.settings import IxcAcsSettings
from backhaul_connectors.ixc_acs.wifi_actions import WifiActions

__all__ = ["IxcAcs"]


# Listings show the groups from the last to the first.
class IxcAcs(WebhookReceiver, RemovalActions, RestartActions, ReachabilityActions, WifiActions, DeviceActions):
    """IXC ACS, a TR-069 device manager: the customers' routers and ONTs.

    Source: vendor page on API clients for the credentials; the vendor publishes no reference of the API itself, so
    paths and fields are those that public clients use, and each of them is a setting.
    """

    name = "ixc_acs"
    Settings = IxcAcsSettings

    async def check(self) -> None:
        """Prove credentials, permission and address: one token, one page of one device."""
        await DeviceListing(self._api, self.settings, DeviceQuery()).read(Place(number=1, size=1))
