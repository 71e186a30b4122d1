"""The project's settings: ``backhaul.toml``, read and checked in one pass."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from backhaul.errors import ConfigurationError, SettingError
from backhaul.history_settings import HistorySettings
from backhaul.interpolation import Interpolation
from backhaul.json_values import Json
from backhaul.plugins.connection_settings import ConnectionSettings, connection_of, read_hook_secrets
from backhaul.plugins.limits import Limits
from backhaul.plugins.setting_problems import problems_of
from backhaul.secrets import Secret, remember_secret
from backhaul.server_settings import Network, ServerSettings, network
from backhaul.toml_places import TomlPlaces
from backhaul.workflows.definition import RetryPolicy
from backhaul.workflows.durations import parse_duration
from backhaul.workflows.retention import HistoryBounds

__all__ = ["FILE", "LogSettings", "ProjectSettings", "find_project", "read_settings"]

FILE = "backhaul.toml"
"""Name of the settings file; its folder is the project folder."""

_STORE = "sqlite:///.backhaul/backhaul.db"
_SECTIONS = ("store", "connections", "server", "history", "log", "defaults")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ENGINE_KEYS = frozenset({"connector", "limits", "hook_secret", "hook_secrets", "allowed_networks"})

ModelT = TypeVar("ModelT", bound=BaseModel)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


class _Store(_Table):
    url: str = _STORE


class LogSettings(_Table):
    """``[log]``: what the program says of its work, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important kind of entry to show."""
    format: Literal["auto", "human", "json"] = "auto"
    """``auto`` is for people on a terminal, and JSON elsewhere."""


_Seconds = Annotated[float, BeforeValidator(parse_duration)]


class _Retry(_Table):
    attempts: Annotated[int, Field(ge=1, le=1000)] = RetryPolicy().attempts
    delay: _Seconds = RetryPolicy().delay_s
    backoff: Annotated[float, Field(ge=1, le=100)] = RetryPolicy().backoff
    max_delay: _Seconds = RetryPolicy().max_delay_s
    on: tuple[str, ...] = ()


class _Defaults(_Table):
    retry: _Retry = _Retry()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """What ``backhaul.toml`` says.

    Attributes:
        folder: the project folder, absolute.
        store_url: SQLAlchemy URL of the store; a relative SQLite path is made absolute. It may hold a password.
        connections: the connections, in the order of the file; their connectors' own settings are checked later.
        log: what to log.
        retry: the retry policy of steps that state none.
        server: how `backhaul serve` listens.
        history: how much of the history is kept.
        warnings: what was mended by itself.
        problems: everything that is wrong, in the order of the file.
        is_read: False when the file as a whole could not be read, so that nothing else here is what it says.
    """

    folder: Path
    store_url: str = field(default=_STORE, repr=False)
    connections: tuple[ConnectionSettings, ...] = ()
    log: LogSettings = field(default_factory=LogSettings)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    server: ServerSettings = field(default_factory=ServerSettings)
    history: HistoryBounds = field(default_factory=HistoryBounds)
    warnings: tuple[str, ...] = ()
    problems: tuple[SettingError, ...] = ()
    is_read: bool = True

    def require_read(self) -> None:
        """Return when the file could be read, whatever is wrong in it.

        Raises:
            SettingError: it could not.
        """
        if not self.is_read:
            raise self.problems[0]

    def require_valid(self) -> None:
        """Return when everything but single connections is in order; what is wrong with those stops who uses them.

        Raises:
            ConfigurationError: it is not; its text holds all problems, one per line. A single one is a `SettingError`.
        """
        problems = [problem for problem in self.problems if connection_of(problem) is None]
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise ConfigurationError("\n".join(str(problem) for problem in problems))

    def connection_faults(self) -> dict[str, list[SettingError]]:
        """Return what is wrong with single connections, by connection."""
        faults: dict[str, list[SettingError]] = {}
        for problem in self.problems:
            name = connection_of(problem)
            if name is not None:
                faults.setdefault(name, []).append(problem)
        return faults


def find_project(path: Path | None = None) -> Path:
    """Return the project folder: the given one, or the nearest upwards from the working directory.

    Args:
        path: a project folder or its ``backhaul.toml``.

    Raises:
        SettingError: there is no ``backhaul.toml``.
    """
    start = (path or Path.cwd()).resolve()
    if path is not None and start.is_file() and start.name == FILE:
        return start.parent
    for folder in [start] if path is not None else [start, *start.parents]:
        if (folder / FILE).is_file():
            return folder
    where = str(path) if path is not None else "this folder and those above it"
    raise SettingError(where, f"there is no {FILE}", "Make a project with: backhaul init")


def read_settings(folder: Path, *, environ: Mapping[str, str] | None = None) -> ProjectSettings:
    """Read and check the settings of a project folder. Everything wrong is in `ProjectSettings.problems`.

    Args:
        folder: the project folder.
        environ: the environment; the process's own when None.
    """
    folder = folder.resolve()
    try:
        text = (folder / FILE).read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except OSError as error:
        problem = SettingError(FILE, f"it cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problem = SettingError(FILE, "it is not UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        problem = _syntax(error, text)
    else:
        return _Reading(folder, document, TomlPlaces(text), os.environ if environ is None else environ).result()
    return ProjectSettings(folder=folder, problems=(problem,), is_read=False)


def _syntax(error: tomllib.TOMLDecodeError, text: str) -> SettingError:
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    where = f"{FILE}:{found[1]}:{found[2]}" if found else f"{FILE}:{text.count(chr(10)) + 1}"
    return SettingError(where, f"this is not TOML: {str(error).partition(' (at ')[0]}")


class _Reading:
    """One pass over the document, which collects what is wrong on its way."""

    def __init__(self, folder: Path, document: dict[str, Json], places: TomlPlaces, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._places = places
        self._problems: list[tuple[int, SettingError]] = []
        self._warnings: list[str] = []
        filling = Interpolation(environ, folder, problem=self._problem, warning=self._warning)
        self._document: dict[str, Json] = filling.fill(document, ())

    def result(self) -> ProjectSettings:
        for name in self._document:
            if name not in _SECTIONS:
                near = get_close_matches(name, _SECTIONS, n=1)
                advice = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(_SECTIONS)}"
                self._problem((name,), "there is no such section", advice)
        retry = self._model(_Defaults, "defaults").retry
        connections = [self._connection(name) for name in self._table("connections")]
        return ProjectSettings(
            folder=self._folder,
            store_url=self._store_url(),
            connections=tuple(connection for connection in connections if connection is not None),
            log=self._model(LogSettings, "log"),
            retry=RetryPolicy(
                attempts=retry.attempts,
                delay_s=retry.delay,
                backoff=retry.backoff,
                max_delay_s=retry.max_delay,
                on=retry.on,
            ),
            server=self._model(ServerSettings, "server"),
            history=self._model(HistorySettings, "history").bounds(),
            warnings=tuple(self._warnings),
            problems=tuple(problem for _, problem in sorted(self._problems, key=lambda one: one[0])),
        )

    def _where(self, key: tuple[str, ...]) -> str:
        return f"{FILE}:{self._places.line(*key)}: {'.'.join(key)}"

    def _problem(self, key: tuple[str, ...], reason: str, advice: str = "") -> None:
        self._problems.append((self._places.line(*key), SettingError(self._where(key), reason, advice)))

    def _warning(self, key: tuple[str, ...], text: str) -> None:
        self._warnings.append(f"{self._where(key)}: {text}")

    def _table(self, *key: str) -> dict[str, Json]:
        value: Json = self._document
        for part in key:
            value = value.get(part, {})
        if isinstance(value, dict):
            return value
        self._problem(key, "this must be a table")
        return {}

    def _model(self, model: type[ModelT], *key: str) -> ModelT:
        """Return the checked table; the defaults, with its problems noted, when it does not fit."""
        try:
            return model.model_validate(self._table(*key))
        except ValidationError as error:
            for inner, reason, advice in problems_of(error, model.model_fields):
                self._problem((*key, *inner), reason, advice)
            return model()

    def _store_url(self) -> str:
        url = self._model(_Store, "store").url
        try:
            scheme, password = urlsplit(url).scheme, urlsplit(url).password
        except ValueError:
            scheme, password = "", None
        if scheme not in {"sqlite", "postgresql", "postgresql+psycopg"}:
            self._problem(("store", "url"), "must begin with sqlite:/// or postgresql+psycopg://")
            return _STORE
        if password:
            remember_secret(password)
            remember_secret(unquote(password))
        path = url.removeprefix("sqlite:///")
        if scheme == "sqlite" and path != url and path and path != ":memory:":
            return f"sqlite:///{self._folder / path}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    def _connection(self, name: str) -> ConnectionSettings | None:
        key = ("connections", name)
        table = self._table(*key)
        if not _NAME.fullmatch(name):
            self._problem(key, "the name of a connection is lower-case letters, digits and underscores")
        connector = table.get("connector")
        if not isinstance(connector, str):
            self._problem((*key, "connector"), "this setting is missing: the name of a connector")
            return None
        return ConnectionSettings(
            name=name,
            connector=connector,
            limits=self._model(Limits, *key, "limits"),
            raw={one: value for one, value in table.items() if one not in _ENGINE_KEYS},
            hook_secrets=self._hook_secrets(key, table),
            allowed_networks=self._allowed_networks(key, table),
            place=f"{FILE}:{self._places.line(*key)}",
            places={one: f"{FILE}:{line}" for one, line in self._places.below(*key).items()},
        )

    def _hook_secrets(self, key: tuple[str, ...], table: Mapping[str, Json]) -> tuple[Secret, ...]:
        secrets, faulty = read_hook_secrets(table)
        for one in faulty:
            # What could not be filled in is empty, too, and has been said.
            if self._where((*key, one)) not in {problem.where for _, problem in self._problems}:
                self._problem((*key, one), "a hook secret is a text that is not empty")
        return secrets

    def _allowed_networks(self, key: tuple[str, ...], table: Mapping[str, Json]) -> tuple[Network, ...]:
        given = table.get("allowed_networks", [])
        found = []
        for one in given if isinstance(given, list) else [given]:
            try:
                found.append(network(one))
            except ValueError as error:
                self._problem((*key, "allowed_networks"), str(error))
        return tuple(found)
