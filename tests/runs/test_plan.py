"""Plans of YAML workflows: every effect is listed and none is made; what depends on one is never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from backhaul.runs.planning.modes import PLAN
from backhaul.runs.progress import RunObserver
from backhaul.store.records import RunRecord, RunStatus
from crash_scenario import CHILD
from runs.planning import document, effects_of, make_plan, planned
from world import Lab, open_lab

pytestmark = pytest.mark.anyio


def known_after(step: str) -> dict[str, str]:
    return {"$known_after_apply": step}


EVERYTHING = """
steps:
  - {id: things, call: world.things, with: {count: 15, page: 10}}
  - {id: four, call: world.look, with: {value: 4}}
  - id: all
    each: ${{ steps.things }}
    key: ${{ item.name }}
    concurrency: 3
    do:
      - {id: odd, set: {is: "${{ item.id % 2 == 1 }}"}}
      - id: put
        if: ${{ steps.odd.is }}
        call: world.put
        with: {name: "${{ item.name }}", value: "${{ steps.four }}"}
  - {id: ring, call: world.ring, with: {name: bell}}
  - {id: said, call: world.put, with: {name: "after ${{ steps.ring }}", value: 1}}
  - id: both
    parallel:
      - {id: left, call: world.put, with: {name: left}}
      - {id: right, do: [{id: removed, call: world.remove, with: {name: right}}]}
  - {id: sub, run: child}
  - {id: rest, wait: {for: 2h}}
  - id: told
    emit: {type: all.done, subject: s, data: {n: "${{ steps.all.steps.put.succeeded }}", rang: "${{ steps.ring }}"}}
output: {put: "${{ steps.all.steps.put.succeeded }}", rang: "${{ steps.ring }}"}
"""


async def test_a_plan_lists_every_effect_and_makes_none(lab: Lab) -> None:
    lab.define(CHILD, name="child")
    plan = await planned(lab, EVERYTHING)
    effects = effects_of(plan)
    odd = {f"all[T{n}]/put": ("world.put", {"name": f"T{n}", "value": 4}) for n in range(1, 15, 2)}
    assert effects == {
        **odd,
        "ring": ("world.ring", {"name": "bell"}),
        "said": ("world.put", {"name": known_after("ring"), "value": 1}),
        "both/left": ("world.put", {"name": "left"}),
        "both/right/removed": ("world.remove", {"name": "right"}),
        "sub > inner": ("world.put", {"name": "inner"}),
        "told": (
            "emit",
            {"type": "all.done", "subject": "s", "data": {"n": 7, "rang": known_after("ring")}, "key": None},
        ),
    }
    assert {line["do"] for line in lab.done()} == {"page"}
    assert (await lab.store.events())[0] == []
    assert [one["step"] for one in plan["waits"]] == ["rest"]
    assert plan["summary"]["by_effect"] == {"delete": 1, "emit": 1, "once": 1, "write": 10}


async def test_a_plan_is_a_run_in_the_history_whose_output_shows_what_is_not_known(lab: Lab) -> None:
    lab.define(CHILD, name="child")
    run = await make_plan(lab, lab.define(EVERYTHING))
    stored = await lab.store.run(run.run_id)
    assert stored is not None
    assert stored.mode == {"mode": "plan"}
    assert stored.output == {"put": 7, "rang": known_after("ring")}
    assert stored.step_counts is not None
    assert stored.step_counts["planned"] == 13  # 12 effects of its own and a wait


async def test_what_depends_on_an_effect_is_undetermined_and_not_guessed(lab: Lab) -> None:
    plan = await planned(
        lab,
        """
        steps:
          - {id: ring, call: world.ring, with: {name: bell}}
          - {id: maybe, if: "${{ steps.ring == 'rang bell' }}", call: world.put, with: {name: maybe}}
          - {id: some, each: "${{ steps.ring }}", do: [{id: one, call: world.put, with: {name: "${{ item }}"}}]}
          - id: after
            if: ${{ status.maybe == 'succeeded' }}
            do: [{id: inner, call: world.remove, with: {name: a}}]
          - {id: sure, call: world.put, with: {name: sure}}
        """,
    )
    assert list(effects_of(plan)) == ["ring", "sure"]
    assert [(one["step"], one["reason"], one["may_change"]) for one in plan["undetermined"]] == [
        ("maybe", "whether it is done depends on ring, known after apply", ["world"]),
        ("some", "what it goes through depends on ring, known after apply", ["world"]),
        ("after", "whether it is done depends on maybe, known after apply", ["world"]),
    ]


async def test_reading_what_an_effect_would_have_changed_is_left_until_then(lab: Lab) -> None:
    plan = await planned(
        lab,
        """
        steps:
          - {id: before, call: world.look, with: {value: 1}}
          - {id: put, call: world.put, with: {name: a}}
          - {id: after, call: world.look, with: {value: 2}}
          - {id: told, emit: {type: x.y, data: {before: "${{ steps.before }}", after: "${{ steps.after }}"}}}
        """,
    )
    assert effects_of(plan)["told"][1]["data"] == {"before": 1, "after": known_after("after")}
    assert [(one["step"], one["may_change"]) for one in plan["undetermined"]] == [("after", [])]


async def test_the_items_of_an_each_and_branches_do_not_hide_each_other(lab: Lab) -> None:
    plan = await planned(
        lab,
        """
        steps:
          - id: all
            each: [1, 2, 3, 4]
            concurrency: 2
            do:
              - {id: look, call: world.look, with: {value: "${{ item }}"}}
              - {id: put, call: world.put, with: {name: "n${{ item }}", value: "${{ steps.look }}"}}
          - {id: after, call: world.look, with: {value: 9}}
          - {id: told, call: world.ring, with: {name: "x${{ steps.after }}"}}
        """,
    )
    assert [effects_of(plan)[f"all[{n}]/put"][1] for n in range(4)] == [
        {"name": f"n{n}", "value": n} for n in (1, 2, 3, 4)
    ]
    assert effects_of(plan)["told"][1] == {"name": known_after("after")}
    plan = await planned(
        lab,
        """
        steps:
          - id: both
            parallel:
              - id: left
                do:
                  - {id: a, call: world.look, with: {value: 1}}
                  - {id: b, call: world.put, with: {name: "l${{ steps.a }}"}}
              - id: right
                do:
                  - {id: c, call: world.look, with: {value: 2}}
                  - {id: d, call: world.put, with: {name: "r${{ steps.c }}"}}
          - {id: after, call: world.look, with: {value: 3}}
        """,
    )
    assert [params["name"] for _, params in effects_of(plan).values()] == ["l1", "r2"]
    assert [one["step"] for one in plan["undetermined"]] == ["after"]


async def test_how_a_handled_effect_goes_is_not_known_and_counts_are_not_either(lab: Lab) -> None:
    plan = await planned(
        lab,
        """
        steps:
          - id: all
            each: [1, 2]
            do:
              - {id: put, call: world.put, with: {name: "n${{ item }}"}, on_error: continue}
          - {id: told, emit: {type: x.y, data: "${{ steps.all.steps.put.failed }}"}}
          - {id: ring, call: world.ring, with: {name: a}, on_error: continue}
          - {id: repair, if: "${{ status.ring == 'failed' }}", call: world.put, with: {name: repaired}}
        """,
    )
    assert effects_of(plan)["told"][1]["data"] == known_after("all")
    assert [one["step"] for one in plan["undetermined"]] == ["repair"]


async def test_results_of_an_each_keep_what_is_not_known_item_by_item(lab: Lab) -> None:
    plan = await planned(
        lab,
        """
        steps:
          - id: all
            each: [1, 2]
            do:
              - {id: ring, call: world.ring, with: {name: "n${{ item }}"}}
            output: {n: "${{ item }}", said: "${{ steps.ring }}"}
          - id: again
            each: ${{ steps.all.results }}
            key: k${{ item.n }}
            do:
              - {id: put, call: world.put, with: {name: "${{ item.said }}", value: "${{ item.n }}"}}
          - id: found
            set:
              one: ${{ lookup(steps.all.results, 'n', 2).said }}
              all: ${{ count_by(steps.all.results, 'said') }}
          - {id: told, emit: {type: x.y, data: "${{ steps.found }}"}}
        """,
    )
    assert effects_of(plan)["again[k2]/put"][1] == {"name": known_after("all[1]/ring"), "value": 2}
    assert effects_of(plan)["told"][1]["data"] == {"one": known_after("all[1]/ring"), "all": known_after("all[0]/ring")}


async def test_parameters_that_do_not_fit_fail_the_plan_as_they_would_the_run(lab: Lab) -> None:
    run = await make_plan(lab, lab.define("steps: [{id: put, call: world.put, with: {name: a, value: many}}]"))
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert (run.error["type"], run.error["step"]) == ("InputError", "put")


async def test_a_read_that_fails_fails_the_plan(lab: Lab) -> None:
    workflow = lab.define("""
        steps:
          - {id: put, call: world.ring, with: {name: a}}
          - {id: bad, fail: "no ${{ steps.put }}"}
    """)
    run = await make_plan(lab, workflow)
    assert (await document(lab, run))["undetermined"][0]["step"] == "bad"
    run = await make_plan(lab, lab.define("steps: [{id: look, call: world.look, with: {fail: refused}}]"))
    assert run.status is RunStatus.FAILED


async def test_connectors_describe_effects_and_what_cannot_be_described_spoils_no_plan(lab: Lab) -> None:
    plan = await planned(
        lab,
        """
        steps:
          - {id: put, call: world.put, with: {name: a, value: 2}}
          - {id: odd, call: world.put, with: {name: b, fail: refused}}
          - {id: ring, call: world.ring, with: {name: c}}
        """,
    )
    put, odd, ring = plan["effects"]
    assert (put["describe"], put["before"], put["after"]) == ("put a: None -> 2", {"value": None}, {"value": 2})
    assert odd["note"] == "not described: the world says no"
    assert ring["describe"] == "world.ring name=c"


async def test_only_so_many_effects_are_described(lab: Lab) -> None:
    text = (
        "steps: [{id: all, each: '${{ range(230) }}', do: [{id: put, call: world.put, with: {name: 'n${{ item }}'}}]}]"
    )
    plan = await planned(lab, text)
    assert sum("note" in effect for effect in plan["effects"]) == 30
    assert plan["effects"][-1]["note"] == "not described: only the first 200 effects are"


async def test_the_runs_own_id_is_known_after_apply(lab: Lab) -> None:
    plan = await planned(lab, "steps: [{id: put, call: world.put, with: {name: 'run ${{ run.id }}', value: 1}}]")
    assert plan["effects"][0]["params"]["name"] == known_after("run")


async def test_a_child_of_a_plan_takes_inputs_that_are_not_known(lab: Lab) -> None:
    lab.define(
        "name: child\ninputs: {n: {type: integer}, s: {type: string}}\n"
        "steps: [{id: put, call: world.put, with: {name: '${{ inputs.s }}', value: '${{ inputs.n }}'}}]",
        name="child",
    )
    plan = await planned(
        lab,
        """
        steps:
          - {id: ring, call: world.ring, with: {name: a}}
          - {id: sub, run: child, with: {n: "${{ steps.ring }}", s: x}}
          - {id: look, call: world.look, with: {value: 1}}
        """,
    )
    assert effects_of(plan)["sub > put"][1] == {"name": "x", "value": known_after("ring")}
    assert [one["step"] for one in plan["undetermined"]] == ["look"]


@pytest.mark.parametrize("verb", ["{event: a.b}", "{approval: {message: please}}"])
async def test_waits_for_others_are_passed_and_what_they_bring_is_not_known(lab: Lab, verb: str) -> None:
    text = f"""
        steps:
          - {{id: rest, wait: {verb}}}
          - {{id: put, call: world.put, with: {{name: a, value: "${{{{ steps.rest.data.n }}}}"}}}}
    """
    plan = await planned(lab, text)
    assert effects_of(plan)["put"][1] == {"name": "a", "value": known_after("rest")}


async def test_a_plan_that_was_interrupted_goes_on_and_is_the_same(tmp_path: Path) -> None:
    stopper = Stopper()
    stopped = 0
    async with open_lab(f"sqlite:///{tmp_path}/store.db", tmp_path / "world", observer=stopper) as lab:
        lab.define(CHILD, name="child")
        workflow = lab.define(EVERYTHING)
        whole = await document(lab, await make_plan(lab, workflow))
        for stop_at in range(1, 25):
            run = await lab.executor.start(workflow, {}, mode=PLAN)
            stopper.arm(lab, run, stop_at)
            run = await lab.executor.execute(run.run_id)
            stopped += run.status is RunStatus.RUNNING
            stopper.left = 0
            run = run if run.status is RunStatus.SUCCEEDED else await lab.executor.execute(run.run_id)
            again = await document(lab, run)
            assert effects_of(again) == effects_of(whole), f"stopped at {stop_at}"
            assert again["undetermined"] == whole["undetermined"]
    assert stopped > 15


class Stopper(RunObserver):
    """Stops a run at its n-th step."""

    def __init__(self) -> None:
        self.left = 0

    def arm(self, lab: Lab, run: RunRecord, at: int) -> None:
        self.lab, self.run_id, self.left = lab, run.run_id, at

    def step_started(self, key: str, verb: str, action: str | None) -> None:
        self.left -= 1
        if self.left == 0:
            self.lab.executor.stop(self.run_id)
