"""`backhaul serve` as a process: it says where it listens, answers, and ends when it is told to."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from cli.program import Cli

_OPENER = build_opener(ProxyHandler({}))


def ask(url: str, token: str = "") -> object:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with _OPENER.open(Request(url, headers=headers), timeout=30) as answer:
        return json.load(answer)


@pytest.fixture
def service(project: Cli) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running service and its URL."""
    process = project.start("serve", "--port", "0")
    assert process.stderr is not None
    url = ""
    while not url:
        line = process.stderr.readline()
        assert line, "the service ended"
        if found := re.search(r"listening at (\S+)", line):
            url = found[1]
    try:
        yield process, url
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def test_it_answers_who_has_a_token(service: tuple[subprocess.Popen[str], str], project: Cli) -> None:
    _, url = service
    assert ask(f"{url}/healthz")
    with pytest.raises(HTTPError) as refused:
        ask(f"{url}/api/v1/workflows")
    assert refused.value.code == 401
    refused.value.close()
    token = project("tokens", "create", "me").stdout.strip()
    answer = ask(f"{url}/api/v1/workflows", token)
    assert isinstance(answer, dict)
    assert [one["name"] for one in answer["items"]] == ["greet"]


def test_it_ends_when_it_is_told_to(service: tuple[subprocess.Popen[str], str]) -> None:
    process, url = service
    assert ask(f"{url}/healthz")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_a_port_that_is_taken_is_one_clear_error(project: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = project("serve", "--port", str(taken.getsockname()[1]), code=2)
    assert "cannot listen at 127.0.0.1" in done.stderr
    assert "ExceptionGroup" not in done.stderr


@pytest.mark.parametrize("address", ["300.1.1.1", "192.0.2.1"])
def test_an_address_that_is_not_this_machine_s_is_named_as_what_is_wrong(project: Cli, address: str) -> None:
    assert (
        f"server.host: cannot listen at {address}" in project("serve", "--host", address, "--port", "0", code=2).stderr
    )
