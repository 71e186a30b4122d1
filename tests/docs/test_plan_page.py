"""docs/plan-and-apply.md: its example is a plan that can be read, with the keys that plans have."""

from __future__ import annotations

import json
import re
from pathlib import Path

from backhaul.runs.planning.plan_file import read_plan_file
from backhaul.store.records import RunRecord, RunStatus
from backhaul.testing.clock import FakeClock
from backhaul.views.plan import PlanView, plan_head
from backhaul.workflows.plan_policy import COUNTED

TEXT = (Path(__file__).parents[2] / "docs" / "plan-and-apply.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_example_is_a_plan(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(EXAMPLE)
    assert read_plan_file(file)["workflow"] == "nightly-sync"


def test_the_example_has_the_keys_that_plans_have_and_the_table_names_them() -> None:
    run = RunRecord(
        run_id="r",
        workflow="w",
        digest="d",
        status=RunStatus.SUCCEEDED,
        cause="manual",
        inputs={},
        node="n",
        created_at=FakeClock().now(),
    )
    keys = [*plan_head(run), "effects", *PlanView({}).tail()]
    assert list(json.loads(EXAMPLE)) == keys
    for key in keys:
        assert f"`{key}`" in TEXT, key


def test_the_numbers_of_a_policy_are_named() -> None:
    assert all(f"`{name}`" in TEXT for name in COUNTED)
