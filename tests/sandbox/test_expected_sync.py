from __future__ import annotations

from collections import Counter

import pytest

from sandbox.client import Isp, Json


def sync_naively(isp: Isp) -> Counter[str]:
    """A nightly sync written against the vendors' HTTP alone; the rule is written down once more, independently."""
    active = {row["login"]: row["id"] for row in isp.erp_rows("radusuarios", "radusuarios.ativo", "=", "S")}
    rows = {row["serial_number"]: row for row in isp.erp_rows("acs_device_grid", "acs_device.id", ">", "0")}
    done: Counter[str] = Counter()
    devices = isp.devices()
    for device in devices:
        login_id = active.get(device.get("connection", {}).get("pppoeLogin", ""))
        row = rows.get(device["serialNumber"])
        if login_id is None:
            continue
        if row is None:
            isp.erp("POST", "acs_device_grid", {"serial_number": device["serialNumber"], "id_login": login_id})
            done["create"] += 1
        elif row["id_login"] != login_id:
            isp.erp("PUT", f"acs_device_grid/{row['id']}", {**row, "id_login": login_id})
            done["update"] += 1
    for serial in set(rows) - {device["serialNumber"] for device in devices}:
        isp.erp("DELETE", f"acs_device_grid/{rows[serial]['id']}")
        done["delete"] += 1
    return done


def numbers(isp: Isp) -> dict[str, int]:
    expected = isp.expected()
    return {name: len(expected[name]) for name in ("create", "update", "delete")}


def test_a_sync_over_http_does_exactly_what_is_expected_and_then_nothing_is_left(isp: Isp) -> None:
    isp.reset(shares={"serial_alias": 0})
    expected = numbers(isp)
    assert min(expected.values()) > 0
    assert sync_naively(isp) == expected
    assert numbers(isp) == {"create": 0, "update": 0, "delete": 0}
    assert sync_naively(isp) == {}


def test_the_log_shows_the_expected_effects_once_each(isp: Isp) -> None:
    isp.reset(shares={"serial_alias": 0})
    expected = isp.expected()
    sync_naively(isp)
    for effect, name in (("once", "create"), ("write", "update"), ("delete", "delete")):
        logged = isp.log(f"effect={effect}")
        assert all(entry["completed"] and entry["outcome"] == "done" for entry in logged)
        assert sorted(e["key"] for e in logged) == sorted(item["serial_number"] for item in expected[name])
    assert isp.control("GET", "requests/repeated")["items"] == []


def test_two_thousand_devices_need_several_hundred_creations_and_updates(isp: Isp) -> None:
    isp.reset(devices=2000)
    assert {name: number > 0 for name, number in numbers(isp).items()} == dict.fromkeys(numbers(isp), True)
    assert numbers(isp)["create"] > 400
    assert numbers(isp)["update"] > 150
    rows = isp.control("GET", "world")["counts"]["acs_device"]
    assert numbers(isp)["delete"] < rows * 0.02, "the first sync must pass a 2 % guard"


def test_a_fresh_isp_needs_exactly_one_creation_per_device(isp: Isp) -> None:
    isp.reset(fresh=True, devices=120)
    expected = isp.expected()
    assert len(expected["create"]) == 120
    assert (expected["update"], expected["delete"], expected["unchanged"], expected["reasons"]) == ([], [], 0, {})


def test_every_device_is_accounted_for_once(isp: Isp) -> None:
    expected, reasons = isp.expected(), isp.expected()["reasons"]
    belong = len(expected["create"]) + len(expected["update"]) + expected["unchanged"]
    outside = sum(reasons.get(name, 0) for name in ("no_login", "unknown_login", "inactive_login", "serial_alias"))
    assert belong + outside == 300


def test_the_same_seed_gives_the_same_isp_and_another_seed_another(isp: Isp) -> None:
    first = isp.expected()
    isp.reset(seed=1)
    assert isp.expected() == first
    isp.reset(seed=2)
    assert isp.expected() != first


def test_a_mass_delete_makes_rows_to_delete_and_the_erp_own_sync_removes_them(isp: Isp) -> None:
    before = len(isp.expected()["delete"])
    deleted = isp.control("POST", "acs/mass_delete", {"share": 0.4})
    assert deleted["deleted"] == 120
    expected = isp.expected()
    assert len(expected["delete"]) == expected["reasons"]["not_in_acs"] > before + 50
    removed = isp.control("POST", "provider/sync")
    assert removed["removed"] == len(expected["delete"]) + isp_aliases(expected)
    assert isp.expected()["delete"] == []


def isp_aliases(expected: dict[str, dict[str, int]]) -> int:
    """The ERP's own synchronisation compares text, so it removes alias forms too."""
    return expected["reasons"].get("serial_alias", 0)


def test_a_login_that_becomes_inactive_is_reported_and_its_row_kept(isp: Isp) -> None:
    isp.reset(shares={"registered": 1.0, "wrong_login": 0, "unlinked": 0, "serial_alias": 0})
    device = next(d for d in isp.devices() if has_active_login(isp, d))
    before = isp.expected()
    isp.control("POST", f"provider/logins/{device['connection']['pppoeLogin']}", {"ativo": "N"})
    after = isp.expected()
    assert after["reasons"]["inactive_login"] == before["reasons"].get("inactive_login", 0) + 1
    assert after["reasons"]["kept_rows"] == before["reasons"].get("kept_rows", 0) + 1
    assert after["unchanged"] == before["unchanged"] - 1
    assert after["delete"] == before["delete"]


def has_active_login(isp: Isp, device: dict[str, Json]) -> bool:
    login = device.get("connection", {}).get("pppoeLogin")
    return login is not None and any(
        row["ativo"] == "S" for row in isp.erp_rows("radusuarios", "radusuarios.login", "=", login)
    )


@pytest.mark.parametrize(
    ("login", "reason"), [(None, "no_login"), ("nobody.ppp", "unknown_login")], ids=["bridge", "unknown login"]
)
def test_a_device_without_a_usable_login_is_only_reported(isp: Isp, login: str | None, reason: str) -> None:
    before = isp.expected()["reasons"].get(reason, 0)
    isp.control("POST", "acs/devices", {"serial": "NEWX00000001", "pppoe_login": login})
    after = isp.expected()
    assert after["reasons"][reason] == before + 1
    assert all(item["serial_number"] != "NEWX00000001" for item in after["create"])


def test_an_unlinked_login_makes_an_update(isp: Isp) -> None:
    isp.reset(shares={"registered": 1.0, "wrong_login": 0, "unlinked": 0, "serial_alias": 0})
    login = next(d for d in isp.devices() if has_active_login(isp, d))["connection"]["pppoeLogin"]
    before = isp.expected()["update"]
    unlinked = isp.control("POST", f"provider/logins/{login}", {"unlink": "S"})["unlinked"]
    assert unlinked >= 1
    assert len(isp.expected()["update"]) == len(before) + unlinked


def test_a_serial_number_in_another_form_is_neither_created_nor_deleted(isp: Isp) -> None:
    isp.reset(shares={"registered": 0, "wrong_login": 0, "unlinked": 0, "serial_alias": 1.0, "gone": 0})
    expected = isp.expected()
    assert expected["create"] == []
    assert expected["delete"] == []
    assert expected["reasons"]["serial_alias"] > 200
    written = {row["serial_number"] for row in isp.erp_rows("acs_device_grid", "acs_device.id", ">", "0")}
    assert not written & {device["serialNumber"] for device in isp.devices()}
    shapes = {"dash" if "-" in s else "lower" if s != s.upper() else "hex" for s in written}
    assert shapes == {"dash", "lower", "hex"}


def test_a_row_inserted_twice_is_reported_as_a_duplicate(isp: Isp) -> None:
    wanted = isp.expected()["create"][0]
    login = next(isp.erp_rows("radusuarios", "radusuarios.login", "=", wanted["login"]))
    body = {"serial_number": wanted["serial_number"], "id_login": login["id"]}
    for _ in range(2):
        assert isp.erp("POST", "acs_device_grid", body).json()["type"] == "success"
    assert isp.expected()["reasons"]["duplicate_row"] == 1
    repeated = isp.control("GET", "requests/repeated")["items"]
    assert repeated == [
        {
            "vendor": "provider",
            "operation": "acs_device_grid.insert",
            "key": wanted["serial_number"],
            "times": 2,
        }
    ]
