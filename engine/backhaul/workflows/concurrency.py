"""How many runs of a workflow may be under way at the same time."""

from __future__ import annotations

from dataclasses import dataclass

from backhaul.errors import InputError
from backhaul.workflows.templates import Template

__all__ = ["KEY_NAMES", "MOST", "Concurrency"]

KEY_NAMES = frozenset({"inputs", "event"})
"""What the key's expressions may read: what is known before a run begins."""
MOST = 10_000
"""Largest `Concurrency.limit`."""


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Concurrency:
    """At most `limit` runs of a workflow at the same time, or so many per value of `key`.

    Args:
        limit: runs, at least 1. A run that waits counts, too.
        key: a text with expressions on ``inputs`` and ``event``: ``${{ event.data.serial }}``.

    Raises:
        InputError: the limit is no such number, or the key has no expression or reads something else.
        ExpressionError: the key cannot be compiled.
    """

    limit: int
    key: Template | None = None

    def __init__(self, *, limit: int, key: str | Template | None = None) -> None:
        template = Template(key) if isinstance(key, str) else key
        reasons = []
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST:
            reasons.append(f"limit is a whole number from 1 to {MOST}, not {limit!r}")
        if template is not None and template.constant:
            reasons.append(f"key has no expression: write it as ${{{{ event.data.serial }}}}, not {template.value!r}")
        for expression in template.expressions if template is not None else ():
            reasons += [f"key cannot read {name!r}" for name in sorted(expression.names - KEY_NAMES)]
        if reasons:
            raise InputError("concurrency", reasons)
        object.__setattr__(self, "limit", limit)
        object.__setattr__(self, "key", template)
