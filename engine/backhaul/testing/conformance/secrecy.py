"""Rules on credentials: wrong ones are told with advice, and none is ever shown."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from io import StringIO
from typing import Any

from pydantic import ValidationError

from backhaul.errors import ActionError, AuthenticationError
from backhaul.json_values import dump
from backhaul.plugins.action import Effect
from backhaul.plugins.quality import Quality
from backhaul.testing.conformance.bench import Bench, open_bench
from backhaul.testing.conformance.examination import Examination, Sandboxes, said_by
from backhaul.testing.conformance.faults import echoing, echoing_cut
from backhaul.testing.conformance.logs import captured_logs
from backhaul.testing.conformance.planted import SHORTEST, altered, leaks, secret_settings, sent_credentials
from backhaul.testing.conformance.rules import Rule

__all__ = ["RULES"]

_ECHOES = (echoing(401), echoing(404), echoing(422), echoing(500), echoing(200, as_html=True), echoing_cut)
_SHORTEST_ADVICE = 40
_UNNOTICED = "; if check() cannot notice it (a key of webhooks), name what it can: ConnectorCase(wrong_credentials=...)"


async def _wrong_credentials(examination: Examination) -> Sequence[str]:
    found = []
    stated = examination.case.wrong_credentials
    async with examination.case.serve() as sandbox:
        for what, changes in _wrong(examination, sandbox.settings):
            try:
                async with open_bench(examination.case, sandbox, changes=changes) as bench:
                    await bench.connection.check()
            except (AuthenticationError, ValidationError) as error:
                if len(str(error)) < _SHORTEST_ADVICE:
                    found.append(f"with another {what}, check() says only {str(error)!r}: say what to do")
            except ActionError as error:
                found.append(f"with another {what}, check() raises {said_by(error)}; it must be AuthenticationError")
            else:
                found.append(f"with another {what}, check() passes{_UNNOTICED if stated is None else ''}")
    return found


async def _settings_hidden(examination: Examination) -> Sequence[str]:
    """What is wrong with a secret setting is said without it."""
    found: list[str] = []
    model = examination.case.connector.Settings
    async with examination.case.serve() as sandbox:
        secrets = secret_settings(model.model_validate(dict(sandbox.settings)))
        for one in secrets:
            if len(one.value) < SHORTEST:
                found.append(f"the sandbox's {one} has under {SHORTEST} characters: too short to be looked for")
            for value in (f"{one.value} {one.value}", {"of": one.value}, [one.value], f"\x00{one.value}"):
                shown = _refusal(model, one.replaced(sandbox.settings, value))
                found += leaks({f"the setting {one}": one.value}, {"the error of the settings": shown})
    return found


async def _shown(examination: Examination) -> Sequence[str]:
    """Carry everything out, well and failing, and look for the secrets in whatever can be shown."""
    found: dict[str, None] = {}
    async with Sandboxes(examination.case) as sandboxes:
        for subject in await examination.working():
            for fault in (None, *_ECHOES):
                for place in examination.places(subject) if fault else [None]:
                    async with _watched(examination, sandboxes) as (bench, shown):
                        if fault is not None and place is not None:
                            bench.wire.arm(fault, first=place.number)
                        where = f"{subject.name}, {fault.name}" if fault else subject.name
                        try:
                            shown[f"the result of {where}"] = dump(await bench.run(subject))
                        except Exception as error:  # noqa: BLE001  # how it is shown, is what is examined
                            shown[f"the error of {where}"] = f"{error} {error!r}"
                            shown[f"the traceback of {where}"] = "".join(traceback.format_exception(error))
                    if bench.wire.passed and subject.effect is not Effect.READ:
                        await sandboxes.used()
                    found |= dict.fromkeys(leaks(_secrets(bench), shown))
    return list(found)


@asynccontextmanager
async def _watched(examination: Examination, sandboxes: Sandboxes) -> AsyncIterator[tuple[Bench, dict[str, str]]]:
    """Give a connection and a place for what it shows; its log at debug level and its representation are added."""
    shown: dict[str, str] = {}
    log = StringIO()
    sandbox = await sandboxes.fresh()
    with captured_logs(log):
        async with open_bench(examination.case, sandbox) as bench:
            yield bench, shown
            connector = bench.connection.connector
            settings = connector.settings
            shown["repr() of the connector or its settings"] = (
                f"{connector!r} {settings!r} {settings} {connector.__dict__!r}"
            )
            shown["the JSON of the settings"] = settings.model_dump_json()
    shown["the log"] = log.getvalue()


def _secrets(bench: Bench) -> dict[str, str]:
    settings = secret_settings(bench.connection.connector.settings)
    known = {f"the setting {one}": one.value for one in settings if len(one.value) >= SHORTEST}
    own = dict.fromkeys(sent_credentials(bench.wire.seen), "a credential that it sends")
    return known | {what: credential for credential, what in own.items() if credential not in known.values()}


def _wrong(examination: Examination, settings: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    stated = examination.case.wrong_credentials
    if stated is not None:
        return [(", ".join(stated), stated)]
    known = secret_settings(examination.case.connector.Settings.model_validate(dict(settings)))
    return [(str(one), one.replaced(settings, altered(one.value))) for one in known]


def _refusal(model: type[Any], settings: Mapping[str, Any]) -> str:
    try:
        model.model_validate(settings)
    except Exception as error:  # noqa: BLE001  # other people's validators
        return f"{error} {''.join(traceback.format_exception_only(error))}"
    return ""


RULES = (
    Rule(
        id="wrong-credentials",
        quality=Quality.BRONZE,
        sentence="With wrong credentials check() raises an AuthenticationError that says what to do.",
        check=_wrong_credentials,
    ),
    Rule(
        id="secrets-in-settings",
        quality=Quality.BRONZE,
        sentence="What is wrong with a secret setting is said without showing it.",
        check=_settings_hidden,
    ),
    Rule(
        id="secrets-hidden",
        quality=Quality.BRONZE,
        sentence="No secret is in a result, an error, a traceback, the log at debug level or a representation, also "
        "when the other system repeats in its answer all that was sent.",
        check=_shown,
    ),
)
