"""`backhaul tokens`: a token is shown once, listed without itself, and revoked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cli.program import Cli


def test_a_token_is_printed_once_and_alone(project: Cli) -> None:
    done = project("tokens", "create", "cron box", "--role", "operator", "--expires", "90d")
    token = done.stdout.strip()
    assert token.startswith("bh_")
    assert "\n" not in token
    assert token not in done.stderr
    (listed,) = project.json("tokens", "list")["items"]
    assert token not in str(listed)
    assert (listed["name"], listed["role"], listed["status"]) == ("cron box", "operator", "good")
    made, ends = (datetime.fromisoformat(listed[key]) for key in ("created_at", "expires_at"))
    assert ends - made == timedelta(days=90)
    text = project("tokens", "list").stdout
    assert "cron box" in text
    assert token not in text


def test_a_token_is_revoked(project: Cli) -> None:
    made = project.json("tokens", "create", "grafana")
    assert made["role"] == "viewer"
    assert made["token"].startswith("bh_")
    revoked = project.json("tokens", "revoke", made["token_id"])
    assert revoked["status"] == "revoked"
    assert "revoked" in project("tokens", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "x", "--expires", "soon"), "'soon' is no duration"),
        (("create", "x", "--expires", "0s"), "must be good for some time"),
        (("create", " "), "1 to 100 printable characters"),
        (("create", "x", "--role", "root"), "root"),
        (("revoke", "nobody"), "no token 'nobody'"),
    ],
)
def test_what_cannot_be_is_one_clear_error(project: Cli, arguments: tuple[str, ...], said: str) -> None:
    assert said in project("tokens", *arguments, code=2).stderr
    assert project.json("tokens", "list")["items"] == []
