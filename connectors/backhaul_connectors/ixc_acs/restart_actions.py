"""Actions that reboot and reset a device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import AttemptInfo, Change, Effect, Verdict, action
from backhaul_connectors.ixc_acs.base import AcsConnector
from backhaul_connectors.ixc_acs.models import Device
from backhaul_connectors.ixc_acs.reading import Serial
from backhaul_connectors.ixc_acs.routes import Routes

__all__ = ["RestartActions", "RestartAsked"]


class RestartAsked(BaseModel):
    """A restart that the ACS has taken on. Accepted is not done: that is ``device.rebooted`` or ``device.reset``."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    serial: str
    accepted: bool = True


class RestartActions(AcsConnector):
    """Reboot and factory reset."""

    @action(effect=Effect.ONCE, verify="verify_reboot", describe="describe_reboot")
    async def reboot(self, *, serial: Serial) -> RestartAsked:
        """Reboot a device: the customer is offline for a minute or two. Done is the event ``device.rebooted``.

        An offline device reboots at its next contact.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
            RefusedError: the ACS says no.
            UnknownOutcomeError: it may have been accepted: it is never asked for again blindly.
        """
        url = Routes.url(self.settings.routes.reboot, serial=serial)
        await self._api.command("POST", url, {}, serial=serial)
        return RestartAsked(serial=serial)

    async def describe_reboot(self, *, serial: str) -> Change:
        """Say which device would be rebooted."""
        return Change(text=f"reboot {await self._in_words(serial)}")

    async def describe_factory_reset(self, *, serial: str) -> Change:
        """Say which device would lose its settings."""
        return Change(text=f"reset {await self._in_words(serial)} to its factory defaults")

    async def verify_reboot(self, *, serial: str, attempt: AttemptInfo) -> Verdict:
        """Tell whether a device has restarted since an attempt: by the event, or by its uptime at its last report."""
        if await self._has_event(serial, attempt, ["device.rebooted"]):
            return Verdict.done(RestartAsked(serial=serial))
        device = await self._find_device(serial)
        if device is not None and self._started_after(device, attempt):
            return Verdict.done(RestartAsked(serial=serial))
        return Verdict.unknown(
            f"the ACS shows no restart of {serial} since then; it may still wait for the device's next contact"
        )

    @action(effect=Effect.ONCE, verify="verify_factory_reset", describe="describe_factory_reset")
    async def factory_reset(self, *, serial: Serial) -> RestartAsked:
        """Reset a device to its factory defaults. Done is the event ``device.reset``.

        The customer loses Wi-Fi name, passphrase and maybe the PPPoE login; a device without login may never come
        back by itself.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
            RefusedError: the ACS says no.
            UnknownOutcomeError: it may have been accepted: it is never asked for again blindly.
        """
        url = Routes.url(self.settings.routes.reset, serial=serial)
        await self._api.command("POST", url, {}, serial=serial)
        return RestartAsked(serial=serial)

    async def verify_factory_reset(self, *, serial: str, attempt: AttemptInfo) -> Verdict:
        """Tell by the event whether a device was reset since an attempt; a small uptime tells only of a restart."""
        if await self._has_event(serial, attempt, ["device.reset"]):
            return Verdict.done(RestartAsked(serial=serial))
        device = await self._find_device(serial)
        restarted = device is not None and self._started_after(device, attempt)
        seen = "has restarted since, which a reset does, but a reboot too" if restarted else "shows no restart since"
        return Verdict.unknown(f"the device {serial} {seen}; only the event device.reset tells")

    async def _in_words(self, serial: str) -> str:
        device = await self._device(serial)
        model = " ".join(part for part in (device.manufacturer, device.model) if part)
        return f"device {serial}" + (f" ({model})" if model else "")

    async def _has_event(self, serial: str, attempt: AttemptInfo, types: Sequence[str]) -> bool:
        events = await self.context.events(attempt.started_at, types)
        return any(event.subject == serial for event in events)

    def _started_after(self, device: Device, attempt: AttemptInfo) -> bool:
        """Tell whether a device came up after an attempt: it last reported so long after its start."""
        if device.last_inform is None or device.uptime_s is None:
            return False
        came_up = device.last_inform - timedelta(seconds=device.uptime_s)
        return came_up >= attempt.started_at - timedelta(seconds=self.settings.clock_tolerance_s)
