"""Buttons on logins and on ACS devices (ixc_provider.md section 5)."""

from __future__ import annotations

from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider.connections import drop, reconnect_later
from backhaul_connectors.sandbox.ixc_provider.press import Press

__all__ = ["clear_mac", "disconnect", "push_wifi"]


def disconnect(press: Press) -> Answer:
    """Disconnect a login; it is back after a while. The answer is a list of messages."""
    world, record = press.world, press.record("id")
    login_id = press.find(world.logins, "id")
    if login_id is None or world.logins.cell(login_id, "online") != "S":
        told = {"msg": [{"type": "error", "message": "Cliente não está conectado"}]}
        return press.marked(told, record, completed=False)
    drop(world, [login_id])
    reconnect_later(world, [login_id], press.switches.reconnect_s)
    return press.marked({"msg": [{"type": "success", "message": "Cliente desconectado"}]}, record)


def clear_mac(press: Press) -> Answer:
    """Forget a login's MAC."""
    record = press.record("get_id")
    login_id = press.find(press.world.logins, "get_id")
    if login_id is None:
        return press.refused(record)
    press.world.logins.set(login_id, {"mac": ""})
    return press.marked({"type": "success", "message": "MAC removido com sucesso"}, record)


def push_wifi(press: Press) -> Answer:
    """Send the Wi-Fi data of a device's login to the ACS, which applies them at the device's next contact."""
    world, record = press.world, press.record("id")
    row_id = press.find(world.registered, "id")
    if row_id is None:
        return press.refused(record)
    logins = world.logins.find("id", world.registered.cell(row_id, "id_login"))
    slot = world.devices.find(world.registered.cell(row_id, "serial_number"))
    if not logins or slot is None:
        what = "Dispositivo sem login vinculado!" if not logins else "Dispositivo não encontrado no ACS!"
        return press.refused(record, what)
    login = world.logins.row(logins[0])
    world.push_wifi(
        slot,
        {
            "2.4": {"ssid": login["ssid_router_wifi"], "password": login["senha_rede_sem_fio"]},
            "5.8": {"ssid": login["ssid_router_wifi_5ghz"], "password": login["senha_rede_sem_fio_5ghz"]},
        },
    )
    names = {"ssid_router_wifi": login["ssid_router_wifi"], "ssid_router_wifi_2": login["ssid_router_wifi_5ghz"]}
    keys = ("senha_rede_sem_fio", "senha_rede_sem_fio_5ghz")
    secrets = dict(zip(("senha_router_wifi", "senha_router_wifi_2"), (login[key] for key in keys), strict=True))
    world.registered.set(row_id, {**names, **secrets})
    return press.done(record, "Dados enviados ao ACS com sucesso!")
