from __future__ import annotations

import ssl
from pathlib import Path

from backhaul_connectors.sandbox.tls import make_certificate
from sandbox.client import Isp, Json
from sandbox.receiver import Receiver


def fixture(isp: Isp, kind: str = "plain") -> str:
    serial: str = isp.control("GET", "acs/fixtures")[kind]
    return serial


def arrived(isp: Isp, receiver: Receiver) -> list[Json]:
    isp.control("GET", "webhooks")
    return receiver.bodies


def add(isp: Isp, *serials: str) -> None:
    for serial in serials:
        isp.control("POST", "acs/devices", {"serial": serial})


def test_every_command_is_confirmed_by_the_event_of_its_family(isp: Isp, receiver: Receiver) -> None:
    serial = fixture(isp)
    isp.switch("acs", webhook_uri=receiver.url)
    isp.acs_command("PATCH", f"/devices/{serial}/wifi/w1", {"ssid": "Nova", "password": "very-secret"})
    isp.acs_command("POST", f"/devices/{serial}/diagnostics/ping/start", {})
    assert arrived(isp, receiver) == [], "accepted is not done"
    isp.pass_time(3)
    arrived(isp, receiver)
    isp.pass_time(10)
    arrived(isp, receiver)
    isp.acs_command("POST", f"/devices/{serial}/reboot")
    isp.pass_time(60)
    arrived(isp, receiver)
    isp.acs_command("POST", f"/devices/{serial}/reset")
    isp.pass_time(60)
    events = [(body["event"], body["family"]) for body in arrived(isp, receiver)]
    assert events == [
        ("device.parameters_changed", "parameters"),
        ("diagnostic.finished", "diagnosis"),
        ("device.rebooted", "restart"),
        ("device.reset", "restart"),
    ]
    assert {body["serialNumber"] for body in receiver.bodies} == {serial}
    assert (receiver.bodies[1]["diagnostic"], receiver.bodies[1]["state"]) == ("ping", "Complete")
    assert "very-secret" not in str(receiver.bodies)


def test_only_the_chosen_families_are_sent(isp: Isp, receiver: Receiver) -> None:
    serial = fixture(isp)
    isp.switch("acs", webhook_uri=receiver.url, webhook_families=["restart"])
    isp.acs_command("PATCH", f"/devices/{serial}/wifi/w1", {"ssid": "Nova"})
    isp.acs_command("POST", f"/devices/{serial}/reboot")
    isp.pass_time(100)
    assert [body["event"] for body in arrived(isp, receiver)] == ["device.rebooted"]


def test_the_body_follows_the_template(isp: Isp, receiver: Receiver) -> None:
    template = {
        "type": "acs/{event}",
        "device": {"sn": "{serialNumber}", "login": "{pppoeLogin}"},
        "tags": ["{family}", 1],
    }
    isp.switch("acs", webhook_uri=receiver.url, webhook_template=template)
    add(isp, "NEWX00000001")
    (body,) = arrived(isp, receiver)
    assert body == {
        "type": "acs/device.added",
        "device": {"sn": "NEWX00000001", "login": None},
        "tags": ["device", 1],
    }


def test_events_can_be_lost_doubled_and_reordered_by_share(isp: Isp, receiver: Receiver) -> None:
    isp.switch("acs", webhook_uri=receiver.url, webhook_loss=1.0)
    add(isp, "NEWX00000001")
    isp.switch("acs", webhook_loss=0.0, webhook_duplicate=1.0)
    add(isp, "NEWX00000002")
    assert [body["serialNumber"] for body in arrived(isp, receiver)] == ["NEWX00000002"] * 2
    receiver.bodies.clear()
    isp.switch("acs", webhook_duplicate=0.0, webhook_reorder=1.0)
    add(isp, "NEWX00000003")
    isp.switch("acs", webhook_reorder=0.0)
    add(isp, "NEWX00000004")
    assert [body["serialNumber"] for body in arrived(isp, receiver)] == ["NEWX00000004", "NEWX00000003"]


def test_an_event_that_is_held_back_goes_out_without_a_next_one(isp: Isp, receiver: Receiver) -> None:
    isp.switch("acs", webhook_uri=receiver.url, webhook_reorder=1.0)
    add(isp, "NEWX00000001")
    assert arrived(isp, receiver) == []
    isp.pass_time(31)
    assert len(arrived(isp, receiver)) == 1


def test_an_event_that_is_not_taken_is_sent_again_later(isp: Isp, receiver: Receiver) -> None:
    receiver.statuses += [500, 503]
    isp.switch("acs", webhook_uri=receiver.url, webhook_retries=3, webhook_retry_s=10)
    add(isp, "NEWX00000001")
    assert len(arrived(isp, receiver)) == 1
    for seconds, count in ((9, 1), (2, 2), (18, 2), (3, 3), (1000, 3)):
        isp.pass_time(seconds)
        assert len(arrived(isp, receiver)) == count
    assert len({body["eventId"] for body in receiver.bodies}) == 1
    assert [delivery["status"] for delivery in isp.control("GET", "webhooks")["items"]] == [500, 503, 204]


def test_a_deleted_device_can_register_again_at_its_next_inform(isp: Isp, receiver: Receiver) -> None:
    serial = fixture(isp)
    isp.switch("acs", webhook_uri=receiver.url, deleted_reappears=True)
    isp.control("DELETE", f"acs/devices/{serial}")
    assert isp.http.get(f"/_sandbox/acs/devices/{serial}").status_code == 404
    arrived(isp, receiver)
    isp.pass_time(301)
    assert isp.control("GET", f"acs/devices/{serial}")["online"] is True
    assert [body["event"] for body in arrived(isp, receiver)] == ["device.removed", "device.added"]


def test_what_was_planned_dies_with_a_reset(isp: Isp, receiver: Receiver) -> None:
    serial = fixture(isp)
    isp.acs_command("POST", f"/devices/{serial}/reboot")
    isp.reset()
    isp.switch("acs", webhook_uri=receiver.url)
    isp.pass_time(1000)
    assert arrived(isp, receiver) == []


def test_a_bad_certificate_is_refused_unless_the_api_client_says_so(
    isp: Isp, receiver: Receiver, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    isp.switch("acs", webhook_uri=receiver.url.replace("http:", "https:"))
    add(isp, "NEWX00000001")
    assert arrived(isp, receiver) == []
    isp.switch("acs", webhook_invalid_certificate=True)
    add(isp, "NEWX00000002")
    assert [body["serialNumber"] for body in arrived(isp, receiver)] == ["NEWX00000002"]
