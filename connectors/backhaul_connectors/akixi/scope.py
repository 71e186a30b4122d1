"""Where an entry belongs: telephony server, partition, device; and the path that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, Field

from backhaul.sdk import RefusedError

__all__ = ["ALL", "ALL_DEVICES", "DeviceNumber", "PartitionId", "PathText", "Scope", "TelSysId"]

ALL = -1
"""All telephony servers, or all partitions."""
ALL_DEVICES = "UnknownNoneOrAll"
"""All devices (in a listing), or none (of an entry)."""


def _segment(value: str) -> str:
    text = value.strip()
    if not text or text in {".", ".."}:
        raise ValueError("is empty")
    if "%" in text:
        raise ValueError("is percent-encoded already: write it plain, as in +442079460012")
    if any(sign.isspace() or not sign.isprintable() or sign in "/\\?#" for sign in text):
        raise ValueError("holds a blank, a slash or another character that it cannot have")
    return text


TelSysId = Annotated[int, Field(ge=-1, description="Telephony server; -1 means all.")]
"""Telephony server of the linked device (``telSysID``)."""
PartitionId = Annotated[int, Field(ge=-3, description="Partition in the telephony server; -1 means all.")]
"""Partition inside of the telephony server (``partitionIDInTelSys``)."""
DeviceNumber = Annotated[
    str,
    AfterValidator(lambda value: _segment("".join(value.split()))),
    Field(max_length=64, description="Number of the device, E.164 with + or national; UnknownNoneOrAll: all, or none."),
]
"""Number of the device (``deviceNumber``), not encoded."""
PathText = Annotated[str, AfterValidator(_segment), Field(max_length=200)]
"""A text that becomes one segment of a path, not encoded. Ids of entries: four parts with ``:`` between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The place that the path of every operation names."""

    tel_sys_id: int
    partition_id: int
    device_number: str

    @property
    def path(self) -> str:
        """The path below ``/admin``, percent-encoded once: ``+`` is ``%2B``.

        Raises:
            RefusedError: a partition such as -3, which answers hold but which no path may name.
        """
        if self.partition_id < ALL:
            raise RefusedError(
                f"partition_id {self.partition_id} occurs in Akixi's answers, but cannot be asked for: entries of a "
                "whole telephony server are reached with partition_id -1"
            )
        device = quote(self.device_number, safe="")
        return f"/telsys/{self.tel_sys_id}/partition/{self.partition_id}/device/{device}/integratorClient"

    def entry_path(self, entry_id: str) -> str:
        """Return the path of one entry; the id is one segment: ``:`` is ``%3A``."""
        return f"{self.path}/{quote(entry_id, safe='')}"

    def refuse_wildcard(self, what: str, *, allowed: bool) -> None:
        """Return when no part of the scope means "all", or the caller has said that it may.

        Raises:
            RefusedError: it does; nothing was sent.
        """
        wild = [
            name
            for name, value in (("tel_sys_id", self.tel_sys_id), ("partition_id", self.partition_id))
            if value == ALL
        ]
        if wild and not allowed:
            raise RefusedError(
                f"{what}: {' and '.join(wild)} -1 means all, so nothing was sent. Name the entry's own, or set "
                "allow_wildcard when the entry really belongs to a whole telephony server"
            )
