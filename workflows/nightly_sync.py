"""The nightly sync of nightly_sync.yaml, written in Python: the same steps, the same journal, the same history.

It has no trigger, so that the two do not run at the same time. To let it take the other's place, remove `on:` there and
add here: ``on=[cron("0 3 * * *", timezone="America/Sao_Paulo")]``, with ``from backhaul import cron``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from backhaul import Run, workflow
from backhaul_connectors.ixc_acs import Device, IxcAcs
from backhaul_connectors.ixc_provider import IxcProvider


@dataclass
class Report:
    """How many devices there are, what was done, and why the two systems' counts differ."""

    devices_in_acs: int
    devices_in_erp_before: int
    added: int
    updated: int
    devices_by_state: dict[str, int]
    erp_rows_by_state: dict[str, int]


@workflow(
    name="nightly-sync-python",
    description="Link every ACS device to the active login that IXC Provider knows, in Python.",
    timeout="2h",
)
async def nightly_sync(run: Run, acs: IxcAcs, provider: IxcProvider) -> Report:
    """Read both systems, then bring the ERP up to date, device by device."""
    devices = [device async for page in acs.list_devices() for device in page.items]
    logins = {
        login.login: login.id async for page in provider.list_logins(active=True, linked=True) for login in page.items
    }
    rows = {row.serial_key: row async for page in provider.list_acs_devices() for row in page.items}

    async def bring_up_to_date(device: Device) -> str:
        if not device.pppoe_login:
            return "device has no login"
        id_login = logins.get(device.pppoe_login)
        if id_login is None:
            return "login unknown or inactive"
        row = rows.get(device.serial_key)
        if row is None:
            await provider.add_acs_device(serial_number=device.serial, id_login=id_login)
            return "added"
        if row.serial_number != device.serial:
            return "serial spelled differently"
        if row.id_login != id_login:
            await provider.update_acs_device(id=row.id, id_login=id_login)
            return "updated"
        return "unchanged"

    states = Counter(
        await run.each(devices, bring_up_to_date, name="sync", key=lambda device: device.serial, concurrency=20)
    )
    serial_keys = {device.serial_key for device in devices}
    gone = sum(serial_key not in serial_keys for serial_key in rows)
    return Report(
        devices_in_acs=len(devices),
        devices_in_erp_before=len(rows),
        added=states["added"],
        updated=states["updated"],
        devices_by_state=dict(sorted(states.items())),
        erp_rows_by_state={"gone from the ACS": gone, "in the ACS": len(rows) - gone},
    )
