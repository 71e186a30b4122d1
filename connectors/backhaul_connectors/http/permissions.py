"""Whether a request may be made under the effect that its step states."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from backhaul.sdk import Effect, RefusedError

if TYPE_CHECKING:
    from backhaul_connectors.http.settings import HttpApiSettings

__all__ = ["require_effect"]

_METHODS = {
    Effect.READ: frozenset({"GET", "HEAD"}),
    Effect.WRITE: frozenset({"POST", "PUT", "PATCH"}),
    Effect.DELETE: frozenset({"DELETE", "POST"}),
    Effect.ONCE: frozenset({"POST", "PUT", "PATCH", "DELETE"}),
}
_ACTIONS = {Effect.READ: "read or list", Effect.WRITE: "write", Effect.DELETE: "remove", Effect.ONCE: "once"}


def require_effect(method: str, path: str, effect: Effect, settings: HttpApiSettings) -> None:
    """Return when a request may be made.

    What the connection states of a path (`effects`) decides; where it states nothing, the method has to fit.

    Raises:
        RefusedError: it may not; nothing was sent.
    """
    for rule in settings.effects:
        if rule.method == method and fnmatchcase(path, rule.path):
            if rule.effect is effect:
                return
            raise RefusedError(
                f"the connection says (effects) that {method} {rule.path} is {rule.effect}, so use "
                f"{_ACTIONS[rule.effect]}, not {_ACTIONS[effect]}; nothing was sent"
            )
    allowed = _METHODS[effect]
    if effect is Effect.READ and settings.allow_post_reads:
        allowed |= {"POST"}
    if effect is not Effect.READ and settings.allow_get_effects:
        allowed |= {"GET"}
    if method not in allowed:
        hint = _hint(method, effect)
        raise RefusedError(
            f"{method} is not a method of {_ACTIONS[effect]} ({', '.join(sorted(allowed))}){hint}; nothing was sent"
        )


def _hint(method: str, effect: Effect) -> str:
    if effect is Effect.READ and method == "POST":
        return ". If this API reads by POST, set allow_post_reads, or state it for the path in effects"
    if effect is not Effect.READ and method == "GET":
        return ". If this API acts on GET, set allow_get_effects, or state it for the path in effects"
    return ""
