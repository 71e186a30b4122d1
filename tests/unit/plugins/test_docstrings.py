"""What is read out of docstrings."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from backhaul.plugins.action import actions_of
from backhaul.plugins.docstrings import entries_of, source_of, text_without
from backhaul.sdk import Connector, Effect, action

DOC = """Do something. Source: page 3.

More of it.

Args:
    one: the first,
        on two lines.
    two (text): the second.

Raises:
    RefusedError: no.
"""


def test_sections_are_read_entry_by_entry() -> None:
    assert entries_of(DOC, "Args") == {"one": "the first, on two lines.", "two": "the second."}
    assert entries_of(DOC, "Raises") == {"RefusedError": "no."}
    assert entries_of(DOC, "Returns") == {}


def test_what_is_shown_elsewhere_is_left_out() -> None:
    assert text_without(DOC, "Args", "Raises") == "Do something.\n\nMore of it."


@pytest.mark.parametrize(
    ("doc", "source"),
    [
        ("Do it. Source: page 3.", "page 3"),
        (
            "Do it.\n\n    Source: RFC 9110 (methods), RFC 8288\n    (Link).\n\n    More.",
            "RFC 9110 (methods), RFC 8288 (Link)",
        ),
        ("Do it.\n\nSource: page on v1.2. It leaves much open.", "page on v1.2"),
        ("Do it. Resource: nothing.", ""),
        (None, ""),
    ],
)
def test_a_source_is_one_sentence(doc: str | None, source: str) -> None:
    assert source_of([doc]) == source


def test_the_nearest_source_counts() -> None:
    assert source_of([None, "Source: near.", "Source: far."]) == "near"


class _Mixin(Connector):
    """Some actions."""

    @action(effect=Effect.READ)
    async def one(self) -> str:
        """Do one thing. Source: page 1."""
        return ""

    @action(effect=Effect.READ)
    async def two(self) -> str:
        """Do another."""
        return ""


class _Whole(_Mixin):
    """All of it. Source: the manual."""

    name = "whole"


def test_an_action_without_a_source_has_its_connectors() -> None:
    assert {name: spec.source for name, spec in actions_of(_Whole).items()} == {"one": "page 1", "two": "the manual"}


def test_the_module_of_the_class_that_has_the_action_goes_before_the_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("of_the_mixin", "Some actions. Source: chapter 2.")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(_Mixin, "__module__", module.__name__)
    assert actions_of(_Whole)["two"].source == "chapter 2"
