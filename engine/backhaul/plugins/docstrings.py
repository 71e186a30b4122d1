"""What a Google-style docstring says, section by section."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping

__all__ = ["entries_of", "source_of", "text_without"]


def entries_of(doc: str, section: str) -> Mapping[str, str]:
    """Return the entries of a section such as ``Args`` or ``Raises``: by name, what is said of it in one line."""
    found = re.search(rf"^{section}:\n((?:[ \t]+.*\n?|\n)+)", doc, re.MULTILINE)
    entries: dict[str, str] = {}
    name = ""
    for line in (found.group(1) if found else "").splitlines():
        entry = re.match(r"^ {4}(\w+)(?: \([^)]*\))?: *(.*)$", line)
        if entry:
            name = entry.group(1)
            entries[name] = entry.group(2)
        elif name and line.strip():
            entries[name] += " " + line.strip()
    return entries


def source_of(docs: Iterable[str | None]) -> str:
    """Return where the facts of something come from: what the first docstring that has it says after ``Source:``.

    It is one sentence, without its full stop; empty when none says it.

    Args:
        docs: docstrings, the nearest first: of an action, of the class that has it, of that class's module.
    """
    for doc in docs:
        found = re.search(r"(?:^|\s)Source: (.+?)(?:\n\s*\n|\Z)", inspect.cleandoc(doc or ""), re.DOTALL)
        if found:
            text = " ".join(found.group(1).split())
            return re.split(r"\.(?= [A-Z]|$)", text, maxsplit=1)[0]
    return ""


def text_without(doc: str, *sections: str) -> str:
    """Return a docstring without some of its sections, and without what it says of its source."""
    doc = re.sub(r"(?:^|[ \n])Source: .+?(?=\n\s*\n|\Z)", "", doc, flags=re.DOTALL)
    kept: list[str] = []
    skipping = False
    for line in doc.splitlines():
        if line and not line.startswith(" "):
            skipping = line.startswith(tuple(f"{section}:" for section in sections))
        if not skipping:
            kept.append(line)
    return "\n".join(kept).strip()
