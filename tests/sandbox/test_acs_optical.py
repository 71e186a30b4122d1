"""Optical levels of the device list: drifting, missing, as text, and raw in the unit of a model."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sandbox.client import Isp


def levels(isp: Isp) -> dict[str, tuple[Any, Any]]:
    """The levels of every device that has any, by serial number."""
    infos = {device["serialNumber"]: device["deviceInfo"] for device in isp.devices(size=300)}
    return {serial: (info["rx"], info["tx"]) for serial, info in infos.items() if "rx" in info}


def models(isp: Isp) -> dict[str, str]:
    return {device["serialNumber"]: device["deviceInfo"]["modelName"] for device in isp.devices(size=300)}


def test_levels_drift_with_the_clock_and_within_their_bounds(isp: Isp) -> None:
    isp.switch("acs", optical_drift_db=0)
    seeded = levels(isp)
    isp.switch("acs", optical_drift_db=1.5)
    seen: dict[str, set[float]] = {serial: set() for serial in seeded}
    for _ in range(8):
        for serial, (rx, tx) in levels(isp).items():
            drift = float(rx) - float(seeded[serial][0])
            assert abs(drift) <= 1.51
            assert float(tx) - float(seeded[serial][1]) == pytest.approx(drift, abs=0.011)
            seen[serial].add(round(drift, 2))
        isp.pass_time(3 * 3600)
    online = [drifts for serial, drifts in seen.items() if isp.control("GET", f"acs/devices/{serial}")["online"]]
    assert all(max(drifts) - min(drifts) > 1.5 for drifts in online)
    assert any(len(drifts) == 1 for drifts in seen.values()), "an offline device tells nothing new"


def test_a_level_stays_as_it_is_between_two_informs(isp: Isp) -> None:
    serial = isp.control("GET", "acs/fixtures")["plain"]
    isp.switch("acs", optical_drift_db=20)
    told = set()
    for _ in range(30):
        (device,) = isp.devices({"search[column]": "serialNumber", "search[search]": serial})
        told.add((device["lastInform"], device["deviceInfo"]["rx"]))
        isp.pass_time(20)
    assert len({inform for inform, _ in told}) == len(told) > 1


@pytest.mark.parametrize(
    ("unit", "in_dbm"),
    [
        ("dBm/10", lambda raw: raw / 10),
        ("dBm/100", lambda raw: raw / 100),
        ("dBm/1000", lambda raw: raw / 1000),
        ("uW", lambda raw: 10 * math.log10(raw / 1000)),
    ],
)
def test_a_model_shows_its_levels_raw_in_its_own_unit(isp: Isp, unit: str, in_dbm: Any) -> None:
    isp.switch("acs", optical_drift_db=0)
    before, model_of = levels(isp), models(isp)
    raw_model = sorted(set(model_of.values()))[0]
    isp.switch("acs", optical_units={raw_model: unit})
    changed = 0
    for serial, told in levels(isp).items():
        if model_of[serial] != raw_model:
            assert told == before[serial]
            continue
        changed += 1
        for raw, dbm in zip(told, before[serial], strict=True):
            assert type(raw) is (str if isinstance(dbm, str) else float if unit == "uW" else int)
            assert in_dbm(float(raw)) == pytest.approx(float(dbm), abs=0.06)
            assert unit != "dBm/1000" or int(raw) % 2 == 0
    assert changed > 5
    refused = isp.http.post("/_sandbox/settings", json={"acs": {"optical_units": {raw_model: "furlong"}}})
    assert refused.status_code == 400
