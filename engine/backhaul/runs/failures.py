"""What an attempt's error means for the step: try again, give up, or the outcome is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from backhaul.errors import (
    ActionError,
    AuthenticationError,
    ConfigurationError,
    InvalidAnswerError,
    RefusedError,
    RetryableError,
)
from backhaul.json_values import Json
from backhaul.plugins.action import Effect
from backhaul.secrets import redact
from backhaul.workflows.definition import RetryPolicy

__all__ = ["Consequence", "Failure", "failure_of", "text_of"]


class Consequence(Enum):
    """What happens after a failed attempt."""

    TRY_AGAIN = auto()
    GIVE_UP = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed attempt: the error's class name, its text without secrets, and what follows.

    `wanted` says whether the policy tries such an error again, if that may be done at all.
    """

    error_type: str
    message: str
    consequence: Consequence
    wanted: bool
    retry_after_s: float | None = None

    def to_json(self) -> Json:
        """Return the form in which the journal keeps it."""
        return {"type": self.error_type, "message": self.message}


def failure_of(error: Exception, effect: Effect, policy: RetryPolicy) -> Failure:
    """Return what `error`, raised by one attempt of an action with `effect`, means."""
    consequence = _consequence(error, effect)
    names = {cls.__name__ for cls in type(error).__mro__}
    wanted = not policy.on or bool(names.intersection(policy.on))
    if consequence is Consequence.TRY_AGAIN and not wanted:
        consequence = Consequence.GIVE_UP
    return Failure(
        error_type=type(error).__name__,
        message=text_of(error),
        consequence=consequence,
        wanted=wanted,
        retry_after_s=getattr(error, "retry_after_s", None),
    )


def text_of(error: BaseException) -> str:
    """Return an error's text for the history: without secrets, and without half characters, which it cannot hold."""
    text = redact(str(error) or type(error).__name__)
    return text.encode("utf-8", "backslashreplace").decode()


def _consequence(error: Exception, effect: Effect) -> Consequence:
    match error:
        case RetryableError():
            return Consequence.TRY_AGAIN
        case AuthenticationError() | RefusedError() | ConfigurationError():
            return Consequence.GIVE_UP
        case _ if not effect.repeatable:
            return Consequence.UNKNOWN
        case InvalidAnswerError() | TimeoutError() | ActionError() | OSError():
            return Consequence.TRY_AGAIN
        case _:
            return Consequence.GIVE_UP
