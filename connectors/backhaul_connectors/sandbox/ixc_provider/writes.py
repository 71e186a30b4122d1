"""Inserts, updates and deletes with the ERP's rules (ixc_provider.md sections 3.3 and 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider import answers
from backhaul_connectors.sandbox.ixc_provider.support import inserted, objection
from backhaul_connectors.sandbox.ixc_provider.switches import ProviderSwitches
from backhaul_connectors.sandbox.world import World

__all__ = ["delete_row", "insert_row", "update_row"]

_MISSING = "Registro não encontrado!"


def insert_row(world: World, table: Table, fields: Mapping[str, str], switches: ProviderSwitches) -> Answer:
    """Insert a row. A second ``acs_device`` row for one serial number is accepted, as a naive server would."""
    now = world.clock.now()
    empty = next((column for column in table.seeded.required if not fields.get(column)), None)
    problem = f"Preencha o campo {empty}!<br />" if empty else _rule(world, table, fields)
    if problem:
        answer = answers.error(problem, now)
        answer.key = fields.get("serial_number", "") if table is world.registered else ""
        return answer
    row_id = table.insert(fields)
    filled = inserted(world, table, row_id, switches)
    return _done(table, row_id, "Registro inserido com sucesso!", switches, world, filled)


def update_row(
    world: World, table: Table, row_id: int, fields: Mapping[str, str], switches: ProviderSwitches
) -> Answer:
    """Update a row. All writable columns must come (else the red div); read-only and unknown ones are dropped."""
    if row_id not in table:
        return _refused(answers.error(_MISSING, world.clock.now()), row_id)
    if any(column not in fields for column in table.writable):
        return _refused(answers.red_div(switches.red_status), row_id)
    problem = _rule(world, table, fields, row_id)
    if problem:
        return _refused(answers.error(problem, world.clock.now()), row_id)
    table.update(row_id, fields)
    return _done(table, row_id, "Registro atualizado com sucesso!", switches, world)


def delete_row(world: World, table: Table, row_id: int, switches: ProviderSwitches) -> Answer:
    """Delete a row that nothing refers to."""
    now = world.clock.now()
    if row_id not in table:
        return _refused(answers.error(_MISSING, now), row_id)
    reference = world.reference_to(table.name, row_id)
    if reference is not None:
        return _refused(answers.error(f"Registro vinculado em {reference}, exclua o vínculo antes!\n", now), row_id)
    answer = _done(table, row_id, "Registro excluído com sucesso!", switches, world)
    table.delete(row_id)
    return answer


def _rule(world: World, table: Table, fields: Mapping[str, str], row_id: int | None = None) -> str:
    """Return what the server objects to, or "". The texts are invented; the links must exist."""
    if table is world.registered and fields.get("id_login") not in ("", "0", None):
        link = fields["id_login"]
        if not world.logins.find("id", link):
            return "Login não encontrado!"
    if table is world.logins:
        others = [i for i in world.logins.find("login", fields.get("login", "")) or [] if i != row_id]
        if others:
            return "Já existe um registro com este Login!<br />"
    return objection(table, dict(fields))


def _refused(answer: Answer, row_id: int) -> Answer:
    answer.key = answer.record = str(row_id)
    return answer


def _done(
    table: Table,
    row_id: int,
    message: str,
    switches: ProviderSwitches,
    world: World,
    filled: Sequence[str] = (),
) -> Answer:
    """Return the success answer, with the columns that the server filled.

    An ``acs_device`` row is logged by its serial number, others by their id.
    """
    body: dict[str, object] = {"type": "success", "message": message}
    body["id"] = row_id if switches.id_as == "int" else str(row_id)
    if filled and switches.fill_fields:
        values = ((column, table.cell(row_id, column)) for column in filled)
        body["atualiza_campos"] = [{"tipo": "i", "campo": column, "valor": value} for column, value in values]
    answer = answers.plain_json(body, world.clock.now())
    answer.record = str(row_id)
    answer.key = table.cell(row_id, "serial_number") if table is world.registered else answer.record
    return answer
