"""Wi-Fi interfaces of a device, and which of them a change is for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema

from backhaul.sdk import InvalidAnswerError, Json, NotFoundError, Personal, RefusedError
from backhaul_connectors.ixc_acs.reading import text

__all__ = ["Passphrase", "Ssid", "WifiChange", "WifiDone", "WifiInterface", "chosen", "interfaces_of"]


def _ssid(value: str) -> str:
    if not 1 <= len(value.encode()) <= 32 or not value.isprintable():
        raise ValueError("a Wi-Fi name has 1 to 32 bytes and no control characters")
    return value


def _passphrase(value: str) -> str:
    if not 8 <= len(value) <= 63 or not (value.isascii() and value.isprintable()):
        raise ValueError("a Wi-Fi passphrase has 8 to 63 printable ASCII characters")
    return value


Ssid = Annotated[str, AfterValidator(_ssid)]
Passphrase = Annotated[
    str,
    AfterValidator(_passphrase),
    WithJsonSchema({"type": "string", "format": "password", "writeOnly": True, "minLength": 8, "maxLength": 63}),
]
"""IEEE 802.11: 8 to 63 characters; `writeOnly` marks it as never to be shown."""


class WifiInterface(BaseModel):
    """One Wi-Fi interface. Personal data: `ssid`. The passphrase cannot be read."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: str
    """Id of the interface in the ACS."""
    band: str
    """Our name of the band (setting `bands`): ``2.4`` or ``5``; the ACS's own key when it has no name."""
    enabled: bool | None
    ssid: Personal[str | None] = None
    """Name of the network; None when the ACS does not tell."""


class WifiDone(StrEnum):
    """What became of a change."""

    ACCEPTED = "accepted"
    """The ACS has taken it on; the device applies it at its next contact (event ``device.parameters_changed``)."""
    UNCHANGED = "unchanged"
    """The interface has this name already, and no passphrase was given: nothing was sent."""


class WifiChange(BaseModel):
    """What was asked of a Wi-Fi interface; the passphrase is not in it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    serial: str
    id: str
    """Id of the interface."""
    band: str
    done: WifiDone
    ssid_changed: bool
    passphrase_changed: bool


def interfaces_of(answer: Json, bands: Mapping[str, str]) -> list[WifiInterface]:
    """Return all interfaces in an answer, band by band.

    Raises:
        InvalidAnswerError: it is not an object of lists of interfaces with ids.
    """
    if not isinstance(answer, dict):
        raise InvalidAnswerError("the ACS answered the question for Wi-Fi with JSON that is no object")
    names = {key: name for name, key in bands.items()}
    found = []
    for key, entries in answer.items():
        if entries is None:
            continue
        if not isinstance(entries, list):
            if key in names:
                raise InvalidAnswerError(f"the ACS answered the question for Wi-Fi without a list for {key!r}")
            continue
        found += [_interface(entry, names.get(str(key), str(key))) for entry in entries]
    return found


def chosen(interfaces: list[WifiInterface], *, interface_id: str | None, band: str | None) -> WifiInterface:
    """Return the interface with an id, or the one enabled interface of a band.

    Raises:
        NotFoundError: there is none; a band can be empty.
        RefusedError: there are several in the band, or not exactly one of id and band is given.
    """
    if (interface_id is None) == (band is None):
        raise RefusedError("give the id of a Wi-Fi interface or its band, one of the two; nothing was changed")
    if interface_id is not None:
        match = [one for one in interfaces if one.id == interface_id]
        what = f"with the id {interface_id!r}"
    else:
        match = [one for one in interfaces if one.band == band and one.enabled is not False]
        what = f"that is enabled in the band {band!r}"
    if not match:
        raise NotFoundError(f"the device has no Wi-Fi interface {what}; nothing was changed")
    if len(match) > 1:
        ids = ", ".join(one.id for one in match)
        raise RefusedError(f"the device has several Wi-Fi interfaces {what} (ids {ids}): use the id")
    return match[0]


def _interface(entry: Json, band: str) -> WifiInterface:
    interface_id = text(entry.get("id")) if isinstance(entry, dict) else None
    if interface_id is None:
        raise InvalidAnswerError("the ACS listed a Wi-Fi interface without id")
    enabled = entry.get("enable")
    ssid = entry.get("ssid")
    return WifiInterface(
        id=interface_id,
        band=band,
        enabled=enabled if isinstance(enabled, bool) else None,
        ssid=ssid if isinstance(ssid, str) and ssid else None,
    )
