"""What a device measures in a test: figures that follow from its line, its place and the number of the run."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.ixc_acs.registers import datamodel
from backhaul_connectors.sandbox.ixc_acs.switches import DiagnosticName
from backhaul_connectors.sandbox.world import World

__all__ = ["Measurement", "contracted_mbps", "error_of"]

_FALLBACK_MBPS = (100.0, 50.0)
_SIZES = {"download": (52_428_800, 524_288_000), "upload": (10_485_760, 52_428_800)}
_SIZE_MAX = 2**40
_SPEED = re.compile(r"(\d+(?:[.,]\d+)?)\s*([kKmMgG]?)")
_UNIT_MBPS = {"": 1e-6, "k": 1e-3, "m": 1.0, "g": 1000.0}
_SERVER = "speedtest.example.net"
_ROUTE_HOPS = (3, 8)
"""Fewest and most hops of a route."""

Entry = dict[str, object]


def contracted_mbps(world: World, slot: int) -> tuple[float, float] | None:
    """Ask the ERP for the bandwidth of a device's login, in Mbit/s (rule S7); None if it does not know the login."""
    login = world.devices.login(slot)
    login_id = None if login is None else world.login_row(login)
    if login_id is None:
        return None
    plan = world.plans.find("id", world.logins.cell(login_id, "id_grupo"))
    if not plan:
        return None
    return _mbps(world.plans.cell(plan[0], "download")), _mbps(world.plans.cell(plan[0], "upload"))


def error_of(name: DiagnosticName, inputs: dict[str, object]) -> str:
    """Return the error word that the inputs themselves lead to, or "".

    A host in ``.invalid`` has no address, and no route is shorter than three hops.
    """
    host = str(inputs.get("Host") or inputs.get("host") or "")
    if name in ("ping", "traceroute") and host.endswith(".invalid"):
        return "Error_CannotResolveHostName"
    if name == "traceroute" and _whole(inputs.get("MaxHopCount"), 64) < _ROUTE_HOPS[0]:
        return "Error_MaxHopCountExceeded"
    return ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One finished run. ``state`` is the finished word or the error word."""

    world: World
    slot: int
    number: int
    at: float
    inputs: dict[str, object]
    state: str
    failed: bool

    def result(self, name: DiagnosticName, *, wrap: bool = False) -> list[Entry]:
        """Return the result as the ACS shows it; names inside are those of the data models (tr069.md section 3.1)."""
        rng = random.Random(mix(self.world.options.seed, self.slot) ^ self.number)
        match name:
            case "speedTest":
                return [self._speed(rng, wrap=wrap)]
            case "neighbor":
                return [{"state": self.state}] if self.failed else self._neighbours(rng)
            case "ping":
                return [self._ping(rng)]
            case "traceroute":
                return [self._route(rng)]

    def _speed(self, rng: random.Random, *, wrap: bool) -> Entry:
        """Return download and upload, as far as asked for, beside the contracted bandwidth (S7)."""
        contracted = contracted_mbps(self.world, self.slot)
        live = self.world.live.get(self.slot)
        line = (live.line_mbps if live is not None else None) or contracted or _FALLBACK_MBPS
        wanted = self.inputs.get("testTypes")
        entry: Entry = {"state": self.state, "server": _SERVER}
        for place, name in enumerate(("download", "upload")):
            if not isinstance(wanted, dict) or wanted.get(name, True):
                entry[name] = self._transfer(rng, name, line[place], wrap=wrap)
        shown = None if contracted is None else {"download": contracted[0], "upload": contracted[1]}
        entry["contracted"] = shown
        return entry

    def _transfer(self, rng: random.Random, name: str, line_mbps: float, *, wrap: bool) -> Entry:
        """Return the figures of TR-143: the rate follows from bytes and the two times."""
        if self.failed:
            return {"DiagnosticsState": self.state}
        size = self._size(name, big=line_mbps >= 100)
        rate_mbps = line_mbps * rng.uniform(0.9, 1.02)
        seconds = size * 8 / (rate_mbps * 1e6)
        bom = self.at - seconds - 0.2
        keep = 2**32 if wrap else 2**63
        entry: Entry = {
            "DiagnosticsState": self.state,
            "ROMTime": _time(bom - 0.02),
            "BOMTime": _time(bom),
            "EOMTime": _time(bom + seconds),
            "TCPOpenRequestTime": _time(bom - 0.06),
            "TCPOpenResponseTime": _time(bom - 0.06 + rng.uniform(0.004, 0.03)),
        }
        total = (size + rng.randrange(200_000, 2_000_000)) % keep
        if name == "download":
            return {**entry, "TestBytesReceived": size % keep, "TotalBytesReceived": total}
        if datamodel(self.world, self.slot) == "TR-181":
            entry["TestBytesSent"] = size % keep
        return {**entry, "TestFileLength": size % keep, "TotalBytesSent": total}

    def _size(self, name: str, *, big: bool) -> int:
        """Return the file's size in bytes: the first of two sizes on slow lines, the second on fast ones."""
        sizes = self.inputs.get("fileSizes")
        given = sizes.get(name) if isinstance(sizes, dict) else None
        value = given.get("size2" if big else "size1") if isinstance(given, dict) else None
        return value if isinstance(value, int) and 0 < value <= _SIZE_MAX else _SIZES[name][big]

    def _neighbours(self, rng: random.Random) -> list[Entry]:
        """Return Wi-Fi networks nearby; one place in three has a crowded channel 6."""
        crowded = mix(self.world.options.seed, self.slot) % 3 == 0
        found: list[Entry] = []
        for place in range(rng.randrange(4, 13)):
            low = rng.random() < 0.7
            channel = (6 if crowded else rng.choice((1, 6, 11))) if low else rng.choice((36, 44, 149))
            found.append(
                {
                    "ssid": f"Vizinho {place + 1}",
                    "bssid": f"02:00:5E:{rng.randrange(256):02X}:{rng.randrange(256):02X}:{place:02X}",
                    "channel": channel,
                    "rssi": -rng.randrange(38, 91),
                    "bandwidth": rng.choice(("20MHz", "40MHz")) if low else "80MHz",
                }
            )
        return found

    def _ping(self, rng: random.Random) -> Entry:
        if self.failed:
            return {"DiagnosticsState": self.state}
        count = _whole(self.inputs.get("NumberOfRepetitions"), 4)
        times = [rng.randrange(3, 40) for _ in range(count)]
        address = {"IPAddressUsed": "198.51.100.1"} if datamodel(self.world, self.slot) == "TR-181" else {}
        return {
            "DiagnosticsState": self.state,
            "Host": self.inputs.get("Host") or self.inputs.get("host"),
            "SuccessCount": count,
            "FailureCount": 0,
            "AverageResponseTime": round(sum(times) / count),
            "MinimumResponseTime": min(times),
            "MaximumResponseTime": max(times),
            **address,
        }

    def _route(self, rng: random.Random) -> Entry:
        """Return the hops, each with the names of the device's own data model."""
        if self.failed:
            return {"DiagnosticsState": self.state}
        prefix = "" if datamodel(self.world, self.slot) == "TR-181" else "Hop"
        hops: list[Entry] = []
        tries, most = _whole(self.inputs.get("NumberOfTries"), 3), _whole(self.inputs.get("MaxHopCount"), 64)
        fewest, longest = _ROUTE_HOPS
        for place in range(rng.randint(fewest, min(longest, most))):
            times = [rng.randrange(1, 5 + 6 * (place + 1)) for _ in range(tries)]
            address = f"198.51.100.{place + 1}"
            hop: Entry = {f"{prefix}Host": f"hop{place + 1}.example.net", f"{prefix}HostAddress": address}
            hops.append({**hop, f"{prefix}ErrorCode": 0, f"{prefix}RTTimes": ",".join(map(str, times))})
        return {
            "DiagnosticsState": self.state,
            "ResponseTime": rng.randrange(8, 60),
            "RouteHopsNumberOfEntries": len(hops),
            "RouteHops": hops,
        }


def _mbps(text: str) -> float:
    match = _SPEED.fullmatch(text.strip())
    return float(match[1].replace(",", ".")) * _UNIT_MBPS[match[2].lower()] if match else 0.0


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")[:26] + "Z"


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and 0 < value <= 1000 else default
