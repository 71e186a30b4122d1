"""A new connector: an installable package made from the template, ready to pass the conformance suite."""

from __future__ import annotations

import keyword
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from backhaul.errors import ConfigurationError, InputError

__all__ = ["make_connector", "names_of"]

_TEMPLATE = Path(__file__).parent / "connector_template"
_SUFFIX = ".tmpl"
_LONGEST = 40
# Names that the template's modules use: a class of the same name would hide them.
_IN_USE = frozenset({"Any", "Annotated", "Field", "Item", "Items", "Mapping", "Path", "Request", "Route", "Sequence"})


def make_connector(name: str, folder: Path | None = None, *, taken: Mapping[str, str]) -> tuple[Path, list[Path]]:
    """Write the files of a new connector and return its folder and the files in it; nothing is overwritten.

    Args:
        name: what the ``connector`` setting will say, such as ``my_crm``.
        folder: where; ``backhaul-my-crm`` in the working directory when None.
        taken: names of connectors that exist, with where they come from.

    Raises:
        InputError: the name cannot be used.
        ConfigurationError: the folder is not empty, or cannot be written.
    """
    names = names_of(name, taken)
    target = folder or Path(names["distribution"])
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        what = "is not empty" if target.is_dir() else "is a file"
        raise ConfigurationError(f"{target} {what}; a new connector needs a folder of its own")
    made = []
    try:
        for path, content in _files(names):
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as opened:
                opened.write(content)
            made.append(file)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror or error}") from None
    return target, made


def names_of(name: str, taken: Mapping[str, str]) -> dict[str, str]:
    """Return what the template's placeholders stand for.

    Raises:
        InputError: the name cannot be used; the reason says why.
    """
    if reason := _unusable(name, taken):
        raise InputError(f"connector name {name!r}", [reason])
    from backhaul.sdk import __all__ as sdk_names

    words = name.split("_")
    camel = "".join(word.capitalize() for word in words)
    return {
        "name": name,
        "dashed": "-".join(words),
        "upper": name.upper(),
        "class": f"{camel}Connector" if camel in _IN_USE.union(sdk_names) else camel,
        "title": " ".join(word.capitalize() for word in words),
        "package": f"backhaul_{name}",
        "distribution": f"backhaul-{'-'.join(words)}",
        "token": f"sandbox-{secrets.token_hex(8)}",
    }


def _unusable(name: str, taken: Mapping[str, str]) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        likely = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        hint = f", such as {likely}" if re.fullmatch(r"[a-z][a-z0-9_]*", likely) else ""
        return f"it must be lower-case letters and digits in words joined by single underscores{hint}"
    if len(name) > _LONGEST:
        return f"it has {len(name)} characters; {_LONGEST} are enough"
    if keyword.iskeyword(name):
        return "it is a word of Python itself"
    if name == "connectors":
        return "the package backhaul_connectors is Backhaul's own"
    if name in taken:
        return f"there is already a connector of this name ({taken[name]})"
    return ""


def _files(names: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Give the path and the content of each file."""
    places = {"package": Path("src", names["package"]), "tests": Path("tests")}
    renamed = {"gitignore": ".gitignore", "test_connector.py": f"test_{names['name']}.py"}
    for source in sorted(_TEMPLATE.rglob(f"*{_SUFFIX}")):
        inside = source.relative_to(_TEMPLATE)
        folder = places[inside.parts[0]] if len(inside.parts) > 1 else Path()
        name = inside.name.removesuffix(_SUFFIX)
        yield folder / renamed.get(name, name), _filled(source.read_text(encoding="utf-8"), names)


def _filled(text: str, names: Mapping[str, str]) -> str:
    """Return a template's text with its placeholders, ``{{name}}``, replaced; ``${{ ... }}`` is a workflow's."""
    return re.sub(r"\{\{([a-z]+)\}\}", lambda found: names[found[1]], text)
