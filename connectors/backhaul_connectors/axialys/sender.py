"""Whether a callback comes from an address that Axialys has confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

__all__ = ["came_from"]


def came_from(client: str, networks: Sequence[str]) -> bool:
    """Tell whether an address is in one of the networks; without networks, every address is."""
    if not networks:
        return True
    try:
        address = ip_address(client)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ip_network(network) for network in networks)
