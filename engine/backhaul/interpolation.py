"""Values from outside the settings file: ``${NAME}`` from the environment, ``${file:/path}`` from a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from backhaul.json_values import Json
from backhaul.plugins.credentials import has_stray_blanks, trimmed
from backhaul.plugins.setting_problems import FromOutside

__all__ = ["Interpolation"]

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST_FILE = 64 * 1024


class Interpolation:
    """Fills in the references of settings; ``$${`` stands for ``${``.

    Blanks at the ends of what is filled in are removed: they come from pasting. A file's last line end is removed
    without a word, as ``$(cat file)`` does.

    Args:
        environ: the environment.
        folder: what relative paths of secret files are relative to.
        problem: is told key and reason of what cannot be filled in.
        warning: is told key and text of what was mended.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        folder: Path,
        *,
        problem: Callable[[tuple[str, ...], str, str], None],
        warning: Callable[[tuple[str, ...], str], None],
    ) -> None:
        self._environ = environ
        self._folder = folder
        self._problem = problem
        self._warning = warning

    def fill(self, value: Json, key: tuple[str, ...]) -> Json:
        """Return the value with the references in all its texts filled in."""
        if isinstance(value, str):
            text = _REFERENCE.sub(lambda found: "${" if found[1] is None else self._text(found[1], key), value)
            return text if text == value else FromOutside(text)
        if isinstance(value, list):
            return [self.fill(item, key) for item in value]
        if isinstance(value, dict):
            return {name: self.fill(item, (*key, name)) for name, item in value.items()}
        return value

    def _text(self, reference: str, key: tuple[str, ...]) -> str:
        kind, separator, path = reference.partition(":")
        if separator and kind == "file":
            text, source = self._file(path.strip(), key), f"the file {path.strip()}"
        elif _NAME.fullmatch(reference):
            text, source = self._variable(reference, key), f"the environment variable {reference}"
        else:
            self._problem(key, f"${{{reference}}} is not a reference", "Write ${NAME} or ${file:/path}, and $${ for ${")
            return ""
        if has_stray_blanks(text):
            self._warning(key, f"{source} had a blank at one of its ends, which was removed")
        return trimmed(text)

    def _variable(self, name: str, key: tuple[str, ...]) -> str:
        value = self._environ.get(name)
        if value is None:
            self._problem(key, f"the environment variable {name} is not set", "")
        elif not trimmed(value):
            self._problem(key, f"the environment variable {name} is empty", "")
        return value or ""

    def _file(self, path: str, key: tuple[str, ...]) -> str:
        try:
            file = self._folder / Path(path).expanduser()
            with file.open("rb") as source:
                data = source.read(_LARGEST_FILE + 1)
            if len(data) > _LARGEST_FILE:
                raise ValueError(f"is longer than {_LARGEST_FILE} bytes")
            text = data.decode("utf-8-sig")
        except OSError as error:
            self._problem(key, f"the file {path} cannot be read: {error.strerror}", "")
        except UnicodeDecodeError:
            self._problem(key, f"the file {path} is not UTF-8 text", "")
        except (ValueError, RuntimeError) as error:
            self._problem(key, f"the file {path} {error}", "")
        else:
            if not trimmed(text):
                self._problem(key, f"the file {path} is empty", "")
            return text.removesuffix("\n").removesuffix("\r")
        return ""
