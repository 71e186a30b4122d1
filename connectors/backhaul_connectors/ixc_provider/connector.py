"""The `ixc_provider` connector: its groups of actions, put together."""

from __future__ import annotations

from collections.abc import Mapping

from backhaul.sdk import Effect, action
from backhaul_connectors.ixc_provider.base import RecordId
from backhaul_connectors.ixc_provider.billing_actions import BillingActions
from backhaul_connectors.ixc_provider.buttons import ButtonName, Pressed
from backhaul_connectors.ixc_provider.change_events import ChangeEvents
from backhaul_connectors.ixc_provider.client import ListQuery
from backhaul_connectors.ixc_provider.contract_actions import ContractActions
from backhaul_connectors.ixc_provider.customer_actions import CustomerActions
from backhaul_connectors.ixc_provider.device_actions import DeviceActions, Unlinkable
from backhaul_connectors.ixc_provider.file_actions import FileActions
from backhaul_connectors.ixc_provider.login_actions import LoginActions
from backhaul_connectors.ixc_provider.onu_actions import OnuActions
from backhaul_connectors.ixc_provider.order_actions import OrderActions
from backhaul_connectors.ixc_provider.payment_actions import PaymentActions
from backhaul_connectors.ixc_provider.settings import IxcProviderSettings
from backhaul_connectors.ixc_provider.stock_actions import StockActions

__all__ = ["IxcProvider", "Unlinkable"]


# Listings show the groups from the last to the first.
class IxcProvider(
    ChangeEvents,
    FileActions,
    StockActions,
    PaymentActions,
    BillingActions,
    OrderActions,
    OnuActions,
    ContractActions,
    CustomerActions,
    LoginActions,
    DeviceActions,
):
    """IXC Provider, the ERP of internet service providers: customers, contracts, logins, devices.

    Source: the vendor's Postman collection and wiki; see the README beside this file for what is assumed.
    """

    name = "ixc_provider"
    Settings = IxcProviderSettings

    @action(effect=Effect.ONCE)
    async def push_wifi(self, *, id: RecordId) -> Pressed:  # noqa: A002  (the vendor's name)
        """Have the ERP send the Wi-Fi data of a device to the ACS, which sets them on the device.

        Args:
            id: id of the device's record (`list_acs_devices`).

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have been done; the ACS's Wi-Fi read tells.
        """
        return await self._press("push_wifi", str(id))

    @action(effect=Effect.ONCE)
    async def press_button(
        self,
        *,
        button: ButtonName,
        id: str,  # noqa: A002  (the vendor's name)
        fields: Mapping[str, str] | None = None,
    ) -> Pressed:
        """Press any of the ERP's buttons by our name of it; the other actions are safer where there is one.

        Args:
            button: our name of the button, as in the setting `buttons`.
            id: what it is pressed for.
            fields: further fields of the body.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have acted.
        """
        return await self._press(button, id, fields)

    async def check(self) -> None:
        """Prove address, token and rights: one record of each table in `check_tables`."""
        for table in self.settings.check_tables:
            await self._client.read(ListQuery(table=table, size=1))
