"""Follows the project's files while the service runs: what has changed is used from then on, unless it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import anyio
import anyio.to_thread
import structlog
from watchfiles import Change, awatch

from backhaul.workflows.catalog import SUFFIXES

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from backhaul.clock import Clock
    from backhaul.plugins.connections import Connections
    from backhaul.workflows.catalog import Catalog

__all__ = ["Changes", "NewSettings", "Reloading", "changes_between", "look_at"]

_log = structlog.get_logger(__name__)

_LOOK_MS = 10_000
"""How often to look without having been told of a change: some file systems tell nothing."""
_TOGETHER_MS = 400
_STEP_MS = 40
_SETTLE_S = 0.5
"""How long a file may be half written, or away because an editor puts another one in its place."""
_LINGER_S = 60.0
"""How long connections that no run uses any more are kept open for webhooks and polls that still use them."""

_SETTINGS = "backhaul.toml"
_WORKFLOWS = "workflows"
_CONNECTORS = "connectors"

Look: TypeAlias = Mapping[str, tuple[int, int, int]]
"""The project's files, relative to its folder, with what changes when they do: time, size and number of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to do about files that have changed.

    Attributes:
        settings: read the settings again.
        workflows: read the workflows again.
        restart: files whose change only takes effect after a restart: Python modules that are loaded once.
    """

    settings: bool = False
    workflows: bool = False
    restart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSettings:
    """What the settings are now.

    Attributes:
        problems: why they are not used; empty when they can be.
        restart: tables of them that have changed and only take effect after a restart.
        use: goes by them from now on, and returns the connections whose place others have taken; None when nothing of
            it has changed.
    """

    problems: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    use: Callable[[], Connections] | None = None


class ProjectFiles(Protocol):
    """The project as the service uses it. The two that read block, and are called in worker threads."""

    def read_workflows(self) -> Catalog:
        """Return the workflows as they are now, the last good ones where a file has problems."""
        ...

    def use_workflows(self, catalog: Catalog) -> None:
        """Go by these workflows from now on."""
        ...

    def read_settings(self) -> NewSettings:
        """Return the settings as they are now."""
        ...

    def present_workflows(self) -> Catalog:
        """Return the workflows that are in use."""
        ...


def look_at(folder: Path) -> Look:
    """Return the files of a project that matter here, as they are now. It blocks."""
    files = [folder / _SETTINGS, *(folder / _WORKFLOWS).glob("*"), *(folder / _CONNECTORS).glob("**/*.py")]
    found = {}
    for file in files:
        if file.name == _SETTINGS or (file.suffix in SUFFIXES and not file.name.startswith(".")):
            # It may be gone by now.
            with suppress(OSError):
                stat = file.stat()
                found[file.relative_to(folder).as_posix()] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return found


def changes_between(before: Look, after: Look) -> Changes:
    """Return what to do when files that looked like one now look like the other."""
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    modules = [name for name in changed if _is_module(name)]
    return Changes(
        settings=_SETTINGS in changed,
        workflows=any(name.startswith(f"{_WORKFLOWS}/") and name not in modules for name in changed),
        restart=tuple(modules),
    )


class Reloading:
    """Follows the files of one project.

    A change is used at once. One that breaks something or takes something away is looked at again after a moment, for
    editors write in several steps; then a file that is broken keeps what it last held without problems, and a file that
    is gone takes its workflows with it. Runs that are under way go on with what they began with.

    Args:
        folder: the project.
        clock: source of time.
        files: reads and uses what the files hold.
    """

    def __init__(self, folder: Path, clock: Clock, files: ProjectFiles) -> None:
        self._folder = folder
        self._clock = clock
        self._files = files
        self._look: Look = {}
        self._looking = anyio.Lock()
        self.troubles: dict[str, tuple[str, ...]] = {}
        """What is wrong with the files at present, by file; where something is, what was right before is in use."""
        self.is_following = False
        """Whether changes from now on will be seen."""

    async def run(self) -> None:
        """Follow the files until cancelled."""
        async with anyio.create_task_group() as group:
            await self._begin()
            while True:
                # A folder that comes, or is put in another's place, needs another watch.
                watched = _watched(self._folder)
                stop = anyio.Event()
                async with anyio.create_task_group() as watching:
                    watching.start_soon(_set_when_cancelled, stop)
                    # It comes to its turn when the watch has begun: nothing may change unseen before that.
                    watching.start_soon(self._catch_up, group)
                    try:
                        await self._follow(watched, stop, group)
                    except OSError as error:
                        _log.warning("the project cannot be watched; looking from time to time", error=str(error))
                        await self._clock.sleep(_LOOK_MS / 1000)
                        await self.look(group)
                    watching.cancel_scope.cancel()

    async def _follow(self, watched: Mapping[Path, int], stop: anyio.Event, group: TaskGroup) -> None:
        changes = awatch(
            *watched,
            watch_filter=_matters,
            debounce=_TOGETHER_MS,
            step=_STEP_MS,
            stop_event=stop,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            recursive=False,
        )
        async with aclosing(changes):
            async for _ in changes:
                await self.look(group)
                if _watched(self._folder) != watched:
                    return

    async def look(self, group: TaskGroup) -> None:
        """Use what has changed since the last look.

        Args:
            group: where connections that others have succeeded are closed when their last run has ended.
        """
        async with self._looking:
            before, self._look = self._look, await anyio.to_thread.run_sync(look_at, self._folder)
            changes = changes_between(before, self._look)
            for name in changes.restart:
                self._tell({name: ("it has changed since the start, which takes effect after a restart",)})
            if changes.settings:
                await self._settings(group)
            if changes.settings or changes.workflows:
                await self._workflows()

    async def _catch_up(self, group: TaskGroup) -> None:
        await self.look(group)
        self.is_following = True

    async def _begin(self) -> None:
        self._look = await anyio.to_thread.run_sync(look_at, self._folder)
        # What has changed since it was read for the first time.
        await self._workflows()

    async def _settings(self, group: TaskGroup) -> None:
        found = await anyio.to_thread.run_sync(self._files.read_settings)
        if found.problems and found.problems != self.troubles.get(_SETTINGS):
            await self._clock.sleep(_SETTLE_S)
            found = await anyio.to_thread.run_sync(self._files.read_settings)
        restart = tuple(f"[{table}] has changed, which takes effect after a restart" for table in found.restart)
        self._tell({_SETTINGS: found.problems or restart})
        if found.use is not None and not found.problems:
            former = found.use()
            _log.info("the settings have changed, and are in use")
            group.start_soon(self._close_when_unused, former)

    async def _workflows(self) -> None:
        catalog = await anyio.to_thread.run_sync(self._files.read_workflows)
        present = self._files.present_workflows()
        if any(file not in self.troubles for file in _by_file(catalog)) or present.workflows.keys() - catalog.workflows:
            await self._clock.sleep(_SETTLE_S)
            catalog = await anyio.to_thread.run_sync(self._files.read_workflows)
        changed = _changed(present, catalog)
        self._files.use_workflows(catalog)
        if changed:
            _log.info("workflows have changed, and are in use", workflows=changed)
        mended = {file: () for file in self.troubles if file.startswith(f"{_WORKFLOWS}/") and not _is_module(file)}
        self._tell({**mended, **_by_file(catalog)})

    def _tell(self, found: Mapping[str, tuple[str, ...]]) -> None:
        """Take note of what is wrong with some files, empty when nothing is, and say what is new of it."""
        for file, texts in found.items():
            known = self.troubles.pop(file, ())
            for text in texts:
                if text not in known:
                    _log.warning("a file has changed and is not used as it is", file=file, problem=text)
            if texts:
                self.troubles[file] = texts
            elif known:
                _log.info("what was wrong with a file is mended", file=file)

    async def _close_when_unused(self, connections: Connections) -> None:
        await connections.unused()
        await self._clock.sleep(_LINGER_S)
        await connections.unused()
        await connections.close()


async def _set_when_cancelled(stop: anyio.Event) -> None:
    """The thread that watches cannot be cancelled, but it can be told to end."""
    try:
        await anyio.sleep_forever()
    finally:
        stop.set()


def _watched(folder: Path) -> dict[Path, int]:
    """Return the folders to watch, with their numbers in the file system."""
    found = {}
    for path in (folder, folder / _WORKFLOWS, folder / _CONNECTORS):
        with suppress(OSError):
            found[path] = path.stat().st_ino
    return found


def _matters(_: Change, path: str) -> bool:
    """Return whether a change can be one of the project's files; the store may lie in the same folder."""
    file = Path(path)
    return file.name in {_SETTINGS, _WORKFLOWS, _CONNECTORS} or file.parent.name in {_WORKFLOWS, _CONNECTORS}


def _is_module(name: str) -> bool:
    """Return whether a file is a Python module that other files import, which happens once."""
    path = Path(name)
    return path.suffix == ".py" and (path.parts[0] == _CONNECTORS or path.name.startswith("_"))


def _by_file(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    problems: dict[str, tuple[str, ...]] = {}
    for problem in catalog.problems:
        problems[problem.place.file] = (*problems.get(problem.place.file, ()), str(problem))
    return problems


def _changed(present: Catalog, catalog: Catalog) -> list[str]:
    """Return the names of workflows that are new, other ones than before, or gone."""
    before, after = ({name: one.digest for name, one in each.workflows.items()} for each in (present, catalog))
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
