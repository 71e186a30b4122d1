"""Steps and attempts, on every store."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy import select

from backhaul.errors import BackhaulError, StoreError
from backhaul.store.records import StepRecord, StepStatus
from backhaul.store.store import Store
from backhaul.store.tables import OUTSIDE_EACH, STEPS
from contract.factories import a_page, a_step, an_attempt, at

pytestmark = pytest.mark.anyio


def keys_of(steps: list[StepRecord]) -> list[str]:
    return [step.key for step in steps]


async def test_a_step_comes_back_as_it_was_written(store: Store) -> None:
    step = a_step(
        "sync/create[SN001]",
        seq=2**40,
        action="provider.add_acs_device",
        effect="write",
        status=StepStatus.RETRYING,
        attempt=3,
        handled=True,
        params={"serial": "SN\x00001", "nested": {"b": [1, {"a": None}]}},
        output=[],
        error={"message": "busy"},
        progress={"cursor": "p2"},
        next_attempt_at=at(60),
        finished_at=at(1),
    )
    await store.put_step(step).wait()
    assert await store.step("run1", "sync/create[SN001]") == step
    assert await store.step("run1", "sync") is None
    assert await store.step("run2", "sync/create[SN001]") is None


@pytest.mark.parametrize("value", [0, False, "", [], {}, "x" * 200_000, {"deep": [[[[{"ç": "😀"}]]]]}, -(2**53), 1e300])
async def test_any_json_value_survives(store: Store, value: Any) -> None:
    await store.put_step(a_step(output=value)).wait()
    found = await store.step("run1", "link")
    assert found is not None
    assert found.output == value
    assert type(found.output) is type(value)


async def test_a_value_without_json_form_is_refused_at_once(store: Store) -> None:
    with pytest.raises(BackhaulError, match="no JSON form"):
        store.put_step(a_step(output=object()))
    assert store.writer.pending == 0


async def test_what_is_changed_after_the_append_is_not_written(store: Store) -> None:
    output = {"created": 1}
    ticket = store.put_step(a_step(output=output))
    output["created"] = 2
    await ticket.wait()
    found = await store.step("run1", "link")
    assert found is not None
    assert found.output == {"created": 1}


async def test_writing_a_step_again_replaces_every_field(store: Store) -> None:
    store.put_step(a_step(output=1, error=2, progress=3, params=4, seq=7, next_attempt_at=at(1), handled=True))
    await store.put_step(a_step(seq=8, status=StepStatus.RUNNING)).wait()
    assert await store.steps("run1") == [a_step(seq=8, status=StepStatus.RUNNING)]


async def test_of_many_writes_of_one_step_in_one_group_the_last_counts(store: Store) -> None:
    for number in range(50):
        store.put_step(a_step(output=number))
    await store.barrier()
    assert [step.output for step in await store.steps("run1")] == [49]


async def test_several_steps_are_written_together_or_not_at_all(store: Store) -> None:
    await store.put_steps([a_step("a", 1), a_step("b", 2)]).wait()
    bad = store.put_steps([a_step("c", 3), a_step("broken \ud800", 4), a_step("d", 5)])
    good = store.put_step(a_step("e", 6))
    with pytest.raises(StoreError):
        await bad.wait()
    await good.wait()
    assert keys_of(await store.steps("run1")) == ["a", "b", "e"]


async def test_writing_no_steps_succeeds(store: Store) -> None:
    await store.put_steps([]).wait()
    assert await store.steps("run1") == []


async def test_steps_come_in_the_order_in_which_they_began(store: Store) -> None:
    for seq, key in ((3, "a"), (1, "c"), (2, "b")):
        store.put_step(a_step(key, seq))
    await store.put_step(a_step("other", 1, run_id="run2")).wait()
    assert keys_of(await store.steps("run1")) == ["c", "b", "a"]
    assert await store.max_seq("run1") == 3
    assert await store.max_seq("nobody") == 0


async def test_steps_are_read_in_slices(store: Store) -> None:
    await store.put_steps([a_step(f"s{number}", number + 1) for number in range(7)]).wait()
    assert keys_of(await store.steps("run1", limit=3)) == ["s0", "s1", "s2"]
    assert keys_of(await store.steps("run1", limit=3, after_seq=3)) == ["s3", "s4", "s5"]
    assert keys_of(await store.steps("run1", limit=3, after_seq=6)) == ["s6"]


async def test_steps_are_found_by_the_beginning_of_their_key(store: Store) -> None:
    # Punctuation, case and letters beyond ASCII: languages order them otherwise than code points do.
    keys = ["link", "link[1]", "link[2]/a", "link[ç]", "link[😀]", "link_2", "Link[1]", "lin", "link%", "\U0010ffff"]
    await store.put_steps([a_step(key, seq) for seq, key in enumerate(keys, 1)]).wait()
    for prefix in ("link", "link[", "link[2]/", "Link", "link%", "link_", "link[\U0001f600", "\U0010ffff", "", "zzz"):
        expected = [key for key in keys if key.startswith(prefix)]
        assert keys_of(await store.steps("run1", prefix=prefix)) == expected, prefix


async def test_steps_are_found_by_many_keys(store: Store) -> None:
    await store.put_steps([a_step(f"each[{number}]", number + 1) for number in range(1500)]).wait()
    wanted = [f"each[{number}]" for number in reversed(range(0, 1500, 2))] + ["nobody"]
    found = await store.steps("run1", keys=wanted)
    assert keys_of(found) == [f"each[{number}]" for number in range(0, 1500, 2)]
    assert keys_of(await store.steps("run1", keys=wanted, limit=2)) == ["each[0]", "each[2]"]
    assert await store.steps("run1", keys=[]) == []


async def test_steps_outside_of_each_are_those_whose_key_names_no_item(store: Store) -> None:
    keys = ["a", "a/b", "a[1]", "a[1]/b", "c_d", "[", "x]"]
    await store.put_steps([a_step(key, seq) for seq, key in enumerate(keys, 1)]).wait()
    assert keys_of(await store.steps("run1", outside_each=True)) == ["a", "a/b", "c_d", "x]"]


async def test_steps_outside_of_each_are_read_without_looking_at_the_items(sqlite_store: Store) -> None:
    await sqlite_store.put_step(a_step()).wait()
    query = str(select(STEPS).where(STEPS.c.run_id == "run1", OUTSIDE_EACH).order_by(STEPS.c.seq))
    with sqlite3.connect(str(sqlite_store.url.database)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", {"run_id_1": "run1"}).fetchall()
    connection.close()
    assert "USING INDEX ix_steps_outside_each" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


async def test_steps_are_found_by_status(store: Store) -> None:
    await store.put_steps([a_step(status.value, seq, status=status) for seq, status in enumerate(StepStatus, 1)]).wait()
    wanted = {StepStatus.RUNNING, StepStatus.UNKNOWN}
    assert set(keys_of(await store.steps("run1", statuses=wanted))) == {"running", "unknown"}


async def test_steps_are_counted_by_status(store: Store) -> None:
    statuses = [StepStatus.SUCCEEDED, StepStatus.SUCCEEDED, StepStatus.FAILED]
    await store.put_steps([a_step(str(seq), seq, status=status) for seq, status in enumerate(statuses)]).wait()
    assert await store.step_counts("run1") == {StepStatus.SUCCEEDED: 2, StepStatus.FAILED: 1}
    assert await store.step_counts("nobody") == {}


async def test_attempts_come_back_in_order(store: Store) -> None:
    attempts = [an_attempt("b", 2, finished_at=at(3)), an_attempt("a", 1), an_attempt("b", 1, next_attempt_at=at(2))]
    for attempt in attempts:
        store.put_attempt(attempt)
    await store.put_attempt(an_attempt("a", 1, error={"message": "no"}, status=StepStatus.UNKNOWN)).wait()
    replaced = an_attempt("a", 1, error={"message": "no"}, status=StepStatus.UNKNOWN)
    assert await store.attempts("run1") == [replaced, attempts[2], attempts[0]]
    assert await store.attempts("run1", "b") == [attempts[2], attempts[0]]
    assert await store.attempts("run2") == []


async def _history(store: Store) -> None:
    await store.put_steps([a_step(key, seq) for seq, key in enumerate(["devices", "link[1]", "link[2]"], 1)]).wait()
    for key in ("devices", "link[2]"):
        store.put_attempt(an_attempt(key))
        store.put_page(a_page(key))
    await store.barrier()


async def test_deleting_steps_takes_their_attempts_and_datasets_along(store: Store) -> None:
    await _history(store)
    await store.delete_steps("run1", iter(["link[2]", "nobody"]))
    assert keys_of(await store.steps("run1")) == ["devices", "link[1]"]
    assert [attempt.key for attempt in await store.attempts("run1")] == ["devices"]
    assert await store.dataset_count("run1", "devices") == 2
    assert await store.dataset_count("run1", "link[2]") == 0


async def test_history_before_a_step_is_copied_to_another_run(store: Store) -> None:
    await _history(store)
    for _ in range(2):
        await store.copy_run_history("run1", "run2", before_seq=3)
    assert await store.steps("run2") == [
        a_step("devices", 1, run_id="run2"),
        a_step("link[1]", 2, run_id="run2"),
    ]
    assert await store.attempts("run2") == [an_attempt("devices", run_id="run2")]
    assert await store.page("run2", "devices", 0) == a_page("devices", run_id="run2")
    assert await store.page("run2", "link[2]", 0) is None
    assert len(await store.steps("run1")) == 3


async def test_chosen_steps_are_copied_and_what_is_there_stays(store: Store) -> None:
    await _history(store)
    await store.put_step(a_step("devices", 9, run_id="run2", output="mine")).wait()
    await store.copy_run_history("run1", "run2", keys=["devices", "link[2]", "nobody"])
    assert [(step.key, step.output) for step in await store.steps("run2")] == [("link[2]", None), ("devices", "mine")]
    assert await store.dataset_count("run2", "link[2]") == 2


async def test_copying_needs_to_know_what(store: Store) -> None:
    with pytest.raises(TypeError):
        await store.copy_run_history("run1", "run2")
