"""Buttons on ONUs and OLTs; they go through the OLT, not through TR-069 (ixc_provider.md section 5)."""

from __future__ import annotations

from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider.connections import drop, reconnect_later
from backhaul_connectors.sandbox.ixc_provider.flexigrid import waiting_onu_id
from backhaul_connectors.sandbox.ixc_provider.press import Press

__all__ = ["authorise", "optical", "provision", "remove", "restart", "script", "synchronise", "write"]

_HTML = ((b"content-type", b"text/html; charset=ISO-8859-1"),)
_NO_READING = "Não foi possível obter o sinal da ONU"


def restart(press: Press) -> Answer:
    """Reboot or reset an ONU: its login is offline until it is back."""
    world, record = press.world, press.record("id")
    onu = press.find(world.onus, "id")
    if onu is None:
        return press.refused(record)
    logins = world.logins.find("id", world.onus.cell(onu, "id_login")) or []
    drop(world, logins)
    reconnect_later(world, logins, press.switches.reconnect_s)
    world.onus.set(onu, {"causa_ultima_queda": "reboot"})
    return press.done(record)


def write(press: Press) -> Answer:
    """Write configuration or credentials to an ONU, or open its web access."""
    onu = press.find(press.world.onus, "id")
    if onu is None:
        return press.refused(press.record("id"))
    press.world.onus.set(onu, {})
    return press.done(press.record("id"))


def script(press: Press) -> Answer:
    """Show the script for the ONU or the OLT, as text."""
    world, record = press.world, press.record("id")
    onu = press.find(world.onus, "id")
    if onu is None:
        return press.refused(record)
    row = world.onus.row(onu)
    text = f"interface gpon {row['ponid']}\nont add {row['ponno']} sn-auth {row['mac']}\nvlan {row['vlan_pppoe']}\n"
    return _html(text, record)


def optical(press: Press) -> Answer:
    """Show the levels of an ONU as text, labelled as the OLT's maker does. Nothing is stored (assumed).

    The third maker names the levels from its own side: what the ONU sends is ``Rx olt``. The values are what the
    row has; an ONU that was never measured cannot be read.
    """
    world, record = press.world, press.record("id")
    onu = press.find(world.onus, "id")
    if onu is None:
        return press.refused(record)
    row = world.onus.row(onu)
    rx, tx = row["sinal_rx"].replace(",", "."), row["sinal_tx"].replace(",", ".")
    if not rx:
        return _html(_NO_READING, record)
    maker = row["id_transmissor"]
    decimal = press.switches.optical_decimal
    if decimal == "comma" or (decimal == "by_olt" and maker == "2"):
        rx, tx = rx.replace(".", ","), tx.replace(".", ",")
    match maker:
        case "1":
            text = f"Sinal Rx: {rx} dBm<br />Sinal Tx: {tx} dBm<br />Temperatura: {row['temperatura']} C"
        case "2":
            text = f"RECV POWER   : {rx}\t(Dbm)\nSEND POWER   : {tx}\t(Dbm)\n"
        case _:
            text = f"<b>Rx olt</b>: {tx}(dbm)<br /><b>Tx olt</b>: {rx}(dbm)<br />"
    return _html(text, record)


def provision(press: Press) -> Answer:
    """Write an ONU's row to its OLT: it gets a number there."""
    world, record = press.world, press.record("id")
    onu = press.find(world.onus, "id")
    if onu is None:
        return press.refused(record)
    world.onus.set(onu, {"onu_numero": world.onus.cell(onu, "onu_numero") or str(1 + onu % 64)})
    return press.done(record)


def remove(press: Press) -> Answer:
    """Remove an ONU from its OLT: its login goes offline, the row stays without a number."""
    world, record = press.world, press.record("id")
    onu = press.find(world.onus, "id")
    if onu is None:
        return press.refused(record)
    drop(world, world.logins.find("id", world.onus.cell(onu, "id_login")) or [])
    world.onus.set(onu, {"onu_numero": "", "causa_ultima_queda": "removed"})
    return press.done(record)


def authorise(press: Press) -> Answer:
    """Authorise a waiting ONU by its opaque row id: it becomes a row of the customers' ONUs."""
    world, record = press.world, press.record("get_id")
    table = world.tables["fh_onu_nao_autorizadas"]
    waiting = next((row_id for row_id in table.ids if waiting_onu_id(table.row(row_id)) == record), None)
    if waiting is None:
        return press.refused("", "ONU não encontrada!")
    row = table.row(waiting)
    table.delete(waiting)
    onu = world.onus.insert(
        {
            "nome": row["mac"],
            "mac": row["mac"],
            "id_transmissor": row["id_olt"],
            "slotno": row["slot"],
            "ponno": row["pon"],
            "ponid": f"0/{row['slot']}/{row['pon']}",
            "onu_tipo": row["modelo"],
            "onu_numero": str(1 + waiting),
        }
    )
    return press.done(str(onu), "ONU autorizada com sucesso!", id=str(onu))


def synchronise(press: Press) -> Answer:
    """Synchronise an OLT: the time of its ONUs' readings stays, its own row is stamped."""
    olts = press.world.tables["radpop_radio"]
    olt = press.find(olts, "transmissor")
    if olt is None:
        return press.refused(press.record("transmissor"))
    olts.set(olt, {})
    return press.done(press.record("transmissor"))


def _html(text: str, record: str) -> Answer:
    """Return text with the header of the odd buttons; the bytes are what the header says."""
    answer = Answer(200, text.encode("latin-1", "replace"), _HTML)
    answer.key = answer.record = record
    return answer
