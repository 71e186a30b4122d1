"""Rules on errors: every failure of the other system has the error that says what happens next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backhaul.errors import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.plugins.action import Effect
from backhaul.plugins.quality import Quality
from backhaul.testing.conformance.bench import Kind
from backhaul.testing.conformance.examination import Examination
from backhaul.testing.conformance.faults import CUT_AFTER, CUT_BEFORE, HTML, NO_ANSWER, NO_CONNECTION, status
from backhaul.testing.conformance.outcomes import Outcome, outcomes
from backhaul.testing.conformance.rules import Rule
from backhaul.testing.conformance.wire import Fault

__all__ = ["RULES"]

_Errors = tuple[type[Exception], ...]

_BROKEN_OFF = (status(500), status(503), CUT_AFTER, NO_ANSWER)
_NOT_DONE = (status(429, Retry_After="2"), CUT_BEFORE, NO_CONNECTION)


async def _authentication(examination: Examination) -> Sequence[str]:
    def allowed(outcome: Outcome) -> _Errors:
        return (AuthenticationError,) if "401" in outcome.fault else (AuthenticationError, RefusedError)

    return await _offences(examination, (status(401), status(403)), allowed)


async def _not_found(examination: Examination) -> Sequence[str]:
    def allowed(outcome: Outcome) -> _Errors:
        told: _Errors = (RefusedError, InvalidAnswerError, *_safe_to_repeat(outcome))
        return told if outcome.place.repeatable else (*told, UnknownOutcomeError)

    return [
        offence
        async for outcome in outcomes(examination, (status(404),))
        if not (outcome.error is None and outcome.subject.effect is Effect.DELETE)
        for offence in _judged(outcome, allowed(outcome))
    ]


async def _later(examination: Examination) -> Sequence[str]:
    return await _offences(examination, _NOT_DONE, lambda _: (RetryableError,))


async def _broken_off(examination: Examination) -> Sequence[str]:
    def allowed(outcome: Outcome) -> _Errors:
        if outcome.place.repeatable:
            return (RetryableError,)
        # A connector may find out by reading that nothing was done; then trying again is right.
        return (UnknownOutcomeError, RetryableError) if outcome.subject.effect.repeatable else (UnknownOutcomeError,)

    return await _offences(examination, _BROKEN_OFF, allowed)


async def _html(examination: Examination) -> Sequence[str]:
    def allowed(outcome: Outcome) -> _Errors:
        told: _Errors = (InvalidAnswerError, AuthenticationError, *_safe_to_repeat(outcome))
        return told if outcome.place.repeatable else (*told, UnknownOutcomeError)

    return await _offences(examination, (HTML,), allowed)


async def _once(examination: Examination) -> Sequence[str]:
    """A request that must not be sent twice is not, and nothing says that it may be made again."""
    once = [subject for subject in await examination.working() if subject.effect is Effect.ONCE]
    if not once:
        return ()
    found = [
        f"{subject.name} ({subject.effect.value}) declares all its requests repeatable, also the one with the effect"
        for subject in once
        if all(place.repeatable for place in examination.places(subject))
    ]
    async for outcome in outcomes(examination, (*_BROKEN_OFF, HTML), once):
        if outcome.place.repeatable:
            continue
        if outcome.sent > 1:
            found.append(f"{outcome}, after {outcome.sent} requests: it may be sent once only")
        elif outcome.error is None or isinstance(outcome.error, RetryableError | RefusedError):
            found.append(_offence(outcome, (UnknownOutcomeError,)))
    return found


async def _check_advises(examination: Examination) -> Sequence[str]:
    """Whatever the connection test meets, it says it in an error for people."""
    faults = (status(401), status(403), status(404), status(500), HTML, CUT_BEFORE)
    checks = [subject for subject in await examination.working() if subject.kind is Kind.CHECK]
    return [
        f"{outcome}; it must raise an ActionError whose text says what to do"
        async for outcome in outcomes(examination, faults, checks)
        if not isinstance(outcome.error, ActionError) or len(str(outcome.error)) < _SHORTEST_ADVICE
    ]


def _safe_to_repeat(outcome: Outcome) -> _Errors:
    """Return the error that may say of an action with an effect that nothing was done yet, or that repeating is safe.

    For a `once` action the engine takes an InvalidAnswerError for an unknown outcome, so it is too little for a request
    that only prepares the effect.
    """
    effect = outcome.subject.effect
    is_safe = outcome.place.repeatable or effect.repeatable
    return (RetryableError,) if is_safe and effect is not Effect.READ else ()


async def _offences(
    examination: Examination, faults: Sequence[Fault], allowed: Callable[[Outcome], _Errors]
) -> Sequence[str]:
    return [
        offence async for outcome in outcomes(examination, faults) for offence in _judged(outcome, allowed(outcome))
    ]


def _judged(outcome: Outcome, allowed: _Errors) -> Sequence[str]:
    return () if isinstance(outcome.error, allowed) else (_offence(outcome, allowed),)


def _offence(outcome: Outcome, allowed: _Errors) -> str:
    return f"{outcome}; it must raise {' or '.join(kind.__name__ for kind in allowed)}"


_SHORTEST_ADVICE = 30

RULES = (
    Rule(
        id="once-is-never-repeated",
        quality=Quality.BRONZE,
        sentence="After a lost answer, a 5xx or a strange page, a 'once' action has sent its request once, and raises "
        "UnknownOutcomeError (or InvalidAnswerError), never an error that lets it be repeated.",
        check=_once,
    ),
    Rule(
        id="check-fails-with-advice",
        quality=Quality.BRONZE,
        sentence="check() raises an error that says what to do for whatever goes wrong.",
        check=_check_advises,
    ),
    Rule(
        id="errors-authentication",
        quality=Quality.SILVER,
        sentence="401 is an AuthenticationError; 403 is one too, or a RefusedError.",
        check=_authentication,
    ),
    Rule(
        id="errors-not-found",
        quality=Quality.SILVER,
        sentence="404 is a NotFoundError, a RefusedError or an InvalidAnswerError, never an empty result; of an "
        "action with an effect that may be tried again also a RetryableError; a 'delete' may take it for gone already.",
        check=_not_found,
    ),
    Rule(
        id="errors-try-later",
        quality=Quality.SILVER,
        sentence="429 and a connection that is not made are a RetryableError, whatever the effect.",
        check=_later,
    ),
    Rule(
        id="errors-broken-off",
        quality=Quality.SILVER,
        sentence="500, 503, a cut connection and no answer in time are a RetryableError for a request that may be "
        "repeated, and an UnknownOutcomeError for one that may not.",
        check=_broken_off,
    ),
    Rule(
        id="errors-html",
        quality=Quality.SILVER,
        sentence="A page of HTML with status 200 is an InvalidAnswerError or an AuthenticationError, never a success; "
        "of an action with an effect that may be tried again also a RetryableError.",
        check=_html,
    ),
)
