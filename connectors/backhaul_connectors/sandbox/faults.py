"""Switchable faults: which call meets which misfortune."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DrawnFaults", "FaultBook", "FaultKind", "FaultMatch", "FaultSpec", "Target"]

FaultKind = Literal[
    "latency",
    "status",
    "html_200",
    "latin1_html",
    "error_200",
    "red_div",
    "rate_limit",
    "refuse_ip",
    "expire_token",
    "cut_before",
    "cut_after",
    "cut_body",
    "slow_body",
    "truncate_page",
    "empty_list",
]


class Target(NamedTuple):
    """What a fault knows of a call."""

    vendor: str
    method: str
    path: str
    operation: str
    listing: bool
    """It answers a page of a list: the only kind of call that ``truncate_page`` and ``empty_list`` concern."""
    issues_token: bool
    """It issues a token: the only kind of call that ``expire_token`` spares."""


class FaultMatch(BaseModel):
    """Which calls a fault concerns; what is left out matches everything."""

    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    path_contains: str | None = None
    operation: str | None = None


class FaultSpec(BaseModel):
    """One fault as posted to ``/_sandbox/faults``."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    vendor: str = "*"
    match: FaultMatch = Field(default_factory=FaultMatch)
    times: int | None = Field(default=None, ge=1)
    """How often it strikes; None: until it is deleted (``expire_token``: once)."""
    after: int = Field(default=0, ge=0)
    """How many matching calls pass first."""
    probability: float = Field(default=1.0, gt=0, le=1)
    """Chance per matching call, drawn from the world's seed."""
    act: bool = False
    """For kinds that replace the answer: let the call act first, so that its outcome is unknown to the caller."""
    ms: float = Field(default=1000.0, ge=0)
    """``latency``, ``slow_body``: milliseconds."""
    jitter_ms: float = Field(default=0.0, ge=0)
    code: int = Field(default=500, ge=200, le=599)
    """``status``, ``latin1_html``: the HTTP status."""
    body: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    retry_after_s: float = Field(default=1.0, ge=0)
    header: bool = True
    """``rate_limit``: whether the answer carries ``Retry-After``."""


@dataclass(slots=True)
class _Armed:
    """A fault with its counters."""

    id: int
    spec: FaultSpec
    rng: random.Random
    seen: int = 0
    hits: int = 0

    def strikes(self, target: Target) -> bool:
        """Decide about one call, and count it."""
        spec = self.spec
        if not self._concerns(target):
            return False
        times = 1 if spec.kind == "expire_token" and spec.times is None else spec.times
        if times is not None and self.hits >= times:
            return False
        self.seen += 1
        if self.seen <= spec.after or (spec.probability < 1 and self.rng.random() >= spec.probability):
            return False
        self.hits += 1
        return True

    def _concerns(self, target: Target) -> bool:
        spec, match = self.spec, self.spec.match
        if spec.kind in ("truncate_page", "empty_list") and not target.listing:
            return False
        if spec.kind == "expire_token" and target.issues_token:
            return False
        return (
            spec.vendor in ("*", target.vendor)
            and (match.method is None or match.method.upper() == target.method)
            and (match.path_contains is None or match.path_contains in target.path)
            and (match.operation is None or match.operation == target.operation)
        )


@dataclass(slots=True)
class DrawnFaults:
    """What one call meets: a delay and at most one fault of another kind."""

    delay_s: float = 0.0
    fault: FaultSpec | None = None


_NOTHING = DrawnFaults()


@dataclass(slots=True)
class FaultBook:
    """The faults in force, asked once per call. Latencies add up; of the other kinds the oldest wins."""

    seed: int = 0
    _armed: list[_Armed] = field(default_factory=list)
    _next_id: int = 1

    def add(self, spec: FaultSpec) -> int:
        """Arm a fault and return its id."""
        fault_id = self._next_id
        self._next_id += 1
        self._armed.append(_Armed(fault_id, spec, random.Random(self.seed * 1_000_003 + fault_id)))
        return fault_id

    def remove(self, fault_id: int) -> bool:
        """Disarm one fault; False if there is none with this id."""
        before = len(self._armed)
        self._armed = [armed for armed in self._armed if armed.id != fault_id]
        return len(self._armed) < before

    def clear(self) -> None:
        """Disarm all faults."""
        self._armed = []

    def as_json(self) -> list[dict[str, object]]:
        """Return all faults with how many calls matched (``seen``) and were struck (``hits``)."""
        return [
            {"id": armed.id, "seen": armed.seen, "hits": armed.hits, **armed.spec.model_dump()} for armed in self._armed
        ]

    def draw(self, target: Target) -> DrawnFaults:
        """Return what this call meets, and count the faults that struck."""
        if not self._armed:
            return _NOTHING
        drawn = DrawnFaults()
        for armed in self._armed:
            spec = armed.spec
            if spec.kind != "latency" and drawn.fault is not None:
                continue
            if not armed.strikes(target):
                continue
            if spec.kind == "latency":
                drawn.delay_s += (spec.ms + spec.jitter_ms * armed.rng.random()) / 1000
            else:
                drawn.fault = spec
        return drawn
