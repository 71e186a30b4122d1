"""The switches that every vendor's interface has."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["VendorSwitches"]


class VendorSwitches(BaseModel):
    """Behaviour that ``POST /_sandbox/settings`` changes while the sandbox runs; a vendor adds its own."""

    model_config = ConfigDict(extra="forbid")

    latency_ms: float = Field(default=0.0, ge=0)
    """Added to every call of this vendor."""
    jitter_ms: float = Field(default=0.0, ge=0)
    per_minute: int | None = Field(default=None, ge=1)
    """Calls per calendar minute and API client; None: unlimited."""
    per_day: int | None = Field(default=None, ge=1)
    """Calls per UTC day and API client; None: unlimited."""
    limit_status: int = Field(default=429, ge=400, le=599)
    limit_retry_after: bool = True
    """Whether an answer over the limit carries ``Retry-After``."""
    allowed_ips: list[str] = Field(default_factory=list)
    """Networks (CIDR) that may call; empty: all."""

    @field_validator("allowed_ips")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for network in value:
            ip_network(network, strict=False)
        return value

    def refuses(self, address: str) -> bool:
        """Tell whether the IP list keeps this caller out."""
        if not self.allowed_ips:
            return False
        caller = ip_address(address)
        return not any(caller in ip_network(network, strict=False) for network in self.allowed_ips)
