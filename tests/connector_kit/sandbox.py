"""The running sandbox as the connectors' tests see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from backhaul.sdk import Json

__all__ = ["Sandbox"]


@dataclass
class Sandbox:
    """The running sandbox, steered over its control interface."""

    url: str
    control: httpx.Client
    credentials: Mapping[str, Mapping[str, str]]

    def acs(self, **settings: Json) -> dict[str, Json]:
        """Return settings of a connection to its ACS."""
        own = {name: value for name, value in self.credentials["acs"].items() if not name.startswith("erp_")}
        return {"base_url": f"{self.url}/acs", **own, **settings}

    def provider(self, **settings: Json) -> dict[str, Json]:
        """Return settings of a connection to its ERP."""
        return {"base_url": f"{self.url}/provider", **self.credentials["provider"], **settings}

    def fault(self, kind: str, **spec: Json) -> None:
        """Arm a fault."""
        self.control.post("/faults", json={"kind": kind, **spec}).raise_for_status()

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self.control.delete("/faults").raise_for_status()

    def switch(self, vendor: str, **switches: Json) -> None:
        """Change a vendor's switches."""
        self.control.post("/settings", json={vendor: switches}).raise_for_status()

    def advance(self, seconds: float) -> None:
        """Move the world's clock."""
        self.control.post("/clock", json={"advance_s": seconds}).raise_for_status()

    def operations(self, vendor: str) -> list[str]:
        """Return the names of the calls that a vendor received, in order."""
        items = self.control.get("/requests", params={"vendor": vendor, "limit": 100_000}).json()["items"]
        return [item["operation"] for item in items]

    def repeated(self) -> list[Json]:
        """Return the effects that happened more than once."""
        items: list[Json] = self.control.get("/requests/repeated").json()["items"]
        return items

    def expected_sync(self) -> Json:
        """Return what a correct nightly sync would do."""
        return self.control.get("/expected_sync").json()

    def counts(self) -> Mapping[str, int]:
        """Return the numbers of records."""
        counts: Mapping[str, int] = self.control.get("/world").json()["counts"]
        return counts
