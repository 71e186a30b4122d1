"""Actions that read and change a device's Wi-Fi and raw parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from backhaul.sdk import (
    Change,
    Effect,
    Json,
    Personal,
    RefusedError,
    RetryableError,
    Secret,
    UnknownOutcomeError,
    action,
)
from backhaul_connectors.ixc_acs.base import AcsConnector
from backhaul_connectors.ixc_acs.capabilities import capabilities_of
from backhaul_connectors.ixc_acs.parameters import Parameter, ParameterUpdate, data_model_of_paths
from backhaul_connectors.ixc_acs.reading import Serial, is_secret_name
from backhaul_connectors.ixc_acs.routes import Routes
from backhaul_connectors.ixc_acs.wifi import (
    Passphrase,
    Ssid,
    WifiChange,
    WifiDone,
    WifiInterface,
    chosen,
    interfaces_of,
)

__all__ = ["WifiActions"]


class WifiActions(AcsConnector):
    """Wi-Fi and parameters."""

    @action(effect=Effect.READ)
    async def get_wifi(self, *, serial: Serial) -> list[WifiInterface]:
        """Return the Wi-Fi interfaces of a device; a band can have none. Passphrases cannot be read.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device.
        """
        url = Routes.url(self.settings.routes.wifi, serial=serial)
        return interfaces_of(await self._api.read(url, serial=serial), self.settings.bands)

    @action(effect=Effect.WRITE, describe="describe_set_wifi")
    async def set_wifi(
        self,
        *,
        serial: Serial,
        id: str | None = None,  # noqa: A002  (the vendor's name)
        band: str | None = None,
        ssid: Personal[Ssid | None] = None,
        password: Personal[Passphrase | None] = None,
    ) -> WifiChange:
        """Change name or passphrase of one Wi-Fi interface, which cuts the customer's own devices off.

        Only what changes is sent, once. When the answer is lost, the interface is read again: if it has the new name,
        it was done; if that cannot be told, the error may be retried, for repeating has the same result. Accepted is
        not applied: that is the event ``device.parameters_changed``, or the name that `get_wifi` shows.

        Args:
            serial: serial number as the ACS writes it.
            id: id of the interface.
            band: band instead of the id, ``2.4`` or ``5``, when exactly one of its interfaces is enabled.
            ssid: new name, 1 to 32 bytes.
            password: new passphrase, 8 to 63 printable ASCII characters; never shown.

        Raises:
            NotFoundError: no such device or interface.
            RefusedError: the interface is ambiguous, nothing is to be changed, or the ACS says no.
            RetryableError: not accepted, or not known to be; repeating is safe.
        """
        if ssid is None and password is None:
            raise RefusedError("give ssid or password: nothing is to be changed")
        hidden = Secret(password) if password is not None else None
        before = chosen(await self.get_wifi(serial=serial), interface_id=id, band=band)
        renamed = ssid is not None and ssid != before.ssid
        change = WifiChange(
            serial=serial,
            id=before.id,
            band=before.band,
            done=WifiDone.ACCEPTED if renamed or hidden is not None else WifiDone.UNCHANGED,
            ssid_changed=renamed,
            passphrase_changed=hidden is not None,
        )
        if change.done is WifiDone.UNCHANGED:
            return change
        await self._send_wifi(serial, before.id, ssid if renamed else None, hidden)
        return change

    async def describe_set_wifi(
        self,
        *,
        serial: str,
        id: str | None,  # noqa: A002  (the vendor's name)
        band: str | None,
        ssid: str | None,
        password: str | None,
    ) -> Change:
        """Say which interface would change; a passphrase is not shown."""
        found = chosen(await self.get_wifi(serial=serial), interface_id=id, band=band)
        parts = [f"name {found.ssid} -> {ssid}"] if ssid is not None else []
        parts += ["a new passphrase"] if password is not None else []
        before = {"ssid": found.ssid} if ssid is not None else None
        after = {"ssid": ssid} if ssid is not None else None
        text = f"Wi-Fi {found.band or found.id} of device {serial}: {', '.join(parts)}"
        return Change(text=text, before=before, after=after)

    @action(effect=Effect.WRITE, describe="describe_update_parameters")
    async def update_parameters(
        self,
        *,
        serial: Serial,
        parameters: Annotated[Sequence[Parameter], Field(min_length=1, max_length=200)],
        check_data_model: bool = True,
    ) -> ParameterUpdate:
        """Set raw TR-069 parameters of a device. Accepted is not applied: that is ``device.parameters_changed``.

        Parameters cannot be read, so a lost answer stays a doubt; the error may be retried, for repeating has the same
        result.

        Args:
            serial: serial number as the ACS writes it.
            parameters: path, value and, if need be, type of each.
            check_data_model: ask the ACS first whether the device is TR-098 or TR-181, and refuse paths of the other
                (one request more; a device of which the ACS does not tell is let through).

        Raises:
            NotFoundError: no such device.
            RefusedError: the paths are of the other data model, or the ACS says no.
            RetryableError: not accepted, or not known to be; repeating is safe.
        """
        model = data_model_of_paths(parameters)
        if check_data_model:
            url = Routes.url(self.settings.routes.capabilities)
            told = capabilities_of(serial, await self._api.read(url, {"sn": serial}, serial=serial)).data_model
            if told is not None and told != model:
                raise RefusedError(
                    f"the device has the data model {told}, the parameters are paths of {model}; nothing was changed"
                )
        # Known as secrets as long as they are under way, whoever quotes them.
        hidden = [Secret(str(one.value)) for one in parameters if is_secret_name(one.parameter)]
        url = Routes.url(self.settings.routes.parameters, serial=serial)
        try:
            await self._api.command("POST", url, [one.wire() for one in parameters], serial=serial)
        except UnknownOutcomeError as error:
            raise RetryableError(
                f"whether the ACS has taken on {len(parameters)} parameters is not known; repeating has the same "
                f"result: {error}"
            ) from error
        finally:
            hidden.clear()
        return ParameterUpdate(serial=serial, parameters=tuple(one.parameter for one in parameters), data_model=model)

    async def describe_update_parameters(
        self, *, serial: str, parameters: Sequence[Parameter], check_data_model: bool
    ) -> Change:
        """Say which parameters would be set; they cannot be read, and passwords are not shown."""
        after = {one.parameter: "***" if is_secret_name(one.parameter) else one.value for one in parameters}
        return Change(text=f"set {len(after)} parameters of device {serial}: {', '.join(after)}", after=after)

    async def _send_wifi(self, serial: str, interface: str, ssid: str | None, password: Secret | None) -> None:
        """Send what changes of an interface, once; in doubt, read whether it has the new name."""
        body: dict[str, Json] = {}
        if ssid is not None:
            body["ssid"] = ssid
        if password is not None:
            body["password"] = password.reveal()
        url = Routes.url(self.settings.routes.wifi_interface, serial=serial, id=interface)
        self.log.info("wi-fi change", serial=serial, interface=interface, fields=sorted(body))
        try:
            await self._api.command("PATCH", url, body, serial=serial)
        except UnknownOutcomeError as error:
            now = chosen(await self.get_wifi(serial=serial), interface_id=interface, band=None)
            if ssid is None or now.ssid != ssid:
                raise RetryableError(
                    f"whether the ACS has taken on the Wi-Fi change is not known; repeating is safe: {error}"
                ) from error
