"""Python workflow files as modules: executed from their text, and the place in them at which an error arose."""

from __future__ import annotations

import linecache
import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backhaul.errors import BackhaulError, DefinitionError
from backhaul.problems import Place, Problem

__all__ = ["execute_module", "place_in_workflow"]

_PREFIX = "backhaul_workflow_"


def execute_module(source: str, path: str, digest: str, folder: Path | None) -> types.ModuleType:
    """Return the module of a text, known to tracebacks and to annotations.

    Args:
        path: of the file, for messages.
        digest: tells versions of the text apart: a resumed run shows the lines of the text that it runs.
        folder: from which it may import; None: from nowhere but what is installed.

    Raises:
        DefinitionError: it cannot be imported.
    """
    file = f"{path}@{digest[:8]}"
    module = types.ModuleType(f"{_PREFIX}{re.sub(r'[^0-9A-Za-z]', '_', path)}_{digest}")
    module.__file__ = file
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    sys.modules[module.__name__] = module
    try:
        code = compile(source, file, "exec", dont_inherit=True)
        with _import_folder(folder):
            exec(code, module.__dict__)  # noqa: S102  # workflow files are the project's own code
    except (Exception, SystemExit) as error:  # loading a plug-in: a broken file disables itself only
        del sys.modules[module.__name__]
        raise DefinitionError([_import_problem(error, file, path)]) from error
    return module


def place_in_workflow(error: BaseException) -> Place | None:
    """Return the innermost line of a workflow file through which an error went, or None."""
    place, traceback = None, error.__traceback__
    while traceback is not None:
        known = traceback.tb_frame.f_globals
        if str(known.get("__name__")).startswith(_PREFIX):
            place = Place(known["__file__"].rpartition("@")[0], traceback.tb_lineno, 1)
        traceback = traceback.tb_next
    return place


@contextmanager
def _import_folder(folder: Path | None) -> Iterator[None]:
    entry = str(folder) if folder else ""
    if not entry or entry in sys.path:
        yield
        return
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


def _import_problem(error: BaseException, file: str, path: str) -> Problem:
    if isinstance(error, SyntaxError) and error.filename == file:
        place = Place(path, error.lineno or 1, max(error.offset or 1, 1))
        return Problem(place, "bad-python", f"syntax error: {error.msg}")
    place = place_in_workflow(error) or Place(path, 1, 1)
    text = str(error).partition("\n")[0]
    if isinstance(error, BackhaulError):
        return Problem(place, "bad-python", text)
    return Problem(place, "bad-python", f"the import fails: {type(error).__name__}: {text}")
