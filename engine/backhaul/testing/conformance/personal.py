"""Rules on personal data: it is marked, and what is marked is in no log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from io import StringIO

from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec, Effect
from backhaul.plugins.personal import is_marked, is_personal_name, marked_values
from backhaul.plugins.quality import Quality
from backhaul.testing.conformance.bench import Subject, open_bench
from backhaul.testing.conformance.examination import Examination, Sandboxes
from backhaul.testing.conformance.faults import echoing, echoing_cut
from backhaul.testing.conformance.logs import captured_logs
from backhaul.testing.conformance.planted import leaks
from backhaul.testing.conformance.rules import Rule
from backhaul.testing.conformance.wire import Fault

__all__ = ["RULES"]

# Shorter texts stand in logs by chance.
_SHORTEST = 6
_MOMENT = re.compile(r'"timestamp": "[^"]*"')
_FAULTS = (None, echoing(422), echoing(500), echoing_cut)


async def _marked(examination: Examination) -> Sequence[str]:
    return list(
        dict.fromkeys(
            f"{spec.name}: {name} is not marked as personal data: write its type as Personal[...]"
            for spec in examination.actions.values()
            for schema in (spec.params_schema, spec.result_schema)
            for name in _unmarked(schema)
        )
    )


async def _in_no_log(examination: Examination) -> Sequence[str]:
    """Carry the actions out, well and failing, and look for what marked fields hold in the log."""
    found: dict[str, None] = {}
    async with Sandboxes(examination.case) as sandboxes:
        for subject in await examination.working():
            spec = examination.actions.get(subject.name)
            if spec is not None:
                for fault in _FAULTS:
                    found |= dict.fromkeys(await _logged(examination, sandboxes, subject, spec, fault))
    return list(found)


async def _logged(
    examination: Examination, sandboxes: Sandboxes, subject: Subject, spec: ActionSpec, fault: Fault | None
) -> list[str]:
    log = StringIO()
    sandbox = await sandboxes.fresh()
    with captured_logs(log):
        async with open_bench(examination.case, sandbox) as bench:
            if fault is not None and (places := examination.places(subject)):
                bench.wire.arm(fault, first=places[-1].number)
            values = set(marked_values(dict(bench.params(subject)), spec.params_schema))
            with suppress(Exception):  # other people's code; what it raises has rules of its own
                values |= set(marked_values(await bench.run(subject), spec.result_schema))
    if bench.wire.passed and subject.effect is not Effect.READ:
        await sandboxes.used()
    values -= _defaults(examination.actions.values())
    known = {
        f"personal data of {subject.name} ({number} of {len(values)})": value
        for number, value in enumerate(sorted(values), start=1)
        if len(value) >= _SHORTEST
    }
    return list(leaks(known, {f"the log ({fault.name if fault else 'nothing fails'})": _untimed(log.getvalue())}))


def _defaults(actions: Iterable[ActionSpec]) -> set[str]:
    """Return the texts that parameters have by default: the other system's word for none or all is nobody's data."""
    defaults = (one.get("default") for spec in actions for one in spec.params_schema.get("properties", {}).values())
    return {one for one in defaults if isinstance(one, str)}


def _untimed(log: str) -> str:
    """Return a log without its moments: their millionths of a second are six digits, like many a number of a person."""
    return _MOMENT.sub("", log)


def _unmarked(schema: Mapping[str, Json]) -> Iterator[str]:
    """Give the names of texts in a schema and its definitions that are surely personal and not marked."""
    for model in (schema, *schema.get("$defs", {}).values()):
        for name, one in model.get("properties", {}).items():
            if is_personal_name(name, certain=True) and _may_be_text(one) and not is_marked(one):
                yield name


def _may_be_text(schema: Mapping[str, Json]) -> bool:
    branches = [one for key in ("anyOf", "oneOf", "allOf") for one in schema.get(key, ())]
    if branches:
        return any(_may_be_text(one) for one in branches)
    return schema.get("type") in {"string", "array", "object"} and "enum" not in schema


RULES = (
    Rule(
        id="personal-marked",
        quality=Quality.SILVER,
        sentence="Every parameter and field whose name surely means personal data, such as cpf, phone or email, is "
        "marked as `Personal`.",
        check=_marked,
    ),
    Rule(
        id="personal-not-logged",
        quality=Quality.SILVER,
        sentence="What a parameter or field holds that is marked as `Personal` is in no log at debug level, also when "
        "requests fail.",
        check=_in_no_log,
    ),
)
