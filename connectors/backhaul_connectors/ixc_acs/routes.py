"""Where each operation of the ACS is found: version and path, as settings because the vendor documents none of them."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict

__all__ = ["Routes"]

_ROUTE = re.compile(r"v[0-9]+(/([\w.-]+|\{serial\}|\{id\}|\{kind\}))+")


def _route(value: str) -> str:
    text = value.strip().strip("/").removeprefix("api/")
    if not _ROUTE.fullmatch(text):
        raise ValueError("must be a version and a path, such as v2/devices/{serial}/wifi")
    return text


def _route_of_device(value: str) -> str:
    text = _route(value)
    if "{serial}" not in text:
        raise ValueError("must hold {serial}, where the device's serial number goes")
    return text


Route = Annotated[str, AfterValidator(_route)]
DeviceRoute = Annotated[str, AfterValidator(_route_of_device)]


class Routes(BaseModel):
    """Version and path of each operation below ``/api/``. Source: ixc_acs reference, sections 6 and 9.

    ``{serial}`` is the device's serial number, ``{id}`` a Wi-Fi interface, ``{kind}`` the name of a diagnosis.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    ipv6: Route = "v2/devices/views/ipv6"
    """List of devices with their IPv6 address [seen in one client; its version assumed]."""
    wifi: DeviceRoute = "v2/devices/{serial}/wifi"
    """Wi-Fi interfaces of a device [seen in one client; its version assumed]."""
    wifi_interface: DeviceRoute = "v2/devices/{serial}/wifi/{id}"
    """One Wi-Fi interface, for changes [seen in one client; its version assumed]."""
    ppp: DeviceRoute = "v2/devices/{serial}/ethernet/ppp"
    """PPP interfaces of a device [seen in one client; its version assumed]."""
    capabilities: Route = "v1/devices/capabilities"
    """What a device can do [seen in one client]."""
    parameters: DeviceRoute = "v2/devices/{serial}/parameters/update"
    """Change of parameters [seen in one client]."""
    diagnostic_start: DeviceRoute = "v2/devices/{serial}/diagnostics/{kind}/start"
    """Start of a diagnosis [speed test and neighbour scan seen in one client each; ping and traceroute assumed]."""
    diagnostic_state: DeviceRoute = "v2/devices/{serial}/diagnostics/{kind}/state"
    """State and result of a diagnosis [neighbour scan seen in one client; the others assumed]."""
    reboot: DeviceRoute = "v2/devices/{serial}/reboot"
    """Reboot [assumed]."""
    reset: DeviceRoute = "v2/devices/{serial}/reset"
    """Factory reset [assumed]."""

    @staticmethod
    def url(route: str, **names: str) -> str:
        """Return the URL of a route below `base_url`, its names percent-encoded."""
        filled = route
        for name, value in names.items():
            filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
        return f"/api/{filled}"
