"""Connectors, datasets and files for the tests of workflows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec, Effect, Page, action, actions_of
from backhaul.plugins.connector import Connector
from backhaul.workflows.datasets import Dataset, NotReady, find_in, tally

Actions = Mapping[str, Mapping[str, ActionSpec]]


class Device(BaseModel):
    serial: str
    pppoe_login: str | None = None


class Address(BaseModel):
    street: str
    number: int


class Acs(Connector):
    name = "test_acs"

    @action(effect=Effect.READ)
    async def list_devices(self, *, model: str | None = None, cursor: str | None = None) -> AsyncIterator[Page[Device]]:
        """List all devices.

        Args:
            model: only devices of this model.
        """
        yield Page(items=[])

    @action(effect=Effect.ONCE)
    async def reboot(self, *, serial: str) -> None:
        """Reboot a device."""


class Erp(Connector):
    name = "test_erp"

    @action(effect=Effect.WRITE)
    async def add_device(
        self,
        *,
        serial: Annotated[str, Field(min_length=3)],
        login: str | None = None,
        mode: Literal["exact", "alias"] = "exact",
        attempts: Annotated[int, Field(ge=1)] = 1,
        tags: list[str] | None = None,
        address: Address | None = None,
    ) -> Device:
        """Have a device in the ERP.

        Args:
            serial: the device's serial number.
            login: the customer's login.
        """
        return Device(serial=serial)

    @action(effect=Effect.DELETE)
    async def remove_device(self, *, device_id: int) -> None:
        """Remove a device."""


@pytest.fixture(scope="session")
def actions() -> Actions:
    return {"acs": actions_of(Acs), "erp": actions_of(Erp)}


class ListDataset(Dataset):
    """A dataset over a list; what was not prepared raises `NotReady`."""

    def __init__(self, records: list[Json], *, prepared: bool = True) -> None:
        self.records = records
        self.prepared = prepared
        self.reads = 0

    @property
    def count(self) -> int:
        return len(self.records)

    def find(self, field: str, value: Json) -> Json | None:
        if not self.prepared:
            raise NotReady(self, "index", field)
        return find_in(self.records, field, value)

    def count_by(self, field: str) -> dict[str, int]:
        if not self.prepared:
            raise NotReady(self, "tally", field)
        return tally(self.records, field)

    def items(self) -> list[Json]:
        if not self.prepared:
            raise NotReady(self, "items")
        self.reads += 1
        return self.records

    def to_json(self) -> Json:
        return {"dataset": "x", "count": self.count}


@pytest.fixture
def dataset() -> Callable[..., ListDataset]:
    return ListDataset
