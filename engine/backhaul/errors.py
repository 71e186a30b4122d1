"""Every error that Backhaul raises on purpose, grouped by what happens next.

BackhaulError
├── ConfigurationError            a file or a setting is wrong; the person mends it (exit 2)
│   ├── SettingError              one value in backhaul.toml or in the environment
│   ├── DefinitionError           workflow files with problems, all of them in one error
│   ├── InputError                inputs of a run, parameters of an action
│   ├── UnknownNameError          no such workflow, connection, action, run or step
│   └── ExpressionError           an expression that cannot be compiled
├── ActionError                   one attempt of an action did not succeed
│   ├── RetryableError            nothing was done, or it may be done again: try later
│   ├── AuthenticationError       the connection's credentials need a person's attention
│   ├── RefusedError              the other system understood and said no
│   │   └── NotFoundError         the thing that the parameters name is not there
│   ├── InvalidAnswerError        the other system answered something that is not an answer
│   └── UnknownOutcomeError       the call may have had its effect: never repeat it blindly
├── EvaluationError               an expression failed on the data of this run
├── StepError                     a step gave up; the run fails unless its on_error says otherwise
├── ReplayMismatchError           a workflow asked for something else than its journal holds
├── RunStateError                 the run is not in a state in which this can be done
└── StoreError                    the history could not be read or written
    ├── StoreBusyError            another process holds what is needed: try again
    └── StoreVersionError         the schema is older or newer than this program
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backhaul.problems import Problem

__all__ = [
    "ActionError",
    "AuthenticationError",
    "BackhaulError",
    "ConfigurationError",
    "DefinitionError",
    "EvaluationError",
    "ExpressionError",
    "InputError",
    "InvalidAnswerError",
    "NotFoundError",
    "RefusedError",
    "ReplayMismatchError",
    "RetryableError",
    "RunStateError",
    "SettingError",
    "StepError",
    "StoreBusyError",
    "StoreError",
    "StoreVersionError",
    "UnknownNameError",
    "UnknownOutcomeError",
]


class BackhaulError(Exception):
    """Base of every error raised on purpose. Its text is written for a person and holds no secret."""


class ConfigurationError(BackhaulError):
    """A file or a setting is wrong. Command line programs exit with 2."""


class SettingError(ConfigurationError):
    """One setting is wrong.

    Args:
        where: the setting's place, ``backhaul.toml:12: connections.acs.base_url``.
        reason: what is wrong with it, with the value unless it is a secret.
        advice: what to do, a whole sentence, or empty.
    """

    def __init__(self, where: str, reason: str, advice: str = "") -> None:
        self.where = where
        self.reason = reason
        self.advice = advice
        super().__init__(f"{where}: {reason}" + (f". {advice}" if advice else ""))


class DefinitionError(ConfigurationError):
    """Workflow files have problems; `problems` holds all of them in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(ConfigurationError):
    """Inputs of a run or parameters of an action do not fit what is declared."""

    def __init__(self, what: str, reasons: Sequence[str]) -> None:
        self.what = what
        self.reasons = tuple(reasons)
        super().__init__(f"{what}: {'; '.join(self.reasons)}")


class UnknownNameError(ConfigurationError):
    """A name that nothing carries.

    Args:
        kind: the glossary's word for what was looked for, such as ``connection``.
        name: the name asked for.
        known: the names that exist; the nearest is suggested.
        broken_files: files of which it is not known what they hold, because they have problems.
    """

    def __init__(self, kind: str, name: str, known: Sequence[str] = (), *, broken_files: Sequence[str] = ()) -> None:
        from difflib import get_close_matches

        self.kind = kind
        self.name = name
        self.known = tuple(known)
        near = get_close_matches(name, self.known, n=1)
        if near:
            hint = f" (did you mean {near[0]!r}?)"
        elif self.known and len(self.known) <= 12:
            hint = f" (there are: {', '.join(sorted(self.known))})"
        else:
            hint = ""
        if broken_files:
            have = "has" if len(broken_files) == 1 else "have"
            hint += f"; {', '.join(broken_files)} {have} problems and may hold it: backhaul check"
        super().__init__(f"no {kind} {name!r}{hint}")


class ExpressionError(ConfigurationError):
    """An expression cannot be compiled or uses what expressions may not use.

    Attributes:
        code: ``bad-expression`` or ``forbidden-expression``.
    """

    def __init__(self, source: str, reason: str, *, code: str = "bad-expression") -> None:
        self.source = source
        self.reason = reason
        self.code = code
        super().__init__(f"{reason} in the expression {source!r}")


class ActionError(BackhaulError):
    """One attempt of an action did not succeed.

    Args:
        message: what happened, with which value, and what to do; never a secret.
        status: HTTP status of the answer, when there was one.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.message = message
        self.status = status
        super().__init__(message)


class RetryableError(ActionError):
    """The attempt had no effect, or the action may be repeated: try again later.

    Args:
        retry_after_s: seconds that the other system asked to wait, if it did.
    """

    def __init__(self, message: str, *, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class AuthenticationError(ActionError):
    """The other system does not accept the credentials or the permissions of this connection."""


class RefusedError(ActionError):
    """The other system understood the request and said no; nothing was changed."""


class NotFoundError(RefusedError):
    """The thing that the parameters name does not exist in the other system."""


class InvalidAnswerError(ActionError):
    """The answer is not one that this system gives: an HTML page, broken JSON, a wrong base URL."""


class UnknownOutcomeError(ActionError):
    """The request may have had its effect although no proper answer came back."""


class EvaluationError(BackhaulError):
    """An expression failed on the data of this run.

    Args:
        source: the expression as written.
        reason: what is missing or of the wrong kind.
    """

    def __init__(self, source: str, reason: str) -> None:
        self.source = source
        self.reason = reason
        super().__init__(f"{reason} in ${{{{ {source} }}}}")


class StepError(BackhaulError):
    """A step gave up.

    Attributes:
        step: the step's key.
        error_type: class name of the cause, such as ``RefusedError``.
        message: text of the cause.
    """

    def __init__(self, step: str, error_type: str, message: str) -> None:
        self.step = step
        self.error_type = error_type
        self.message = message
        super().__init__(f"step {step}: {message}")


class ReplayMismatchError(BackhaulError):
    """A workflow asked for something else than what its journal holds at the same place."""

    def __init__(self, step: str, expected: str, found: str) -> None:
        self.step = step
        super().__init__(
            f"step {step}: the journal holds {expected}, but the workflow now asks for {found}. "
            "A workflow must do the same when it is repeated: take times, random numbers and reads of "
            "other systems through the run, not directly"
        )


class RunStateError(BackhaulError):
    """The run is not in a state in which this can be done."""


class StoreError(BackhaulError):
    """The history could not be read or written."""


class StoreBusyError(StoreError):
    """Another process holds what is needed."""


class StoreVersionError(StoreError):
    """The store's schema is older or newer than this program."""
