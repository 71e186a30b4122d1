"""Takes the address at which the sandbox listens, before anything else is done."""

from __future__ import annotations

import socket

__all__ = ["AddressError", "listening_sockets"]

_BACKLOG = 2048


class AddressError(Exception):
    """The sandbox cannot listen there; its text is for a person."""


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Return a listening socket for each address of a host, all with the same port; 0 takes any free one.

    Raises:
        AddressError: the port is taken or not allowed, or there is no such address.
    """
    taken: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            one = socket.socket(family, kind, protocol)
            taken.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address[0], port, *address[2:]))
            one.listen(_BACKLOG)
            # With port 0, the first address says which port the others take.
            port = one.getsockname()[1]
    except (OSError, OverflowError) as error:
        for one in taken:
            one.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise AddressError(
            f"cannot listen at {host} port {port}: {reason}. Is another one running? Choose another with --port"
        ) from None
    return taken
