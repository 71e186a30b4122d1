"""What the ACS tells of a device's abilities and PPP interfaces."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json, Personal
from backhaul_connectors.ixc_acs.reading import mapping, text, without_secrets

__all__ = ["Capabilities", "DataModel", "PppInterface", "capabilities_of", "ppp_of"]

DataModel = Literal["TR-098", "TR-181"]
"""Which tree of parameters a device has: ``InternetGatewayDevice.`` or ``Device.``."""


class Capabilities(BaseModel):
    """What a device is and can do."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())

    serial: str
    manufacturer: str | None = None
    model: str | None = None
    product_class: str | None = None
    software_version: str | None = None
    hardware_version: str | None = None
    release_date: str | None = None
    """As the ACS writes it."""
    package_version: str | None = None
    """Driver package of the ACS for the model; only ``v3`` has capabilities."""
    has_package: bool | None = None
    data_model: DataModel | None = None
    """``TR-098`` (paths begin with ``InternetGatewayDevice.``) or ``TR-181`` (``Device.``); None when not told."""
    capabilities: dict[str, Json] | None = None
    """As the ACS writes them; None when it has no record for this model or firmware."""


class PppInterface(BaseModel):
    """A PPP interface. Personal data: `other` may hold the subscriber's login and address."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    dns_servers: tuple[str, ...] = ()
    other: Personal[dict[str, Json]] = {}
    """The interface's other fields as the ACS writes them, without passwords."""


def capabilities_of(serial: str, answer: Json) -> Capabilities:
    """Return the capabilities in an answer.

    Raises:
        InvalidAnswerError: it is no object.
    """
    if not isinstance(answer, dict):
        raise InvalidAnswerError("the ACS answered the question for capabilities with JSON that is no object")
    device = mapping(answer.get("device"))
    told = answer.get("capabilities")
    has_package = answer.get("hasPackage")
    return Capabilities(
        serial=serial,
        manufacturer=text(device.get("manufacturer")),
        model=text(device.get("modelName")),
        product_class=text(device.get("productClass")),
        software_version=text(device.get("firmwareVersion")),
        hardware_version=text(device.get("hardware")),
        release_date=text(device.get("releaseDate")),
        package_version=text(device.get("packageVersion")),
        has_package=has_package if isinstance(has_package, bool) else None,
        data_model=data_model_of(device.get("datamodel")),
        capabilities={str(name): value for name, value in told.items()} if isinstance(told, dict) else None,
    )


def data_model_of(value: Json) -> DataModel | None:
    """Return the data model of a text such as ``TR-098`` or ``tr181``; also of a tree's root."""
    word = re.sub(r"[^a-z0-9]", "", value.casefold()) if isinstance(value, str) else ""
    if "098" in word or word == "tr98" or word.startswith("internetgatewaydevice"):
        return "TR-098"
    return "TR-181" if "181" in word or word.startswith("device") else None


def ppp_of(answer: Json) -> list[PppInterface]:
    """Return the PPP interfaces in an answer, which may be null.

    Raises:
        InvalidAnswerError: it is neither null nor a list of objects.
    """
    if answer is None:
        return []
    if not isinstance(answer, list) or not all(isinstance(one, dict) for one in answer):
        raise InvalidAnswerError("the ACS answered the question for PPP interfaces with JSON that is no list")
    return [
        PppInterface(
            dns_servers=_servers(one.get("dnsServer")),
            other={name: value for name, value in without_secrets(one).items() if name != "dnsServer"},
        )
        for one in answer
    ]


def _servers(value: Json) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else []
    return tuple(found for part in parts if (found := text(part)) is not None)
