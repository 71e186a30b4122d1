"""The ACS's query language: bracket parameters of the device list."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LIST_ORDER", "DeviceQuery"]

# Not lastInform: it moves while one pages, and rows are lost or repeated (ixc_acs reference, trap 6).
LIST_ORDER = "serialNumber"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceQuery:
    """What a device list asks for. Only forms that public clients use (ixc_acs reference, section 6.1).

    Attributes:
        online: only devices that are, or are not, online.
        serial_contains: only devices with this text in the serial number.
        search: column and text to search, or None. A hit is not a match: compare it.
    """

    online: bool | None = None
    serial_contains: str | None = None
    search: tuple[str, str] | None = None

    def parameters(self, *, page: int, page_size: int) -> dict[str, str]:
        """Return the query parameters of one page (from 1); the HTTP client percent-encodes the brackets."""
        parameters = {
            "pagination[pageSize]": str(page_size),
            "pagination[currentPage]": str(page),
            "sorting[sortBy]": LIST_ORDER,
            "sorting[sortOrder]": "asc",
        }
        if self.search is not None:
            parameters["search[column]"], parameters["search[search]"] = self.search
        for number, (kind, accessor, operator, value) in enumerate(self._conditions()):
            prefix = f"filters[0][{number}]"
            parameters[f"{prefix}[type]"] = kind
            parameters[f"{prefix}[accessor]"] = accessor
            parameters[f"{prefix}[operator]"] = operator
            parameters[f"{prefix}[value]"] = value
        return parameters

    def _conditions(self) -> list[tuple[str, str, str, str]]:
        """Return the conditions of one group, which the ACS joins with AND [assumed]."""
        conditions = []
        if self.online is not None:
            conditions.append(("boolean", "status", "equal", "true" if self.online else "false"))
        if self.serial_contains is not None:
            conditions.append(("string", "serialNumber", "like", self.serial_contains))
        return conditions
