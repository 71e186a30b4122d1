"""The ``[server]`` table: how `backhaul serve` listens and what it allows."""

from __future__ import annotations

import platform
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from backhaul.workflows.durations import parse_duration

__all__ = ["Network", "ServerSettings", "network"]

Network: TypeAlias = IPv4Network | IPv6Network

_Seconds = Annotated[float, BeforeValidator(parse_duration)]


def network(text: object) -> Network:
    """Return the network that a text names: an address, or an address with its prefix length.

    Raises:
        ValueError: it names none, or has bits set behind its prefix.
    """
    if isinstance(text, IPv4Network | IPv6Network):
        return text
    if not isinstance(text, str):
        raise ValueError("is no network, such as 10.0.0.0/8")
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is no network, such as 10.0.0.0/8 ({error})") from None


def _this_host() -> str:
    return platform.node() or "localhost"


def _node(name: str) -> str:
    if not name.strip() or not name.isprintable() or "/" in name:
        raise ValueError("the name of a node is printable text without a slash")
    return name.strip()


class ServerSettings(BaseModel):
    """``[server]``: what `backhaul serve` goes by."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen at; ``0.0.0.0`` is every one of this machine."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8484
    """Port to listen at; 0 is any free one."""
    node: Annotated[str, AfterValidator(_node)] = Field(default_factory=_this_host)
    """Name of this process's node: it carries out the runs that it started."""
    max_runs: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Runs carried out at the same time."""
    hook_body_limit: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = 1024 * 1024
    """Longest body of a webhook, in bytes."""
    hook_rate_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 6000
    """Webhooks per minute and connection; what is beyond is answered with 429."""
    grace_s: Annotated[_Seconds, Field(ge=0, le=3600)] = 30.0
    """Seconds which steps under way and open requests have to end after SIGTERM."""
    trusted_proxies: tuple[Annotated[Network, BeforeValidator(network)], ...] = ()
    """Networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    public_metrics: bool = False
    """Whether ``/metrics`` answers without a token."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False
