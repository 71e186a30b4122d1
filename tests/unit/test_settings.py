"""`backhaul.toml`: read in one pass, every problem with its line, secrets from outside."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.errors import ConfigurationError, SettingError
from backhaul.plugins.limits import Limits
from backhaul.secrets import redact
from backhaul.server_settings import ServerSettings
from backhaul.settings import ProjectSettings, find_project, read_settings
from backhaul.toml_places import TomlPlaces
from backhaul.workflows.definition import RetryPolicy


def read(folder: Path, text: str, **environ: str) -> ProjectSettings:
    (folder / "backhaul.toml").write_text(dedent(text), encoding="utf-8")
    return read_settings(folder, environ=environ)


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    return [str(problem) for problem in read(folder, text, **environ).problems]


GOOD = """\
    [store]
    url = "postgresql://me:pass-word@db/backhaul"

    [connections.acs]
    connector = "ixc_acs"
    base_url = "https://${ACS_HOST}/api"
    client_secret = "${ACS_SECRET}"
    limits = {per_minute = 60, per_day = 10000, concurrency = 4}
    hook_secrets = ["one-secret", "two-secret"]

    [connections.phone]
    connector = "axialys"
    hook_secret = "${file:hook.key}"

    [log]
    level = "debug"

    [defaults.retry]
    attempts = 5
    delay = "10s"

    [server]
    port = 8080
"""


def test_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "hook.key").write_text("from-a-file\n")
    found = read(tmp_path, GOOD, ACS_HOST="acs.example", ACS_SECRET="s3cret-s3cret")
    found.require_valid()
    assert found.warnings == ()
    acs, phone = found.connections
    assert (acs.name, acs.connector, phone.name) == ("acs", "ixc_acs", "phone")
    assert acs.raw == {"base_url": "https://acs.example/api", "client_secret": "s3cret-s3cret"}
    assert acs.limits == Limits(per_minute=60, per_day=10000, concurrency=4)
    assert [secret.reveal() for secret in acs.hook_secrets] == ["one-secret", "two-secret"]
    assert [secret.reveal() for secret in phone.hook_secrets] == ["from-a-file"]
    assert acs.where("base_url") == "backhaul.toml:6: connections.acs.base_url"
    assert acs.where("limits", "per_day") == "backhaul.toml:8: connections.acs.limits.per_day"
    assert acs.where("not_there") == "backhaul.toml:4: connections.acs.not_there"
    assert found.log.level == "debug"
    assert found.retry == RetryPolicy(attempts=5, delay_s=10.0)
    assert found.store_url == "postgresql+psycopg://me:pass-word@db/backhaul"
    assert found.server == ServerSettings(port=8080)
    assert redact(found.store_url) == "postgresql+psycopg://me:***@db/backhaul"
    assert "s3cret" not in repr(found)


def test_an_empty_file_is_a_project_with_a_store_of_its_own(tmp_path: Path) -> None:
    found = read(tmp_path, "")
    assert found.problems == ()
    assert found.store_url == f"sqlite:///{tmp_path.resolve()}/.backhaul/backhaul.db"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///data/b.db", "sqlite:///{folder}/data/b.db"),
        ("sqlite:////var/b.db", "sqlite:////var/b.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
    ],
)
def test_a_relative_sqlite_file_is_in_the_project(tmp_path: Path, url: str, expected: str) -> None:
    found = read(tmp_path, f'[store]\nurl = "{url}"')
    assert found.store_url == expected.format(folder=tmp_path.resolve())


def test_all_problems_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
        [stor]
        url = "x"

        [store]
        url = "mysql://x"

        [connections.ACS]
        connector = "ixc_acs"
        secret = "${NOT_SET}"
        other = "${EMPTY}"
        limits = {per_minut = 60, concurrency = 0, day_zone = "Mars"}

        [connections.none]
        base_url = "${file:missing.key}"
        more = "${1 bad}"

        [connections.odd]
        connector = "x"
        hook_secret = ""

        [log]
        level = "loud"

        [defaults]
        retry = {delay = "soon", attempts = 0}
    """
    assert problems(tmp_path, text, EMPTY=" ") == [
        "backhaul.toml:1: stor: there is no such section. Did you mean 'store'?",
        "backhaul.toml:5: store.url: must begin with sqlite:/// or postgresql+psycopg://",
        "backhaul.toml:7: connections.ACS: the name of a connection is lower-case letters, digits and underscores",
        "backhaul.toml:9: connections.ACS.secret: the environment variable NOT_SET is not set",
        "backhaul.toml:10: connections.ACS.other: the environment variable EMPTY is empty",
        "backhaul.toml:11: connections.ACS.limits.concurrency: Input should be greater than or equal to 1, not 0",
        "backhaul.toml:11: connections.ACS.limits.day_zone: is no time zone, such as America/Sao_Paulo",
        "backhaul.toml:11: connections.ACS.limits.per_minut: there is no such setting. Did you mean 'per_minute'?",
        "backhaul.toml:13: connections.none.connector: this setting is missing: the name of a connector",
        "backhaul.toml:14: connections.none.base_url: the file missing.key cannot be read: No such file or directory",
        "backhaul.toml:15: connections.none.more: ${1 bad} is not a reference. "
        "Write ${NAME} or ${file:/path}, and $${ for ${",
        "backhaul.toml:19: connections.odd.hook_secret: a hook secret is a text that is not empty",
        "backhaul.toml:22: log.level: Input should be 'debug', 'info', 'warning' or 'error', not 'loud'",
        "backhaul.toml:25: defaults.retry.attempts: Input should be greater than or equal to 1, not 0",
        "backhaul.toml:25: defaults.retry.delay: 'soon' is no duration: write it as 30s, 5m, 1h30m or 2d",
    ]


def test_several_problems_are_one_error_and_one_is_itself(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"(?s)backhaul\.toml:1: a: .*\nbackhaul\.toml:2: b: "):
        read(tmp_path, "a = 1\nb = 2").require_valid()
    with pytest.raises(SettingError, match="there is no such section"):
        read(tmp_path, "a = 1").require_valid()


def test_what_is_not_toml_names_the_place(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "[store]\nurl = ")
    assert found == "backhaul.toml:2: this is not TOML: Invalid value"
    (found,) = problems(tmp_path, "[store]\nurl == 1")
    assert found.startswith("backhaul.toml:2:6: this is not TOML: ")


def test_a_file_that_cannot_be_read_has_its_own_problem_and_says_that_nothing_else_is_known(tmp_path: Path) -> None:
    found = read(tmp_path, "[store")
    assert (len(found.problems), found.is_read) == (1, False)
    with pytest.raises(SettingError, match="this is not TOML"):
        found.require_read()
    read(tmp_path, "[stor]").require_read()


def test_a_problem_of_a_connection_is_that_connection_s_whatever_its_name(tmp_path: Path) -> None:
    text = """
        [connections.Towers-x]
        connector = "http"
        [connections."a b"]
    """
    assert list(read(tmp_path, text).connection_faults()) == ["Towers-x", "a b"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('hook_secret = "${NOPE}"', ["3: hook_secret: the environment variable NOPE is not set"]),
        ('hook_secrets = ["${NOPE}"]', ["3: hook_secrets: the environment variable NOPE is not set"]),
        ('hook_secret = "good"\nhook_secrets = [""]', ["4: hook_secrets: a hook secret is a text that is not empty"]),
        ('hook_secret = ["a"]\nhook_secrets = ["b"]', ["3: hook_secret: a hook secret is a text that is not empty"]),
        ('hook_secret = "good"\nhook_secrets = "better"', []),
    ],
)
def test_each_faulty_hook_secret_is_blamed_once_and_no_other(tmp_path: Path, lines: str, expected: list[str]) -> None:
    found = problems(tmp_path, f'[connections.phone]\nconnector = "axialys"\n{lines}')
    assert found == [
        one.replace(": ", ": connections.phone.", 1) for one in (f"backhaul.toml:{one}" for one in expected)
    ]


def test_a_problem_shows_the_value_that_does_not_fit_but_none_from_outside(tmp_path: Path) -> None:
    text = """
        [server]
        port = "http"
        host = 5
        max_runs = "${TOKEN}"
        public_metrics = "${file:key}"
    """
    (tmp_path / "key").write_text("key-in-a-file")
    assert problems(tmp_path, text, TOKEN="t0ken-t0ken") == [
        "backhaul.toml:3: server.port: Input should be a valid integer, not 'http'",
        "backhaul.toml:4: server.host: Input should be a valid string, not 5",
        "backhaul.toml:5: server.max_runs: Input should be a valid integer, unable to parse string as an integer",
        "backhaul.toml:6: server.public_metrics: Input should be a valid boolean, unable to interpret input",
    ]


def test_what_is_not_utf_8_says_so(tmp_path: Path) -> None:
    (tmp_path / "backhaul.toml").write_bytes('x = "é"'.encode("latin-1"))
    assert str(read_settings(tmp_path).problems[0]) == "backhaul.toml: it is not UTF-8 text"


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, "\ufeff[store]") == []


def test_a_section_that_is_no_table_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, "log = 1\nconnections = []") == [
        "backhaul.toml:1: log: this must be a table",
        "backhaul.toml:2: connections: this must be a table",
    ]


def test_blanks_around_what_comes_from_outside_are_removed_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(" in-a-file \n")
    text = '[connections.acs]\nconnector = "x"\na = "${A}"\nb = "${file:key}"'
    found = read(tmp_path, text, A="\tpasted\n\n")
    assert found.connections[0].raw == {"a": "pasted", "b": "in-a-file"}
    assert found.warnings == (
        "backhaul.toml:3: connections.acs.a: the environment variable A had a blank at one of its ends, "
        "which was removed",
        "backhaul.toml:4: connections.acs.b: the file key had a blank at one of its ends, which was removed",
    )


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_last_line_end_of_a_secret_file_is_no_mistake(tmp_path: Path, end: str) -> None:
    (tmp_path / "key").write_bytes(f"in-a-file{end}".encode())
    found = read(tmp_path, '[connections.acs]\nconnector = "x"\nb = "${file:key}"')
    assert found.connections[0].raw == {"b": "in-a-file"}
    assert found.warnings == ()


def test_a_dollar_can_be_written(tmp_path: Path) -> None:
    found = read(tmp_path, '[connections.acs]\nconnector = "x"\na = "$${A} $5 ${A}"', A="1")
    assert found.connections[0].raw == {"a": "${A} $5 1"}


def test_what_is_filled_in_is_not_filled_in_again(tmp_path: Path) -> None:
    found = read(tmp_path, '[connections.acs]\nconnector = "x"\na = "${A}"', A="${B}", B="no")
    assert found.connections[0].raw == {"a": "${B}"}


def test_references_work_in_lists_and_tables(tmp_path: Path) -> None:
    text = '[connections.acs]\nconnector = "x"\nlimits = {per_minute = "${N}"}\nmany = ["${N}", {a = "${N}"}]'
    (acs,) = read(tmp_path, text, N="7").connections
    assert acs.limits.per_minute == 7
    assert acs.raw == {"many": ["7", {"a": "7"}]}


def test_the_server_has_settings_of_its_own(tmp_path: Path) -> None:
    text = """
        [server]
        host = "0.0.0.0"
        grace_s = "1m"
        trusted_proxies = ["10.0.0.0/8", "::1"]
        [connections.acs]
        connector = "ixc_acs"
        allowed_networks = ["192.0.2.0/24", "2001:db8::1"]
    """
    found = read(tmp_path, text)
    found.require_valid()
    assert not found.server.is_local
    assert found.server.grace_s == 60
    assert found.server.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert found.connections[0].allowed_networks == (ip_network("192.0.2.0/24"), ip_network("2001:db8::1"))
    assert "allowed_networks" not in found.connections[0].raw


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_a_loopback_address_is_local(host: str) -> None:
    assert ServerSettings(host=host).is_local


def test_what_is_wrong_with_the_server_is_said_with_its_line(tmp_path: Path) -> None:
    text = """\
        [server]
        port = 70000
        prot = 1
        trusted_proxies = ["10.0.0.1/8"]
        node = " "
        [connections.acs]
        connector = "ixc_acs"
        allowed_networks = ["office"]
    """
    found = problems(tmp_path, text)
    assert [one.partition(": ")[0] for one in found] == [f"backhaul.toml:{line}" for line in (2, 3, 4, 5, 8)]
    assert "Did you mean 'port'?" in found[1]
    assert "10.0.0.1/8" in found[2]
    assert "'office' is no network" in found[4]


def test_the_project_is_found_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backhaul.toml").touch()
    deep = tmp_path / "workflows" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert find_project() == tmp_path.resolve()
    assert find_project(tmp_path) == find_project(tmp_path / "backhaul.toml") == tmp_path.resolve()
    with pytest.raises(SettingError, match="backhaul init"):
        find_project(deep)


PLACES = """\
# comment = 1
a.b = 1
"quoted.key" = 2

[ table . 'in' ]  # [no]
text = \"\"\"
fake = 1
[fake]
\"\"\"
list = [
  "x = 1", # y = 2
  { z = 3 },
]
after = 1
inline = {one = 1, two = 2}
[[many]]
k = 1
[[many]]
k = 2
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("a",), 2),
        (("a", "b"), 2),
        (("quoted.key",), 3),
        (("table", "in"), 5),
        (("table", "in", "text"), 6),
        (("table", "in", "list"), 10),
        (("table", "in", "after"), 14),
        (("table", "in", "inline", "two"), 15),
        (("table", "in", "missing"), 5),
        (("many", "k"), 17),
        (("nothing",), 1),
    ],
)
def test_the_line_of_a_key_is_found(key: tuple[str, ...], line: int) -> None:
    assert TomlPlaces(PLACES).line(*key) == line


@given(st.text(alphabet="ab.\"'=[]{}#\n ,1\\", max_size=60))
def test_finding_lines_never_fails(text: str) -> None:
    assert TomlPlaces(text).line("a", "b") >= 1
