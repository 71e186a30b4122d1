"""The nightly sync of nightly_sync.yaml, written in Python: the same rules, the same guard, the same history.

It has no trigger, so that the two do not run at the same time. To let it take the other's place, remove `on:` there and
add here: ``on=[cron("0 3 * * *", timezone="America/Sao_Paulo")]``, with ``from backhaul import cron``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from backhaul import Difference, Run, workflow
from backhaul.sdk import Page
from backhaul_connectors.ixc_acs import Device, IxcAcs
from backhaul_connectors.ixc_provider import AcsDevice, IxcProvider


@dataclass
class Wanted:
    """A device of the ACS, and the login to which the ERP shall link it; None when it does not belong there."""

    serial: str
    serial_key: str
    id_login: int | None
    state: str


@dataclass
class Report:
    """How many devices there are, and what was done."""

    devices_in_acs: int
    devices_in_erp_before: int
    devices_by_state: dict[str, int]
    added: int
    updated: int
    removed: int
    unchanged: int
    left_alone: int
    not_removed: int
    changed_meanwhile: int
    unclear: int
    failed: int


@workflow(
    name="nightly-sync-python",
    description="Link every ACS device to the active login that IXC Provider knows, in Python.",
    timeout="20h",
)
async def nightly_sync(run: Run, acs: IxcAcs, provider: IxcProvider, max_delete: str = "5%") -> Report:
    """Read the ERP, then the ACS, and make the ERP's devices those of the ACS."""
    logins: dict[str, int] = {}
    async for page in provider.list_logins(active=True, linked=True):
        for login in page.items:
            logins.setdefault(login.login, login.id)
    states: Counter[str] = Counter()

    async def wanted() -> AsyncIterator[Page[Wanted]]:
        async for page in acs.list_devices():
            devices = [wanted_in_erp(device, logins) for device in page.items]
            states.update(device.state for device in devices)
            yield Page(items=devices)

    async def add(device: Wanted) -> None:
        await provider.add_acs_device(serial_number=device.serial, id_login=device.id_login)

    async def update(device: Wanted, row: AcsDevice) -> None:
        await provider.update_acs_device(id=row.id, id_login=device.id_login)

    async def remove(row: AcsDevice) -> None:
        await provider.remove_acs_device(id=row.id)

    async def read_again(row: AcsDevice) -> AcsDevice:
        return await provider.get_acs_device(id=row.id)

    # The target is read first: a device that comes meanwhile is then in the ACS' list at least, never taken for gone.
    sync = await run.reconcile(
        wanted(),
        provider.list_acs_devices(),
        key="serial_key",
        compare={"serial": "serial_number", "id_login": "id_login"},
        create=add,
        create_if=lambda device: device.id_login is not None,
        update=update,
        update_if=lambda device, row: device.id_login is not None and device.serial == row.serial_number,
        delete=remove,
        recheck=read_again,
        max_delete=max_delete,
        timeout="12h",
        concurrency=20,
        max_failures=50,
        explain=why,
        name="sync",
    )
    if sync["failed"]:
        message = f"{sync['failed']} devices could not be brought up to date; see which with"
        raise RuntimeError(f"{message} backhaul runs show RUN --step sync --items 50")
    return Report(
        devices_in_acs=sync["source"],
        devices_in_erp_before=sync["target"],
        devices_by_state=dict(sorted(states.items())),
        added=sync["created"],
        updated=sync["updated"],
        removed=sync["deleted"],
        unchanged=sync["same"],
        left_alone=sync["skipped"],
        not_removed=sync["held"],
        changed_meanwhile=sync["changed"],
        unclear=sync["duplicates"] + sync["no_key"],
        failed=sync["failed"],
    )


def wanted_in_erp(device: Device, logins: Mapping[str, int]) -> Wanted:
    """Return a device with the id of its login in the ERP."""
    login = device.pppoe_login
    id_login = logins.get(login) if login else None
    state = "belongs in the ERP" if id_login else "login unknown or inactive" if login else "device has no login"
    return Wanted(device.serial, device.serial_key, id_login, state)


def why(difference: Difference) -> str:
    """Name the reason for which a device is in one system only."""
    if difference.outcome == "duplicate":
        return "serial number comes several times"
    if difference.outcome == "no_key":
        return "no serial number"
    if difference.side == "target":
        return "gone from the ACS and removed now" if difference.outcome == "deleted" else "gone from the ACS"
    if difference.outcome == "created":
        return "added now"
    state: str = difference.item.state
    return "could not be added" if state == "belongs in the ERP" else state
