"""Equipment lent to customers, and the assets that it is (the vendor's Postman collection; its rules assumed)."""

from __future__ import annotations

from collections.abc import Mapping

from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider.press import Press
from backhaul_connectors.sandbox.world import World

__all__ = ["lend", "lending_objection", "return_lent"]


def lending_objection(world: World, fields: Mapping[str, str], row_id: int | None) -> str:
    """Return why an asset cannot be lent by a row, or "": it must exist and be with nobody else."""
    asset = fields.get("id_patrimonio", "")
    if asset in ("", "0") or fields.get("status_comodato") != "E":
        return ""
    lent = world.tables["movimento_produtos"]
    if not world.tables["patrimonio"].find("id", asset):
        return "Patrimônio não encontrado!"
    others = [i for i in lent.find("id_patrimonio", asset) or [] if i != row_id]
    return "Patrimônio já está em comodato!" if any(lent.cell(i, "status_comodato") == "E" for i in others) else ""


def lend(world: World, row_id: int) -> None:
    """Let the asset of a new row know who has it."""
    row = world.tables["movimento_produtos"].row(row_id)
    for asset in world.tables["patrimonio"].find("id", row["id_patrimonio"]) or []:
        held = {"id_movimento_produto": str(row_id), "local": f"CONTRATO {row['id_contrato']}"}
        world.tables["patrimonio"].set(asset, held)


def return_lent(press: Press) -> Answer:
    """Take lent equipment back into a store: it is not with the customer any more, its asset is free."""
    world, record = press.world, press.record("id")
    lent, assets = world.tables["movimento_produtos"], world.tables["patrimonio"]
    row_id = press.find(lent, "id")
    if row_id is None:
        return press.refused(record)
    empty = next((name for name in ("id_almox", "id_filial_baixa") if not press.record(name)), None)
    if empty is not None:
        return press.refused(record, f"Preencha o campo {empty}!<br />")
    if lent.cell(row_id, "status_comodato") != "E":
        return press.refused(record, "Comodato já baixado!")
    lent.set(row_id, {"status_comodato": "B"})
    for asset in assets.find("id", lent.cell(row_id, "id_patrimonio")) or []:
        assets.set(asset, {"id_movimento_produto": "0", "local": "", "id_almoxarifado": press.record("id_almox")})
    return press.done(record)
