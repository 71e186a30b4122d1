"""Projects with a known text in every secret setting of a connection, and a program that shows all that it can."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from backhaul.cli.main import main
from backhaul.errors import InputError
from backhaul.plugins.action import ActionSpec, actions_of
from backhaul.plugins.connector import HttpSettings
from backhaul.plugins.events import webhook_of
from backhaul.sdk import Json
from backhaul.testing import ConnectorCase
from backhaul.testing.conformance.bench import example_of
from backhaul.testing.conformance.planted import altered, secret_settings

__all__ = [
    "HOOKS",
    "MANNERS",
    "Planted",
    "Program",
    "history",
    "plant",
    "secret_fields",
    "takes_webhooks",
    "write_project",
]

_PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
    .strip()
)
HOOKS = "hook_secrets"
"""The engine's own secret setting, of connections whose connector takes webhooks."""
_SECOND = "planted-second-secret-91c5"

MANNERS: dict[tuple[str, str], dict[str, Json]] = {
    ("akixi", "key"): {},
    ("akixi", "session"): {"auth_mode": "session", "username": "robot", "login_pause_s": 0},
    ("axialys", "key"): {},
    ("axialys", "password"): {"call_credential": "password", "sip_passwords": {"desk-1": _SECOND}},
    ("http", "bearer"): {},
    ("http", "basic"): {"auth": "basic", "username": "robot"},
    ("http", "query"): {"auth": "query", "auth_name": "key"},
    ("http", "headers"): {"auth": "header", "auth_name": "X-Key", "secret_headers": {"x-second": _SECOND}},
    ("ispcrm", "bearer"): {},
    ("ixc_acs", "secret"): {},
    ("ixc_acs", "key_pair"): {"client_type": "ixc_provider", "private_key": _PEM, "client_secret": None},
    ("ixc_provider", "token"): {},
}
"""By connector and way to prove oneself: the settings for it, besides those of the connector's case."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A connection with a known text in every secret setting, and what its actions are called with."""

    connector: str
    settings: Mapping[str, Json]
    secrets: Mapping[str, str]
    examples: Mapping[str, Mapping[str, Json]]

    @property
    def texts(self) -> Mapping[str, str]:
        """What must not be shown, by what it is; of a key of several lines, each line."""
        lines = {
            f"{what}, line {number}": line
            for what, text in self.secrets.items()
            for number, line in enumerate(text.splitlines())
            if line != text and not line.startswith("-----")
        }
        return {**self.secrets, **lines}


@dataclass(slots=True)
class Program:
    """Runs commands in a project at debug level and keeps all that they print."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    shown: dict[str, str]

    def __call__(self, *arguments: str, note: str = "") -> str:
        with pytest.raises(SystemExit):
            main(["--project", str(self.folder), "-v", *arguments])
        out, err = self.capture.readouterr()
        self.shown[f"backhaul {' '.join(arguments)} {note}".strip()] = out + err
        return out


def secret_fields(case: ConnectorCase) -> set[str]:
    """Return the names of the settings that hold a secret, by their types."""
    fields = case.connector.Settings.model_fields
    return {name for name, info in fields.items() if "secrets.Secret" in f"{info.annotation!r}"}


def takes_webhooks(case: ConnectorCase) -> bool:
    """Tell whether a connection of the case's connector may have hook secrets."""
    return webhook_of(case.connector) is not None


async def plant(case: ConnectorCase, url: str, more: Mapping[str, Json]) -> Planted:
    """Return settings that lead to `url`, with texts in all secrets that the sandbox does not know.

    Args:
        case: the connector's.
        url: where all requests go.
        more: settings besides the case's; None takes one away.
    """
    model = case.connector.Settings
    async with case.serve() as sandbox:
        settings: dict[str, Any] = {**sandbox.settings, **more}
        settings = {name: value for name, value in settings.items() if value is not None}
        if issubclass(model, HttpSettings):
            settings["base_url"] = url
        examples = {
            name: example
            for name, spec in actions_of(case.connector).items()
            if _fits(spec, example := example_of(case, sandbox, name))
        }
    for field in sorted(secret_fields(case)):
        if field not in settings and more.get(field, "") is not None:
            settings = _accepted(case, settings, field)
    secrets = {}
    for one in secret_settings(model.model_validate(settings)):
        # A URL, such as one with a secret in its path, would not be one any more, nor a key.
        kept = "://" in one.value or one.value.startswith("-----BEGIN")
        secrets[str(one)] = one.value if kept else altered(one.value)
        settings = one.replaced(settings, f"${{{_variable(str(one))}}}")
    if takes_webhooks(case):
        secrets[HOOKS] = "planted-hook-secret-7f3a9c"
    return Planted(case.connector.name, settings, secrets, examples)


def write_project(folder: Path, planted: Planted, secrets: Mapping[str, str], patch: pytest.MonkeyPatch) -> None:
    """Write a project with the connection and a workflow that calls all its actions; the secrets come by variables."""
    for what, text in secrets.items():
        patch.setenv(_variable(what), text)
    table = {"connector": planted.connector, **planted.settings}
    if HOOKS in planted.secrets:
        table[HOOKS] = [f"${{{_variable(HOOKS)}}}"]
    lines = ["[defaults]", "retry = {attempts = 1}", "[connections.planted]"]
    lines += [f"{key} = {_toml(value)}" for key, value in table.items() if value is not None]
    (folder / "backhaul.toml").write_text("\n".join(lines) + "\n")
    (folder / "workflows").mkdir(exist_ok=True)
    steps = [
        {"id": action, "call": f"planted.{action}", "with": params, "on_error": "continue"}
        for action, params in planted.examples.items()
    ]
    workflow = {"name": "everything", "steps": [{"id": "all", "parallel": steps}]}
    (folder / "workflows" / "everything.yaml").write_text(json.dumps(workflow))


def history(folder: Path) -> str:
    """Return everything that the history's tables hold, and the bytes of its files; nothing where there is none."""
    kept = folder / ".backhaul"
    if not (kept / "backhaul.db").exists():
        return ""
    texts = [path.read_bytes().decode("utf-8", "replace") for path in sorted(kept.iterdir()) if path.is_file()]
    with sqlite3.connect(kept / "backhaul.db") as database:
        texts += database.iterdump()
    database.close()
    return "\n".join(texts)


def _fits(spec: ActionSpec, example: Mapping[str, Json]) -> bool:
    """Tell whether an action can be called with its example; that each has a good one is a rule of the suite."""
    try:
        spec.arguments(example)
    except InputError:
        return False
    return True


def _accepted(case: ConnectorCase, settings: dict[str, Any], field: str) -> dict[str, Any]:
    """Return the settings with a text in a secret that the sandbox does not need, if it may stand beside the others."""
    more = {**settings, field: f"planted-{field}-4b8d0e6f1a"}
    try:
        case.connector.Settings.model_validate(more)
    except ValidationError:
        return settings
    return more


def _variable(what: str) -> str:
    return f"PLANTED_{what.upper().replace('.', '_').replace('-', '_')}"


def _toml(value: Json) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case _:
            return json.dumps(value)
