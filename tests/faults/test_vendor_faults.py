"""What a person sees when a vendor's system misbehaves: the right behaviour, and one clear message."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from isp import Answer, Project, Sandbox, inserted, kill_when, sandbox, wait_until


@pytest.fixture(scope="module")
def isp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("isp"), "--devices", "120", "--seed", "5") as opened:
        yield opened


@pytest.fixture
def fresh(isp: Sandbox) -> Iterator[Sandbox]:
    """The sandbox as at its start, and after the test proof that it works again."""
    isp.control("POST", "reset", {})
    yield isp
    isp.control("DELETE", "faults")


@pytest.fixture
def project(fresh: Sandbox, tmp_path: Path) -> Project:
    return Project(tmp_path / "project", fresh.url)


def run(project: Project) -> tuple[Answer, dict[str, Any]]:
    answer = project.backhaul("run", "nightly-sync", "--json")
    document: dict[str, Any] = answer.json
    assert "Traceback" not in answer.err
    return answer, document


def check_recovery(fresh: Sandbox, project: Project) -> None:
    """Without the fault everything is done, and nothing was done twice."""
    fresh.control("DELETE", "faults")
    answer, _ = run(project)
    assert answer.code == 0
    assert fresh.expected()["create"] == []
    assert fresh.expected()["update"] == []
    assert set(inserted(fresh.effects()).values()) <= {1}


def test_a_wrong_secret_is_named_with_what_to_look_at(fresh: Sandbox, project: Project) -> None:
    project.set(acs={"client_secret": "wrong-and-never-shown"})
    answer, document = run(project)
    assert answer.code == 1
    assert document["status"] == "failed"
    assert document["error"]["type"] == "AuthenticationError"
    assert document["error"]["step"] == "devices"
    assert "client_id" in document["error"]["message"]
    assert "client_secret" in document["error"]["message"]
    assert "wrong-and-never-shown" not in answer.out + answer.err
    project.set(acs={"client_secret": "sandbox-secret"})
    check_recovery(fresh, project)


def test_a_secret_with_a_trailing_blank_works_and_a_warning_names_the_setting(fresh: Sandbox, project: Project) -> None:
    project.set(acs={"client_secret": "sandbox-secret "})
    answer, document = run(project)
    assert document["status"] == "succeeded"
    assert "connections.acs.client_secret" in answer.err
    assert "blank" in answer.err
    assert "sandbox-secret" not in answer.out + answer.err


def test_a_wrong_url_is_named(fresh: Sandbox, project: Project) -> None:
    project.set(acs={"base_url": f"{fresh.url}/nothing/here"})
    answer, document = run(project)
    assert answer.code == 1
    assert "base_url" in document["error"]["message"]


@pytest.mark.slow
def test_a_port_where_nobody_listens_is_named(fresh: Sandbox, project: Project) -> None:
    project.set(provider={"base_url": "http://127.0.0.1:9"})
    answer, document = run(project)
    assert answer.code == 1
    assert "127.0.0.1:9" in document["error"]["message"]
    assert "base_url" in document["error"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("vendor", ["acs", "provider"])
def test_an_html_page_with_status_200_is_not_taken_for_an_answer(fresh: Sandbox, project: Project, vendor: str) -> None:
    fresh.fault("html_200", vendor=vendor)
    answer, document = run(project)
    assert answer.code == 1
    assert "HTML" in document["error"]["message"]
    assert fresh.effects() == []
    check_recovery(fresh, project)


def test_an_error_with_status_200_is_an_error(fresh: Sandbox, project: Project) -> None:
    fresh.fault("error_200", vendor="provider", body="Recurso acs_device_grid não está disponível!<br />")
    answer, document = run(project)
    assert answer.code == 1
    assert "Recurso acs_device_grid não está disponível!" in document["error"]["message"]
    assert "<br" not in document["error"]["message"]
    assert fresh.effects() == []
    check_recovery(fresh, project)


def test_an_empty_list_without_registros_is_an_empty_list(fresh: Sandbox, project: Project) -> None:
    fresh.control("POST", "reset", {"fresh": True})
    listed = project.backhaul("call", "provider.list_acs_devices", "--json")
    assert listed.code == 0
    assert listed.json == []
    check_recovery(fresh, project)


def test_a_token_that_expires_during_the_run_is_renewed(fresh: Sandbox, project: Project) -> None:
    fresh.fault("expire_token", vendor="acs", after=2)
    answer, document = run(project)
    assert (answer.code, document["status"]) == (0, "succeeded")
    tokens = [x for x in fresh.control("GET", "requests?vendor=acs")["items"] if x["effect"] == "token"]
    assert len(tokens) == 2


def test_429_with_retry_after_is_waited_for(fresh: Sandbox, project: Project) -> None:
    fresh.fault("rate_limit", vendor="provider", retry_after_s=1, times=2, after=3)
    answer, document = run(project)
    assert (answer.code, document["status"]) == (0, "succeeded")
    assert fresh.expected()["create"] == []


@pytest.mark.slow
def test_a_long_retry_after_is_on_disk_and_survives(fresh: Sandbox, project: Project) -> None:
    fresh.fault("rate_limit", vendor="provider", retry_after_s=3600, times=1)

    def waiting() -> list[Any]:
        shown = project.backhaul("runs", "list", "--json").json["items"]
        steps = project.backhaul("runs", "show", shown[0]["run_id"], "--json").json["steps"] if shown else []
        return [step for step in steps if step["status"] == "retrying"]

    assert kill_when(project.start("run", "nightly-sync"), lambda: bool(waiting()))
    (step,) = waiting()
    left = datetime.fromisoformat(step["next_attempt_at"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < left <= timedelta(hours=1)
    run_id = project.last_run()["run_id"]
    sent = len(fresh.control("GET", "requests?vendor=provider")["items"])
    process = project.start("runs", "resume", run_id)
    wait_until(lambda: not project.last_run()["interrupted"])
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert len(fresh.control("GET", "requests?vendor=provider")["items"]) == sent, "it did not wait"


def test_a_connection_cut_after_a_write_was_accepted_does_not_write_twice(fresh: Sandbox, project: Project) -> None:
    expected = {entry["serial_number"] for entry in fresh.expected()["create"]}
    fresh.fault("cut_after", vendor="provider", match={"operation": "acs_device_grid.insert"}, times=3)
    answer, document = run(project)
    assert (answer.code, document["status"]) == (0, "succeeded")
    counts = inserted(fresh.effects())
    assert set(counts) == expected
    assert set(counts.values()) == {1}
    check_recovery(fresh, project)


@pytest.mark.slow
def test_a_page_that_is_cut_short_is_not_taken_for_the_whole_list(fresh: Sandbox, project: Project) -> None:
    expected = {entry["serial_number"] for entry in fresh.expected()["create"]}
    fresh.fault("truncate_page", vendor="provider", match={"operation": "acs_device_grid.list"}, times=1)
    answer, document = run(project)
    assert (answer.code, document["status"]) == (0, "succeeded")
    assert set(inserted(fresh.effects())) == expected
    check_recovery(fresh, project)
