"""Inserts, updates and deletes with the ERP's rules (ixc_provider.md sections 3.3 and 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider import answers
from backhaul_connectors.sandbox.ixc_provider.audit import note
from backhaul_connectors.sandbox.ixc_provider.dates import iso_date
from backhaul_connectors.sandbox.ixc_provider.files import SentFile, keep_file
from backhaul_connectors.sandbox.ixc_provider.lending import lend, lending_objection
from backhaul_connectors.sandbox.ixc_provider.support import inserted, objection
from backhaul_connectors.sandbox.ixc_provider.switches import ProviderSwitches
from backhaul_connectors.sandbox.world import World

__all__ = ["delete_row", "insert_row", "update_row"]

_MISSING = "Registro não encontrado!"


def insert_row(
    world: World,
    table: Table,
    fields: Mapping[str, str],
    switches: ProviderSwitches,
    *,
    required: Sequence[str] = (),
    file: SentFile | None = None,
) -> Answer:
    """Insert a row, with the file that came with it.

    A second ``acs_device`` row for one serial number is accepted, as a naive server would. The fields that must be
    filled are those of the table, unless others are required.
    """
    now = world.clock.now()
    fields = {**fields, "local_arquivo": file.name} if file is not None else fields
    empty = next((column for column in required or table.seeded.required if not fields.get(column)), None)
    problem = f"Preencha o campo {empty}!<br />" if empty else _rule(world, table, fields)
    if problem:
        answer = answers.error(problem, now)
        answer.key = fields.get("serial_number", "") if table is world.registered else ""
        return answer
    row_id = table.insert(_dated(fields))
    note(world, table, row_id, "inseriu", fields)
    filled = inserted(world, table, row_id, switches)
    if file is not None:
        keep_file(world, table, row_id, file)
    if table.name == "movimento_produtos":
        lend(world, row_id)
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
    changed = {name: value for name, value in _dated(fields).items() if name in table.column_set}
    changed = {name: value for name, value in changed.items() if table.cell(row_id, name) != value}
    table.update(row_id, changed)
    note(world, table, row_id, "editou", changed)
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
    world.files.pop((table.name, row_id), None)
    note(world, table, row_id, "excluiu", {})
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
    if table.name == "movimento_produtos":
        return lending_objection(world, fields, row_id)
    return objection(table, dict(fields))


def _dated(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields with their dates as the server keeps them."""
    return {name: iso_date(value) if "data" in name else value for name, value in fields.items()}


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
