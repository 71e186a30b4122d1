"""The JSON Schema of workflow files, with the actions of a project's connections, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backhaul.json_values import Json
from backhaul.plugins.action import ActionSpec
from backhaul.triggers.cron import CATCH_UP, OVERLAP
from backhaul.workflows.concurrency import MOST
from backhaul.workflows.definition import RetryPolicy
from backhaul.workflows.inputs import INPUT_TYPES
from backhaul.workflows.parameter_schema import parameters_schema
from backhaul.workflows.plan_policy import COUNTED
from backhaul.workflows.reconcile_schema import change_schema, normalize_schema, reconcile_schema
from backhaul.workflows.schema_parts import described as _described
from backhaul.workflows.schema_parts import object_of as _object
from backhaul.workflows.schema_parts import reference as _reference
from backhaul.workflows.yaml_dispatching import HIGHEST_PRIORITY, MOST_RUNS
from backhaul.workflows.yaml_fields import NAME, STEP_ID
from backhaul.workflows.yaml_steps import ERROR_NAMES, MAX_CONCURRENCY

__all__ = ["workflow_schema"]

_DURATION = r"^(?=[0-9])(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?$|^\d+$"
_EXPRESSION = r"^\s*\$\{\{[\s\S]*\}\}\s*$"


def workflow_schema(
    actions: Mapping[str, Mapping[str, ActionSpec]], events: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, Json]:
    """Return the JSON Schema (2020-12) of workflow files.

    Args:
        actions: the actions of every connection: ``call`` knows them, and ``with`` their parameters.
        events: the types of events of the connections that know theirs; editors propose them.
    """
    specs = {f"{connection}.{name}": spec for connection, own in actions.items() for name, spec in own.items()}
    definitions: dict[str, Json] = {
        "expression": _described("An expression: ${{ ... }}.", type="string", pattern=r"\$\{\{"),
        "onlyExpression": _described("One expression: ${{ ... }}.", type="string", pattern=_EXPRESSION),
        "duration": _described(
            "Seconds, or a text such as 30s, 5m, 1h30m, 2d.",
            anyOf=[{"type": "number", "minimum": 0}, {"type": "string", "pattern": _DURATION}],
        ),
        "steps": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}},
        "eventType": _event_type(events or {}),
        "trigger": _trigger(),
        "input": _input(),
        "retry": _retry(),
        "onError": _on_error(),
        "step": _step(specs),
        "normalize": normalize_schema(),
        "change": change_schema(_target(specs), [_parameters_rule(target, spec) for target, spec in specs.items()]),
    }
    for target, spec in specs.items():
        schema, inner = parameters_schema(spec, f"with.{target}")
        definitions[f"with.{target}"] = schema
        definitions.update(inner)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Backhaul workflow",
        **_object(_workflow_properties(), required=["steps"]),
        "$defs": definitions,
    }


def _workflow_properties() -> dict[str, Json]:
    trigger = {"$ref": "#/$defs/trigger"}
    return {
        "name": _described("Unique in the project; the file's name when absent.", type="string", pattern=_whole(NAME)),
        "description": _described("What the workflow is for.", type="string"),
        "on": _described("What starts runs.", anyOf=[{"type": "array", "items": trigger}, trigger]),
        "inputs": _described(
            "Declared inputs by name.",
            type="object",
            propertyNames={"pattern": _whole(STEP_ID)},
            additionalProperties={"$ref": "#/$defs/input"},
        ),
        "timeout": _reference("duration", "Longest time of a run."),
        **_run_properties(),
        "steps": _reference("steps", "What is done, in order."),
        "output": _described("The run's output; any value, with expressions."),
    }


def _run_properties() -> dict[str, Json]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST}
    key = _described("Text with expressions on 'inputs' and 'event'.", type="string", pattern=r"\$\{\{")
    concurrency = _object({"limit": limit, "key": key}, required=["limit"])
    kept = {
        "max_age": _reference("duration", "Time after a run's end."),
        "max_runs": _described("The newest so many runs.", type="integer", minimum=1, maximum=MOST_RUNS),
    }
    cancelling = _object(
        {
            "event": {"$ref": "#/$defs/eventType"},
            "where": _reference("onlyExpression", "Condition on 'event', 'inputs', and 'trigger', which started it."),
        },
        required=["event"],
    )
    number = {"type": "integer", "minimum": 0}
    limits = _described(
        "Plans with fewer effects of each kind are applied at once.",
        **_object(dict.fromkeys(COUNTED, number), minProperties=1),
    )
    return {
        "cancel_on": _described(
            "Events that cancel a run.", anyOf=[{"type": "array", "minItems": 1, "items": cancelling}, cancelling]
        ),
        "priority": _described(
            "The larger, the sooner its runs go; 50 for events, 20 for people, 0 for cron when absent.",
            type="integer",
            minimum=0,
            maximum=HIGHEST_PRIORITY,
        ),
        "concurrency": _described("Runs at the same time, in all or per key.", **concurrency),
        "history": _described("How long ended runs are kept.", **_object(kept, minProperties=1)),
        "plan": _described(
            "Every run makes a plan and waits for a person's yes; small plans need none.",
            anyOf=[{"const": "required"}, _object({"auto_apply_below": limits}, required=["auto_apply_below"])],
        ),
    }


def _whole(pattern: Any) -> str:
    return f"^{pattern.pattern}$"


def _event_type(events: Mapping[str, Mapping[str, str]]) -> dict[str, Json]:
    known = [
        _described(sentence, const=f"{connection}.{name}")
        for connection, types in events.items()
        for name, sentence in types.items()
    ]
    any_other = {"type": "string", "minLength": 1}
    return _described("Type of the event, such as acs.device.added.", anyOf=[*known, any_other])


def _trigger() -> dict[str, Json]:
    moment = _described("Time such as 2026-03-01T06:00, in the trigger's zone.", type="string")
    cron = _object(
        {
            "cron": _described("Five fields, or a name such as @daily.", type="string"),
            "timezone": _described("IANA time zone.", type="string", default="UTC"),
            "catch_up": _described("Which missed ticks are made up for.", enum=list(CATCH_UP), default="latest"),
            "max_lateness": _reference("duration", "Older missed ticks are not made up for."),
            "overlap": _described("What a tick does while a run is going.", enum=list(OVERLAP), default="skip"),
            "jitter": _reference("duration", "Ticks are spread over this time."),
            "start": moment,
            "end": moment,
        },
        required=["cron"],
    )
    event = _object(
        {
            "event": {"$ref": "#/$defs/eventType"},
            "where": _reference("onlyExpression", "Condition on 'event'."),
        },
        required=["event"],
    )
    return {"anyOf": [cron, event]}


def _input() -> dict[str, Json]:
    return _object(
        {
            "type": {"enum": list(INPUT_TYPES), "default": "string"},
            "required": _described("True unless there is a default.", type="boolean"),
            "default": _described("Value when none is given."),
            "description": {"type": "string"},
            "enum": _described("The values that are allowed.", type="array", minItems=1),
        }
    )


def _retry() -> dict[str, Json]:
    usual = RetryPolicy()
    names = {"enum": list(ERROR_NAMES)}
    return _object(
        {
            "attempts": _described("Attempts in all.", type="integer", minimum=1, maximum=1000, default=usual.attempts),
            "delay": _reference("duration", "Time before the second attempt."),
            "backoff": _described("Factor between delays.", type="number", minimum=1, maximum=100),
            "max_delay": _reference("duration", "Longest delay."),
            "on": _described("Errors that are tried again.", anyOf=[{"type": "array", "items": names}, names]),
        }
    )


def _on_error() -> dict[str, Json]:
    body = _object({"do": {"$ref": "#/$defs/steps"}}, required=["do"])
    return {"anyOf": [{"enum": ["fail", "continue"]}, body]}


def _step(specs: Mapping[str, ActionSpec]) -> dict[str, Json]:
    verbs: list[Json] = [
        {"required": [name]} for name in ("call", "parallel", "set", "emit", "run", "fail", "wait", "reconcile")
    ]
    verbs += [{"required": ["each", "do"]}, {"required": ["do"], "not": {"required": ["each"]}}]
    return _object(
        {**_modifier_properties(), **_verb_properties(specs)},
        oneOf=verbs,
        **({"allOf": [_parameters_rule(target, spec) for target, spec in specs.items()]} if specs else {}),
        dependentSchemas={
            **{key: {"required": ["each"]} for key in ("concurrency", "key", "output")},
            "with": {"anyOf": [{"required": ["call"]}, {"required": ["run"]}]},
        },
    )


def _modifier_properties() -> dict[str, Json]:
    return {
        "id": _described("Name under which later steps read it: steps.<id>.", type="string", pattern=_whole(STEP_ID)),
        "name": _described("Title for people.", type="string"),
        "if": _described(
            "Skip the step unless this is true.", anyOf=[{"type": "boolean"}, _reference("onlyExpression")]
        ),
        "timeout": _reference("duration", "Longest time of all attempts."),
        "retry": _reference("retry", "How failed attempts are repeated."),
        "on_error": _reference("onError", "What happens when the step gives up."),
    }


def _verb_properties(specs: Mapping[str, ActionSpec]) -> dict[str, Json]:
    emit = _object(
        {"type": {"type": "string"}, "subject": {}, "data": _described("Any value, with expressions."), "key": {}},
        required=["type"],
    )
    return {
        "call": _target(specs),
        "with": _described("Parameters by name.", type="object"),
        "each": _described(
            "A list or a dataset; 'do' is done for every item.",
            anyOf=[{"$ref": "#/$defs/onlyExpression"}, {"type": "array"}],
        ),
        "do": _reference("steps", "Steps one after the other; with 'each' for every item."),
        "concurrency": _described(
            "Items at the same time.", type="integer", minimum=1, maximum=MAX_CONCURRENCY, default=1
        ),
        "key": _described("Name of an item in step keys, with expressions.", type=["string", "number"]),
        "output": _described("What an item adds to the results."),
        "parallel": _reference("steps", "Steps at the same time."),
        "set": _described("Values by name, with expressions.", type="object"),
        "emit": _described("An event for other workflows.", **emit),
        "run": _described("Name of another workflow.", type="string", pattern=_whole(NAME)),
        "fail": _described("End the run with this message.", type="string", minLength=1),
        "wait": _described("Wait for a time, an event or a person.", anyOf=_waits()),
        "reconcile": reconcile_schema(),
    }


def _target(specs: Mapping[str, ActionSpec]) -> dict[str, Json]:
    if not specs:
        return {"type": "string"}
    return _described(
        "Action of a connection: <connection>.<action>.",
        enum=list(specs),
        enumDescriptions=[f"{spec.summary} ({spec.effect})" for spec in specs.values()],
    )


def _waits() -> list[Json]:
    text = {"type": "string", "minLength": 1}
    approval = _object(
        {
            "to": _described("Who is asked.", **text),
            "message": _described("What is asked.", **text),
            "schema": _described(
                "JSON Schema of the data that comes with the yes.", type=["object", "boolean", "string"]
            ),
            "timeout": _lasting("Then the step fails."),
        },
        required=["message"],
    )
    event = {
        "event": {"$ref": "#/$defs/eventType"},
        "where": _reference("onlyExpression", "Condition on the awaited event, 'event', and everything else."),
        "timeout": _lasting("Then the output is null."),
    }
    return [
        _object({"for": _lasting("How long.")}, required=["for"]),
        _object({"until": _described("ISO 8601; UTC when it has no zone.", **text)}, required=["until"]),
        _object(event, required=["event"]),
        _object({"approval": _described("A person's decision.", **approval)}, required=["approval"]),
    ]


def _lasting(text: str) -> dict[str, Json]:
    return _described(text, anyOf=[{"$ref": "#/$defs/duration"}, {"$ref": "#/$defs/onlyExpression"}])


def _parameters_rule(target: str, spec: ActionSpec) -> dict[str, Json]:
    needed = any(parameter.required for parameter in spec.parameters)
    return {
        "if": {"properties": {"call": {"const": target}}, "required": ["call"]},
        "then": {
            "properties": {"with": {"$ref": f"#/$defs/with.{target}"}},
            **({"required": ["with"]} if needed else {}),
        },
    }
