"""Diagnoses of a device: in which state one is, and what it found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import Json, RefusedError
from backhaul_connectors.ixc_acs.reading import leaves, name_key, text

__all__ = [
    "Diagnosis",
    "DiagnosticStarted",
    "DiagnosticState",
    "DiagnosticUnfinishedError",
    "fields_of",
    "objects_of",
    "single",
    "state_of",
    "word_of",
]

_WORD_NAMES = ("diagnosticsstate", "diagnosticstate", "state", "status")
_PROGRESS = frozenset({"running", "inprogress", "pending", "executing", "started", "queued", "waiting"})


class DiagnosticUnfinishedError(RefusedError):
    """A diagnosis was started and did not end in time; it may still end. It is never started again by itself."""


class DiagnosticState(StrEnum):
    """Where a diagnosis stands."""

    NONE = "none"
    """None was made, its result was lost, or there is no result yet: the ACS shows all of that alike."""
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether there is a result, be it a failure."""
        return self in (DiagnosticState.FINISHED, DiagnosticState.FAILED)


class DiagnosticStarted(BaseModel):
    """A diagnosis that the ACS has taken on. Accepted is not finished: that is ``diagnostic.finished``."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    serial: str
    diagnostic: str
    """``speed_test``, ``neighbor_scan``, ``ping`` or ``traceroute``."""
    accepted: bool = True


class Diagnosis(BaseModel):
    """What every diagnosis has."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    serial: str
    state: DiagnosticState
    """``none``, ``running``, ``finished`` or ``failed``."""
    word: str | None = None
    """The device's own word: ``Complete``, ``Completed``, ``Error_NoResponse`` ..."""
    error: str | None = None
    """That word when the diagnosis failed."""


def state_of(word: str | None, *, has_result: bool) -> DiagnosticState:
    """Return the state that a word means; without a word, a result means finished.

    Both spellings of the end count, and whatever begins with ``Error`` is a failure. Source: tr069 reference,
    section 3.
    """
    key = name_key(word or "")
    if key in ("complete", "completed", "finished", "success", "done"):
        return DiagnosticState.FINISHED
    if key.startswith(("error", "fail", "cancel", "timeout")):
        return DiagnosticState.FAILED
    if key == "requested" or key in _PROGRESS:
        return DiagnosticState.RUNNING
    return DiagnosticState.FINISHED if has_result else DiagnosticState.NONE


def word_of(answer: Json) -> str | None:
    """Return the word for the state in an answer, the outermost one first."""
    for names in _WORD_NAMES:
        for name, value in leaves(answer):
            if name == names and (found := text(value)) is not None and not found.isdigit():
                return found
    return None


def single(answer: Json) -> Json:
    """Return the last entry of a list, for a diagnosis that has one result; anything else as it is."""
    return answer[-1] if isinstance(answer, list) and answer else answer


def fields_of(answer: Json) -> dict[str, Json]:
    """Return all plain fields of an answer by `name_key`, the outer ones before inner ones of the same name."""
    found: dict[str, Json] = {}
    for name, value in leaves(answer):
        if value is not None:
            found.setdefault(name, value)
    return found


def objects_of(answer: Json, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of the first list of objects in an answer; nothing when there is none."""
    if isinstance(answer, list):
        yield from (entry for entry in answer if isinstance(entry, Mapping))
        return
    if not isinstance(answer, Mapping) or depth > 5:
        return
    for value in answer.values():
        inner = list(objects_of(value, depth + 1))
        if inner:
            yield from inner
            return
