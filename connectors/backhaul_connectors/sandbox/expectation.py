"""What a correct nightly sync must do now, computed from the world's state alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from backhaul_connectors.sandbox.population import plain_serial
from backhaul_connectors.sandbox.world import World

__all__ = ["ExpectedSync", "expected_sync"]


@dataclass(slots=True)
class ExpectedSync:
    """The effects of a correct sync, each list by serial number, and why everything else stays as it is."""

    create: list[dict[str, str]] = field(default_factory=list)
    update: list[dict[str, str]] = field(default_factory=list)
    delete: list[dict[str, str]] = field(default_factory=list)
    unchanged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def expected_sync(world: World) -> ExpectedSync:
    """Compute the sync that links every ACS device to the active login that the ERP knows.

    The rule (after S1-S6 of ixc_acs.md section 8):

    * A device *belongs* in the ERP when the ACS has it and its PPPoE login exists in ``radusuarios`` with
      ``ativo`` S. Its right link is that login's id.
    * It belongs and has no ``acs_device`` row: **create**. It has a row with another ``id_login`` (or "0"):
      **update**. It has a row with the right one: **unchanged**.
    * A row whose serial number the ACS does not have: **delete** (``reasons.not_in_acs`` counts them).
    * Devices that do not belong are counted by reason: ``no_login``, ``unknown_login``, ``inactive_login``. Their
      rows, if any, are kept as they are (``reasons.kept_rows``).

    A serial number's identity is its exact text. A row that writes a present device's serial number in another
    form (``plain_serial``) is counted in ``reasons.serial_alias``; neither the row is deleted nor the device
    created. Of several rows with the same text the lowest id counts, the others are ``reasons.duplicate_row``.
    """
    result = ExpectedSync()
    rows, spare = _rows_by_serial(world, result)
    aliases = {plain_serial(serial) for serial in spare}
    used: set[str] = set()
    for slot in world.devices.order:
        serial = world.devices.serial(slot)
        aliased = bool(aliases) and serial not in rows and plain_serial(serial) in aliases
        if aliased:
            used.add(plain_serial(serial))
            result.reasons["serial_alias"] += 1
        _judge(world, result, slot, serial, None if aliased else rows.get(serial), aliased=aliased)
    for serial, row_id in spare.items():
        if plain_serial(serial) not in used:
            result.reasons["not_in_acs"] += 1
            result.delete.append({"serial_number": serial, "id": str(row_id)})
    result.delete.sort(key=lambda row: row["serial_number"])
    return result


def _rows_by_serial(world: World, result: ExpectedSync) -> tuple[dict[str, tuple[int, str]], dict[str, int]]:
    """Return the rows of present devices as (id, id_login), and the ids of all other rows, by serial number."""
    rows: dict[str, tuple[int, str]] = {}
    spare: dict[str, int] = {}
    for row_id, serial, link in world.registered_devices():
        if serial in rows or serial in spare:
            result.reasons["duplicate_row"] += 1
        elif world.devices.find(serial) is None:
            spare[serial] = row_id
        else:
            rows[serial] = (row_id, link)
    return rows, spare


def _judge(
    world: World, result: ExpectedSync, slot: int, serial: str, row: tuple[int, str] | None, *, aliased: bool
) -> None:
    """Put one ACS device where it belongs."""
    login = world.devices.login(slot)
    login_id = None if login is None else world.login_row(login)
    reason = ""
    if login is None:
        reason = "no_login"
    elif login_id is None:
        reason = "unknown_login"
    elif world.logins.cell(login_id, "ativo") != "S":
        reason = "inactive_login"
    if reason:
        result.reasons[reason] += 1
        if row is not None:
            result.reasons["kept_rows"] += 1
    elif aliased or login is None:
        return
    elif row is None:
        result.create.append({"serial_number": serial, "login": login})
    elif row[1] != str(login_id):
        result.update.append({"serial_number": serial, "login": login, "id": str(row[0])})
    else:
        result.unchanged += 1
