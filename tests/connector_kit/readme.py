"""What the tests of all connectors ask of a README's table of operations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["actions_left_out", "missing_tests", "named_tests"]

_ROOT = Path(__file__).parents[2]


def actions_left_out(readme: str, actions: Iterable[str]) -> list[str]:
    """Return the actions that the table of operations does not name."""
    table = readme.partition("## Operations and facts")[2].partition("\n## ")[0]
    return [action for action in actions if f"`{action}`" not in table]


def named_tests(readme: str) -> set[str]:
    """Return the files of tests that a README names: from the repository's root, or beside the connector's tests."""
    return set(re.findall(r"`((?:tests/)?[\w/]*test_\w+\.py)`", readme))


def missing_tests(readme: str, folder: Path) -> list[str]:
    """Return those that there are not, `folder` being that of the connector's tests."""
    named = named_tests(readme)
    return sorted(one for one in named if not ((_ROOT if one.startswith("tests/") else folder) / one).is_file())
