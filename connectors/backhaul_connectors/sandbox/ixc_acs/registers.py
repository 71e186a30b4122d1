"""What the ACS shows of one device, derived from its slot and the time."""

from __future__ import annotations

from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.population import GONE_MAKER, MAKERS
from backhaul_connectors.sandbox.world import World

__all__ = [
    "behind_nat",
    "capabilities",
    "created_at",
    "datamodel",
    "ipv6",
    "is_online",
    "last_inform_at",
    "next_inform_at",
    "ppp",
    "register",
    "uptime_s",
    "wifi",
    "wifi_settings",
]

_INFORM_S = 300
_ANCHOR = 1_735_689_600  # 2025-01-01T00:00:00Z: seeded devices were created before it
_DAY_S = 86_400
_MODELS = {prefix: (maker, models) for prefix, maker, models in (*MAKERS, GONE_MAKER)}


def created_at(world: World, slot: int) -> float:
    """Return when the ACS first saw the device, in seconds since the epoch."""
    added = world.devices.created(slot)
    return _ANCHOR - mix(world.options.seed, slot) % (500 * _DAY_S) if added is None else added


def is_online(world: World, slot: int) -> bool:
    """Tell whether the device is online; about 3 % are not, and stay so unless somebody switches them on."""
    live = world.live.get(slot)
    if live is not None and live.restarting:
        return False
    if live is not None and live.online is not None:
        return live.online
    return mix(world.options.seed, slot) % 33 != 0


def behind_nat(world: World, slot: int) -> bool:
    """Tell whether the ACS cannot call the device (one in ten): it only comes by itself."""
    return (mix(world.options.seed, slot) >> 30) % 10 == 0


def datamodel(world: World, slot: int) -> str:
    """Return the device's data model: TR-181 for one in eight, else TR-098."""
    return "TR-181" if mix(world.options.seed, slot) % 8 == 0 else "TR-098"


def last_inform_at(world: World, slot: int) -> float:
    """Return the last contact: within five minutes for online devices, days ago for those that never were."""
    live = world.live.get(slot)
    contact_at = live.contact_at if live is not None else None
    if not is_online(world, slot):
        seeded = created_at(world, slot) + mix(world.options.seed, slot) % _DAY_S
        return seeded if contact_at is None else contact_at
    now = world.clock.now()
    return max(contact_at or 0.0, now - (now + _phase(world, slot)) % _INFORM_S)


def next_inform_at(world: World, slot: int) -> float:
    """Return the next periodic contact."""
    now = world.clock.now()
    return now + _INFORM_S - (now + _phase(world, slot)) % _INFORM_S


def uptime_s(world: World, slot: int) -> int:
    """Return the seconds since the last boot; 0 while offline."""
    if not is_online(world, slot):
        return 0
    live = world.live.get(slot)
    if live is not None and live.booted_at is not None:
        return max(0, int(world.clock.now() - live.booted_at))
    return 600 + mix(world.options.seed, slot) % 4_000_000


def _phase(world: World, slot: int) -> float:
    return mix(world.options.seed, slot) % (_INFORM_S * 1000) / 1000


def register(world: World, slot: int) -> dict[str, object]:
    """Return one entry of ``registers`` (ixc_acs.md section 6.2).

    ``connection`` is missing for bridges, ``rx`` and ``tx`` on non-fibre devices; one fibre device in ten sends
    them as text.
    """
    bits = mix(world.options.seed, slot)
    serial = world.devices.serial(slot)
    maker, models = _model(serial)
    info: dict[str, object] = {
        "manufacturer": maker,
        "modelName": models[bits % len(models)],
        "hardwareVersion": f"{1 + bits % 2}.0",
        "softwareVersion": f"2.{bits % 7}",
        "packageVersion": _package(bits),
        "uptime": uptime_s(world, slot),
        "ipv6": ipv6(world, slot),
    }
    if bits % 100 >= 15:
        rx, tx = -(1400 + (bits >> 12) % 1300) / 100, (100 + (bits >> 24) % 250) / 100
        info["rx"], info["tx"] = (f"{rx:.2f}", f"{tx:.2f}") if bits % 10 == 3 else (rx, tx)
    entry: dict[str, object] = {
        "serialNumber": serial,
        "status": is_online(world, slot),
        "created": world.clock.iso(created_at(world, slot)),
        "lastInform": world.clock.iso(last_inform_at(world, slot)),
        "macs": ["02:00:" + slot.to_bytes(4, "big").hex(":").upper()],
        "deviceInfo": info,
    }
    login = world.devices.login(slot)
    if login is not None:
        entry["connection"] = {"pppoeLogin": login}
    return entry


def ipv6(world: World, slot: int) -> str:
    """Return the device's IPv6 address; "" if it has none."""
    return f"2001:db8:{slot >> 16:x}:{slot & 0xFFFF:x}::1" if mix(world.options.seed, slot) % 4 else ""


def wifi(world: World, slot: int) -> dict[str, list[dict[str, object]]]:
    """Return the Wi-Fi interfaces by band (section 6.3); one device in twelve has an empty 5 GHz band.

    Passwords read back as an empty text (tr069.md section 2); so do they here.
    """
    return {
        band: [{"id": wifi_id, **fields, "password": ""} for wifi_id, fields in interfaces.items()]
        for band, interfaces in wifi_settings(world, slot).items()
    }


def wifi_settings(world: World, slot: int) -> dict[str, dict[str, dict[str, object]]]:
    """Return what is really set, passwords included: fields by Wi-Fi id by band."""
    bits, live = mix(world.options.seed, slot), world.live.get(slot)
    if live is not None and live.was_reset:
        name = f"{_model(world.devices.serial(slot))[0]}-{world.devices.serial(slot)[-4:]}"
        password = f"{bits % 100_000_000:08d}"
    else:
        name, password = f"Casa {slot}", f"wifi-{bits % 99_991:05d}"
    low: dict[str, object] = {"enable": True, "ssid": name, "channel": 1 + bits % 11, "password": password}
    high = {**low, "enable": bits % 5 != 0, "ssid": f"{name} 5G", "channel": 36 + 4 * (bits % 4)}
    bands = {"2.4": {"w1": low}, "5.8": {} if bits % 12 == 0 else {"w5": high}}
    if live is not None:
        for interfaces in bands.values():
            for wifi_id, fields in interfaces.items():
                fields.update(live.wifi.get(wifi_id, {}))
    return bands


def ppp(world: World, slot: int) -> list[dict[str, str]] | None:
    """Return the PPP interfaces; None (null) or an empty list for bridges."""
    if world.devices.login(slot) is None:
        return None if mix(world.options.seed, slot) % 2 else []
    return [{"dnsServer": "192.0.2.53,198.51.100.53"}]


def capabilities(world: World, slot: int) -> dict[str, object]:
    """Return device and capabilities (section 6.3); the latter only with a v3 package."""
    bits = mix(world.options.seed, slot)
    maker, models = _model(world.devices.serial(slot))
    package = _package(bits)
    device = {
        "manufacturer": maker,
        "modelName": models[bits % len(models)],
        "productClass": models[bits % len(models)].split("-")[0],
        "firmwareVersion": f"2.{bits % 7}",
        "hardware": f"{1 + bits % 2}.0",
        "releaseDate": "2024-02-01",
        "packageVersion": package,
        "datamodel": datamodel(world, slot),
    }
    if package != "v3":
        return {"device": device}
    return {"device": device, "capabilities": {"wifi": True}, "hasPackage": True}


def _model(serial: str) -> tuple[str, tuple[str, ...]]:
    return _MODELS.get(serial[:4], ("ACME", ("AX-1",)))


def _package(bits: int) -> str:
    return "v2" if (bits >> 8) % 10 == 0 else "v3"
