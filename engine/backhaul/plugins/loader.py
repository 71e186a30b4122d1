"""Finding plug-ins, installed ones and the project's own, each in isolation: a broken one disables only itself."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy

from backhaul.plugins import hookspecs
from backhaul.plugins.action import actions_of
from backhaul.plugins.connector import Connector, ConnectorSettings
from backhaul.plugins.events import polls_of, webhook_of
from backhaul.plugins.registry import BrokenPlugin, LoadedConnector, PluginRegistry
from backhaul.secrets import redact

__all__ = ["load_plugins"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One plug-in before it is loaded.

    Attributes:
        load: imports and returns the plug-in.
        package: name of the module, for a file of the project, whose connector classes count without a hook.
    """

    name: str
    title: str
    version: str
    load: Callable[[], object]
    package: str | None = None


class _PluginError(Exception):
    """What is wrong with a plug-in, as a sentence for its author."""


def load_plugins(folder: Path | None = None, *, installed: Iterable[EntryPoint] | None = None) -> PluginRegistry:
    """Load all plug-ins: installed ones by name, then the project's files by name.

    A plug-in that cannot be used is listed as broken with its reason, as a whole: none of its connectors counts.
    The second of two connectors with one name is the broken one.

    Args:
        folder: the project's ``connectors/`` folder; it need not exist.
        installed: entry points instead of those of the group ``backhaul`` in this environment.
    """
    connectors: dict[str, LoadedConnector] = {}
    broken: list[BrokenPlugin] = []
    found = entry_points(group=hookspecs.PROJECT) if installed is None else installed
    for source in (*_installed(found), *_in_folder(folder)):
        try:
            staged = _staged(source, connectors)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # boundary: other people's code
            broken.append(BrokenPlugin(name=source.name, source=source.title, reason=_reason(error)))
        else:
            connectors.update(staged)
    return PluginRegistry(connectors=MappingProxyType(connectors), broken=tuple(broken))


def _installed(found: Iterable[EntryPoint]) -> Iterator[_Source]:
    for entry in sorted(found, key=lambda entry: entry.name):
        distribution = f"{entry.dist.name} {entry.dist.version}: " if entry.dist else ""
        version = entry.dist.version if entry.dist else ""
        yield _Source(name=entry.name, title=f"{distribution}{entry.value}", version=version, load=entry.load)


def _in_folder(folder: Path | None) -> Iterator[_Source]:
    if folder is None or not folder.is_dir():
        return
    parent = _package_for(folder.resolve())
    for path in sorted(folder.iterdir()):
        is_module = path.suffix == ".py" or (path / "__init__.py").is_file()
        if path.name.startswith(("_", ".")) or not is_module:
            continue
        module = f"{parent}.{path.stem}"
        yield _Source(
            name=path.stem,
            title=f"{folder.name}/{path.name}",
            version="",
            load=lambda module=module: importlib.import_module(module),  # type: ignore[misc]
            package=module,
        )


def _package_for(folder: Path) -> str:
    """Make the folder a package under a name of its own, so that its files can import each other (``from ._x``)."""
    name = f"backhaul_project_{hashlib.blake2b(str(folder).encode(), digest_size=6).hexdigest()}"
    for loaded in [loaded for loaded in sys.modules if loaded == name or loaded.startswith(f"{name}.")]:
        del sys.modules[loaded]
    importlib.invalidate_caches()
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


def _staged(source: _Source, taken: dict[str, LoadedConnector]) -> dict[str, LoadedConnector]:
    """Return the connectors of one plug-in.

    Each plug-in has a `PluginManager` of its own: one that raises in a shared one would lose everybody's results.
    """
    plugin = source.load()
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, source.name)
    manager.check_pending()
    staged: dict[str, LoadedConnector] = {}
    for cls in _classes(source, plugin, manager):
        loaded = _checked(cls, source)
        before = staged.get(loaded.name) or taken.get(loaded.name)
        if before is not None:
            raise _PluginError(f"{cls.__name__}: the name {loaded.name!r} is already taken by {before.source}")
        staged[loaded.name] = loaded
    return staged


def _classes(source: _Source, plugin: object, manager: pluggy.PluginManager) -> list[Any]:
    if manager.get_hookcallers(plugin):
        classes: list[Any] = []
        # pluggy leaves out results that are None.
        for result in manager.hook.backhaul_connectors() or [None]:
            if isinstance(result, str) or not isinstance(result, Sequence):
                raise _PluginError(f"backhaul_connectors() must return a list of classes, not {type(result).__name__}")
            classes += result
        return classes
    if source.package is None:
        raise _PluginError("it has no function backhaul_connectors() marked with @hookimpl (from backhaul.sdk)")
    return _defined_in(plugin, source.package)


def _defined_in(module: object, package: str) -> list[type[Connector[Any]]]:
    """Return the connector classes that a file or package of the project defines, without their bases."""
    found = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Connector)
        and (value.__module__ == package or value.__module__.startswith(f"{package}."))
        and not name.startswith("_")
    ]
    bases = {base for cls in found for base in cls.__mro__[1:]}
    wanted = list(dict.fromkeys(cls for cls in found if cls not in bases or "name" in vars(cls)))
    if not wanted:
        raise _PluginError("it defines no connector: a class that inherits from backhaul.sdk.Connector")
    return wanted


def _checked(cls: Any, source: _Source) -> LoadedConnector:
    if not (isinstance(cls, type) and issubclass(cls, Connector)):
        raise _PluginError(f"{cls!r} is not a class that inherits from backhaul.sdk.Connector")
    name = getattr(cls, "name", None)
    if not isinstance(name, str):
        raise _PluginError(f"{cls.__name__} has no name: add  name = {_snake(cls.__name__)!r}")
    if not _NAME.fullmatch(name):
        raise _PluginError(f"{cls.__name__}: the name {name!r} must be lower-case letters, digits and underscores")
    settings = cls.Settings
    if not (isinstance(settings, type) and issubclass(settings, ConnectorSettings)):
        raise _PluginError(f"{cls.__name__}: Settings must be a class that inherits from ConnectorSettings")
    return LoadedConnector(
        name=name,
        cls=cls,
        actions=MappingProxyType(actions_of(cls)),
        source=source.title,
        version=source.version,
        webhook=webhook_of(cls),
        polls=polls_of(cls),
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _reason(error: BaseException) -> str:
    """Return what went wrong and in which line of the plug-in; the machine's folders are left out."""
    if isinstance(error, _PluginError):
        return redact(str(error))
    if isinstance(error, SyntaxError):
        file = Path(error.filename or "?").name
        return redact(f"{file}:{error.lineno}: {type(error).__name__}: {error.msg}")
    if isinstance(error, pluggy.PluginValidationError):
        return redact(f"{' '.join(str(error).split())} (there is: backhaul_connectors)")
    place = next((frame for frame in reversed(traceback.extract_tb(error.__traceback__)) if _is_foreign(frame)), None)
    where = f"{Path(place.filename).name}:{place.lineno}: " if place else ""
    if isinstance(error, SystemExit):
        return f"{where}it ends the program when it is imported"
    return redact(f"{where}{type(error).__name__}: {error}")


def _is_foreign(frame: traceback.FrameSummary) -> bool:
    """Tell whether a line of a traceback belongs to the plug-in: not to this engine, and not to the import system."""
    engine = str(Path(__file__).parents[1])
    return not frame.filename.startswith((engine, "<frozen", str(Path(importlib.__file__).parent), _PLUGGY))


_PLUGGY = str(Path(pluggy.__file__).parent)
