"""The host of a URL as the internet sees it, and the queries that a callback URL may have."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["ALLOWED_QUERY", "CallbackHost", "callback_host"]

ALLOWED_QUERY = r"^(|[?&][A-Za-z0-9_={}&.%-]*)$"
_LOCAL_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackHost:
    """Host of a URL, seen from the internet."""

    name: str
    is_loopback: bool
    is_reachable: bool


def callback_host(url: str) -> CallbackHost:
    """Return the host of a URL; nothing is looked up."""
    try:
        name = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        name = ""
    try:
        address = ip_address(name)
    except ValueError:
        loopback = name == "localhost" or name.endswith(".localhost")
        return CallbackHost(
            name=name, is_loopback=loopback, is_reachable="." in name and not name.endswith(_LOCAL_NAMES)
        )
    return CallbackHost(
        name=name,
        is_loopback=address.is_loopback,
        is_reachable=not (
            address.is_loopback
            or address.is_private
            or address.is_link_local
            or address.is_unspecified
            or address.is_multicast
        ),
    )
