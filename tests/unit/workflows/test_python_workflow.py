from __future__ import annotations

import asyncio
import textwrap
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backhaul.errors import DefinitionError, InputError
from backhaul.triggers.cron import CronTrigger
from backhaul.triggers.event import EventTrigger
from backhaul.workflows.definition import HistoryPolicy
from backhaul.workflows.dispatching import slots_of
from backhaul.workflows.inputs import python_arguments, resolve_inputs
from backhaul.workflows.python_workflow import cron, load_python_workflows, on_event

HEAD = """
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from backhaul.plugins.connector import Connector
from backhaul.workflows.python_workflow import cron, on_event, workflow

if TYPE_CHECKING:
    from backhaul.runs.python_run import Run


class Acs(Connector):
    name = "acs"


class Limits(BaseModel):
    most: int = 10

"""


def load(text: str, path: str = "workflows/sync.py") -> list:  # type: ignore[type-arg]
    return load_python_workflows(HEAD + textwrap.dedent(text), path)


def problem(text: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        load_python_workflows(textwrap.dedent(text).lstrip("\n"), "workflows/x.py")
    [found] = caught.value.problems
    return str(found)


def test_the_parameters_of_a_function_say_what_it_wants() -> None:
    [workflow] = load("""
        @workflow(on=[cron("0 3 * * *", timezone="America/Sao_Paulo"), on_event("acs.device.added")], timeout="2h")
        async def nightly_sync(
            run: Run, acs: Acs, max_delete: str = "2%", *, days: int, mode: Literal["a", "b"] = "a",
            tags: list[str] | None = None, limits: Limits = Limits(), dry: bool = False, share: float = 0.5,
        ) -> dict[str, int]:
            \"\"\"Link devices.

            More.
            \"\"\"
            return {}
    """)
    assert (workflow.name, workflow.kind, workflow.description) == ("nightly-sync", "python", "Link devices.")
    assert workflow.timeout_s == 7200
    assert [type(trigger) for trigger in (*workflow.cron, *workflow.events)] == [CronTrigger, EventTrigger]
    assert workflow.run_parameter == "run"
    assert {name: kind.__name__ for name, kind in workflow.connections.items()} == {"acs": "Acs"}
    assert [(item.name, item.type, item.required, item.default, item.enum) for item in workflow.inputs] == [
        ("max_delete", "string", False, "2%", ()),
        ("days", "integer", True, None, ()),
        ("mode", "string", False, "a", ("a", "b")),
        ("tags", "list", False, None, ()),
        ("limits", "object", False, {"most": 10}, ()),
        ("dry", "boolean", False, False, ()),
        ("share", "number", False, 0.5, ()),
    ]


def test_the_first_parameter_without_annotation_is_the_run() -> None:
    [workflow] = load("@workflow()\nasync def a(context, acs: Acs): return 1\n")
    assert (workflow.run_parameter, list(workflow.connections)) == ("context", ["acs"])


def test_a_workflow_may_do_without_the_run() -> None:
    [workflow] = load("@workflow(name='other-name')\nasync def a(n: int = 1): return n\n")
    assert (workflow.name, workflow.run_parameter) == ("other-name", None)


def test_inputs_become_typed_arguments() -> None:
    [workflow] = load("@workflow()\nasync def a(run: Run, limits: Limits, n: int = 1): return limits\n")
    inputs = resolve_inputs(workflow, {"limits": {"most": "3"}, "n": "4"})
    assert inputs == {"limits": {"most": 3}, "n": 4}
    arguments = python_arguments(workflow, inputs)
    assert (arguments["limits"].most, arguments["n"]) == (3, 4)
    with pytest.raises(InputError, match="limits: most: Input should be a valid integer"):
        resolve_inputs(workflow, {"limits": {"most": "x"}})
    with pytest.raises(InputError, match="n: Input should be a valid integer, not 'many'"):
        resolve_inputs(workflow, {"limits": {"most": 3}, "n": "many"})


def test_an_error_shows_no_value_of_what_is_marked_as_personal() -> None:
    [workflow] = load(
        "from backhaul.sdk import Personal\n@workflow()\nasync def a(place: Personal[int], contact: Limits): ...\n"
    )
    with pytest.raises(InputError) as caught:
        resolve_inputs(workflow, {"place": "Rua Direita 5", "contact": {"most": "Ana"}})
    assert "place: Input should be a valid integer" in str(caught.value)
    assert not [value for value in ("Rua Direita", "Ana") if value in str(caught.value)]


def test_a_file_may_hold_several_workflows_and_functions_that_are_none() -> None:
    found = load("""
        @workflow()
        async def one(): ...

        @workflow()
        async def two(): ...

        async def helper(): ...
    """)
    assert [workflow.name for workflow in found] == ["one", "two"]
    assert found[0].digest != found[1].digest
    assert load("async def helper(): ...") == []


def test_the_same_text_is_executed_once_and_another_text_beside_it() -> None:
    text = "@workflow()\nasync def a(): return {}\n"
    one, same, other = (load(text.format(value))[0] for value in (1, 1, 2))
    assert one is same
    assert one.digest != other.digest
    assert one.function is not None
    assert other.function is not None
    assert (asyncio.run(one.function()), asyncio.run(other.function())) == (1, 2)


def test_tracebacks_show_the_lines_of_the_text_that_runs() -> None:
    [workflow] = load("@workflow()\nasync def broken():\n    raise ValueError('deep inside')  # this very line\n")
    assert workflow.function is not None
    try:
        asyncio.run(workflow.function())
    except ValueError:
        assert "# this very line" in traceback.format_exc()


def test_helpers_beside_the_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "_unique_helper_of_this_test.py").write_text("VALUE = 7\n")
    source = HEAD + "from _unique_helper_of_this_test import VALUE\n@workflow()\nasync def a(n: int = VALUE): ...\n"
    [workflow] = load_python_workflows(source, "workflows/helped.py", folder=tmp_path)
    assert workflow.inputs[0].default == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(:\n", "workflows/x.py:1:7: bad-python syntax error: invalid syntax"),
        (
            "import json\nimport no_such_module_anywhere\n",
            "workflows/x.py:2:1: bad-python the import fails: ModuleNotFoundError: No module named "
            "'no_such_module_anywhere'",
        ),
        ("x = 1\nraise SystemExit(3)\n", "workflows/x.py:2:1: bad-python the import fails: SystemExit: 3"),
        (
            "from backhaul.workflows.python_workflow import cron\n\ncron('61 * * * *')\n",
            "workflows/x.py:3:1: bad-python cron trigger '61 * * * *': '61 * * * *' is no cron expression: "
            "'61' is no minute of cron",
        ),
        (
            "from backhaul.workflows.python_workflow import workflow\n@workflow()\ndef a(): ...\n",
            "workflows/x.py:2:1: bad-signature a: a workflow is an 'async def' function that returns its output",
        ),
        (
            "from backhaul.workflows.python_workflow import workflow\n@workflow()\nasync def a(run, x): ...\n",
            "workflows/x.py:2:1: bad-signature a: the parameter 'x' needs a type annotation",
        ),
        (
            "from backhaul.workflows.python_workflow import workflow\n@workflow()\nasync def a(*x: int): ...\n",
            "workflows/x.py:2:1: bad-signature a: the parameter 'x' cannot be given by name",
        ),
        (
            "from backhaul.workflows.python_workflow import workflow\n@workflow()\nasync def a(x: int = 'y'): ...\n",
            "workflows/x.py:2:1: bad-signature a: the default of 'x' does not fit: Input should be a valid integer, "
            "not 'y'",
        ),
        (
            "from backhaul.workflows.python_workflow import workflow\n@workflow()\nasync def a(x: 'Nope'): ...\n",
            "workflows/x.py:2:1: bad-signature a: the annotation 'Nope' of 'x' cannot be resolved: name 'Nope' is not "
            "defined",
        ),
        (
            "from backhaul.workflows.python_workflow import workflow\n@workflow(name='A B')\nasync def a(): ...\n",
            "workflows/x.py:2:1: bad-python the import fails: ValueError: 'A B' is no name of a workflow: write it "
            "like nightly-sync",
        ),
    ],
)
def test_a_broken_file_gives_a_problem_with_its_line(text: str, expected: str) -> None:
    assert problem(text) == expected


def test_the_triggers_of_python_and_yaml_are_the_same() -> None:
    trigger = cron("@daily", timezone="Europe/Paris", max_lateness="1d", jitter="5m")
    assert (trigger.max_lateness_s, trigger.jitter_s) == (86400, 300)
    for where in ("event.data.x > 1", "${{ event.data.x > 1 }}"):
        event = on_event("a.b", where=where)
        assert event.where == "event.data.x > 1"
        assert event.explain({"data": {"x": 2}}) is None
        assert event.explain({"data": {"x": 1}}) is not None


def test_a_condition_may_be_a_function() -> None:
    def is_new(event: object) -> bool:
        return event == {}

    event = on_event("a.b", where=is_new)
    assert event.where == "is_new"
    assert event.explain({}) is None
    filtered = event.explain({"data": {}})
    assert filtered is not None
    assert filtered.reason == "filtered by `is_new`"


def test_a_function_that_fails_filters_and_says_why() -> None:
    def is_large(event: Mapping[str, Any]) -> bool:
        return bool(event["data"]["size"] > 1)

    filtered = on_event("a.b", where=is_large).explain({"data": {}})
    assert filtered is not None
    assert filtered.reason == "filtered by `is_large`: KeyError: 'size'"


RULES = 'priority=70, concurrency=Concurrency(limit=2, key="${{ inputs.serial }}"), history=history(max_age="30d")'


def test_priority_concurrency_and_history_are_stated_in_the_decorator() -> None:
    [workflow] = load(f"""
        from backhaul import Concurrency, history

        @workflow({RULES})
        async def link(run: Run, serial: str) -> None: ...
    """)
    assert workflow.priority == 70
    assert workflow.concurrency is not None
    assert (workflow.concurrency.limit, workflow.history) == (2, HistoryPolicy(max_age_s=30 * 86_400))
    assert slots_of(workflow, {"serial": "SN1"}, None) == [["link:SN1", 2]]


@pytest.mark.parametrize(
    ("decorator", "problem"),
    [
        ("priority=101", "a whole number from 0 to 100, not 101"),
        ("priority=True", "a whole number from 0 to 100, not True"),
        ("concurrency=Concurrency(limit=0)", "limit is a whole number from 1 to 10000, not 0"),
        ('concurrency=Concurrency(limit=1, key="event.data.x")', "key has no expression"),
        ('concurrency=Concurrency(limit=1, key="${{ steps.x }}")', "key cannot read 'steps'"),
        ('concurrency=Concurrency(limit=1, key="${{ inputs.seral }}")', "link: the key of concurrency reads 'seral'"),
        ("history=history()", "max_age or max_runs is needed"),
        ('history=history(max_age="soon")', "'soon' is no duration"),
        ("history=history(max_runs=0)", "max_runs must be more than 0, not 0"),
    ],
)
def test_what_is_wrong_in_the_decorator_is_a_problem_with_its_line(decorator: str, problem: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        load(f"""
            from backhaul import Concurrency, history

            @workflow({decorator})
            async def link(run: Run, serial: str) -> None: ...
        """)
    [found] = caught.value.problems
    assert problem in found.message
    assert found.place.line > 20
