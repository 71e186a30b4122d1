"""A plain client of the sandbox for its own tests: it speaks the vendors' HTTP and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx

Json = Any
ACS_ID = "650000000000000000000001"
ACS_SECRET = "sandbox-secret"
LISTING = {"ixcsoft": "listar"}


class Isp:
    """One sandbox, seen from outside."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = httpx.Client(base_url=base_url, timeout=30, trust_env=False)
        self.erp_token: str = self.control("GET", "credentials")["provider"]["token"]
        self._bearer = ""

    # Control

    def control(self, method: str, path: str, body: Json = None) -> Json:
        """Call the control interface; anything but success is an error of the test."""
        answer = self.http.request(method, f"/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def reset(self, **options: Json) -> None:
        self.control("POST", "reset", options)
        self._bearer = ""

    def fault(self, kind: str, **options: Json) -> int:
        fault_id: int = self.control("POST", "faults", {"kind": kind, **options})["id"]
        return fault_id

    def switch(self, vendor: str, **switches: Json) -> None:
        self.control("POST", "settings", {vendor: switches})

    def log(self, query: str = "") -> list[dict[str, Json]]:
        items: list[dict[str, Json]] = self.control("GET", f"requests?{query}")["items"]
        return items

    def pass_time(self, seconds: float) -> None:
        """Move the world's clock; what becomes due happens. The token is renewed at the next call."""
        self.control("POST", "clock", {"advance_s": seconds})
        self._bearer = ""

    def expected(self) -> Json:
        return self.control("GET", "expected_sync")

    # ACS

    def token(self, **fields: str) -> httpx.Response:
        form = {"client_id": ACS_ID, "client_secret": ACS_SECRET, **fields}
        return self.http.post("/acs/api/v2/token/oauth", data=form)

    def acs(self, path: str, params: dict[str, str] | None = None, *, version: str = "v2") -> httpx.Response:
        """GET with a token that was fetched once since the last reset."""
        if not self._bearer:
            self._bearer = self.token().json()["access_token"]
        headers = {"Authorization": f"Bearer {self._bearer}"}
        return self.http.get(f"/acs/api/{version}{path}", params=params, headers=headers)

    def acs_command(self, method: str, path: str, body: Json = None) -> httpx.Response:
        """Send a command with a token that was fetched anew: the world's clock may have moved."""
        headers = {"Authorization": f"Bearer {self.token().json()['access_token']}"}
        return self.http.request(method, f"/acs/api/v2{path}", json=body, headers=headers)

    def device_page(self, params: dict[str, str] | None = None, *, page: int = 1, size: int = 50) -> httpx.Response:
        paging = {"pagination[pageSize]": str(size), "pagination[currentPage]": str(page)}
        order = {"sorting[sortBy]": "serialNumber", "sorting[sortOrder]": "asc"}
        return self.acs("/devices/views/natural", {**paging, **order, **(params or {})})

    def devices(self, params: dict[str, str] | None = None, *, size: int = 50) -> list[dict[str, Json]]:
        """All devices, page by page."""
        found: list[dict[str, Json]] = []
        page = 1
        while True:
            body = self.device_page(params, page=page, size=size).json()
            found += body["registers"]
            if not body["hasNextPage"]:
                return found
            page += 1

    # ERP

    def erp(self, method: str, resource: str, body: Json = None, *, listing: bool = False) -> httpx.Response:
        basic = base64.b64encode(self.erp_token.encode()).decode()
        headers = {"Authorization": f"Basic {basic}", **(LISTING if listing else {})}
        return self.http.request(method, f"/provider/webservice/v1/{resource}", json=body, headers=headers)

    def erp_page(self, resource: str, qtype: str, oper: str, query: str, **body: str) -> Json:
        table = qtype.split(".")[0]
        wanted = {"qtype": qtype, "oper": oper, "query": query, "page": "1", "rp": "20"}
        wanted |= {"sortname": f"{table}.id", "sortorder": "asc"}
        answer = self.erp("POST", resource, {**wanted, **body}, listing=True)
        return answer.json()

    def erp_rows(self, resource: str, qtype: str, oper: str, query: str, rp: int = 100) -> Iterator[dict[str, str]]:
        """All matching rows, page by page."""
        page = 1
        while True:
            body = self.erp_page(resource, qtype, oper, query, page=str(page), rp=str(rp))
            yield from body.get("registros", [])
            if page * rp >= int(body["total"]):
                return
            page += 1

    def erp_row(self, serial: str) -> dict[str, str]:
        """The one ``acs_device`` row of a serial number."""
        (row,) = self.erp_rows("acs_device_grid", "acs_device.serial_number", "=", serial)
        return row

    def grid(self, *conditions: dict[str, str]) -> str:
        return json.dumps(list(conditions))
