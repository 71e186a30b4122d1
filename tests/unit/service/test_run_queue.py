"""Which queued run begins next: the urgent ones first, within places and slots."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backhaul.service.run_queue import URGENT, RunQueue
from backhaul.store.service_records import QueuedRun

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_run(run_id: str, *, priority: int = 0, slots: Any = None, second: float = 0.0) -> QueuedRun:
    return QueuedRun(
        run_id=run_id,
        workflow="w",
        status="queued",
        priority=priority,
        slots=slots,
        created_at=NOON + timedelta(seconds=second),
    )


def begun(queue: RunQueue) -> list[str]:
    found = []
    while (run := queue.take()) is not None:
        found.append(run.run_id)
    return found


def test_the_more_urgent_goes_first_then_the_older() -> None:
    queue = RunQueue(10)
    for number, priority in enumerate((0, 20, 50, 20, 0)):
        queue.add(a_run(f"r{number}", priority=priority, second=-number))
    assert begun(queue) == ["r2", "r3", "r1", "r4", "r0"]


def test_a_fifth_of_the_places_is_kept_for_urgent_runs() -> None:
    queue = RunQueue(10)
    for number in range(20):
        queue.add(a_run(f"bulk{number:02}", second=number))
    assert len(begun(queue)) == 8
    for number in range(5):
        queue.add(a_run(f"phone{number}", priority=URGENT, second=99))
    assert begun(queue) == ["phone0", "phone1"]
    assert queue.under_way == 10
    queue.leave("phone0", keeps_slots=False)
    assert begun(queue) == ["phone2"]


def test_a_single_place_is_enough_for_any_run() -> None:
    queue = RunQueue(1)
    queue.add(a_run("bulk"))
    assert begun(queue) == ["bulk"]


def test_a_run_is_queued_once_and_not_while_it_is_under_way() -> None:
    queue = RunQueue(10)
    for _ in range(3):
        queue.add(a_run("r"))
    assert begun(queue) == ["r"]
    queue.add(a_run("r"))
    assert begun(queue) == []
    queue.leave("r", keeps_slots=False)
    queue.add(a_run("r"))
    assert begun(queue) == ["r"]


def test_slots_are_counted_by_key() -> None:
    queue = RunQueue(10)
    for number in range(6):
        queue.add(a_run(f"r{number}", slots=[[f"link:SN{number % 2}", 1]], second=number))
    assert begun(queue) == ["r0", "r1"]
    queue.leave("r1", keeps_slots=False)
    assert begun(queue) == ["r3"]
    queue.leave("r0", keeps_slots=False)
    queue.leave("r3", keeps_slots=False)
    assert begun(queue) == ["r2", "r5"]


def test_a_run_without_a_free_slot_holds_up_no_other() -> None:
    queue = RunQueue(10)
    queue.add(a_run("first", slots=[["k", 1]]))
    queue.add(a_run("second", slots=[["k", 1]], priority=90, second=1))
    queue.add(a_run("other", second=2))
    assert begun(queue) == ["second", "other"]


def test_a_waiting_run_keeps_its_slots_but_no_place() -> None:
    queue = RunQueue(1)
    slots = [["k", 1]]
    queue.add(a_run("waits", slots=slots))
    queue.add(a_run("behind", slots=slots, second=1))
    assert begun(queue) == ["waits"]
    queue.leave("waits", keeps_slots=True)
    assert begun(queue) == []
    assert queue.holders() == ["waits"]
    queue.add(a_run("waits", slots=slots))
    assert begun(queue) == ["waits"]
    queue.leave("waits", keeps_slots=False)
    assert begun(queue) == ["behind"]


def test_a_waiting_run_that_was_cancelled_frees_its_slots() -> None:
    queue = RunQueue(5)
    queue.hold(a_run("waits", slots=[["k", 1]]))
    queue.add(a_run("behind", slots=[["k", 1]]))
    assert begun(queue) == []
    queue.release("waits")
    assert begun(queue) == ["behind"]


def test_a_slot_that_becomes_free_goes_to_the_most_urgent_in_line() -> None:
    queue = RunQueue(10)
    queue.add(a_run("a", slots=[["k", 1]]))
    assert begun(queue) == ["a"]
    for run_id, priority in (("b", 0), ("c", 50), ("d", 20)):
        queue.add(a_run(run_id, slots=[["k", 1]], priority=priority, second=1))
        assert begun(queue) == []
    for ended, following in (("a", "c"), ("c", "d"), ("d", "b")):
        queue.leave(ended, keeps_slots=False)
        assert begun(queue) == [following]


def test_ten_thousand_runs_in_one_line_cost_no_more_each_than_a_few() -> None:
    queue = RunQueue(10)
    for number in range(10_000):
        queue.add(a_run(f"r{number:05}", slots=[["k", 1]], second=number))
    began = time.perf_counter()
    done = 0
    while (run := queue.take()) is not None:
        queue.leave(run.run_id, keeps_slots=False)
        done += 1
    assert done == 10_000
    assert time.perf_counter() - began < 5  # all of them looked at for each would take minutes


RUNS = st.lists(
    st.tuples(st.sampled_from([0, 20, 50]), st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=2)),
    max_size=25,
)


@given(RUNS, st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 3)), st.integers(1, 8), st.randoms())
def test_limits_hold_and_every_run_has_its_turn(
    runs: list[tuple[int, list[str]]], limits: dict[str, int], places: int, dice: Any
) -> None:
    queue = RunQueue(places)
    slots_of = {}
    waited: set[str] = set()
    holding: set[str] = set()
    for number, (priority, keys) in enumerate(runs):
        slots = [[key, limits.get(key, 1)] for key in keys]
        slots_of[f"r{number}"] = slots
        queue.add(a_run(f"r{number}", priority=priority, slots=slots, second=number))
    ended: list[str] = []
    under_way: set[str] = set()
    waiting: list[str] = []
    while len(ended) < len(runs):
        under_way.update(begun(queue))
        holding |= under_way
        assert len(under_way) <= places
        for key in "abc":
            assert sum(any(name == key for name, _ in slots_of[run]) for run in holding) <= limits.get(key, 1)
        assert under_way or waiting, "somebody can always begin"
        if waiting and (not under_way or dice.random() < 0.5):
            run_id = waiting.pop(0)
            if dice.random() < 0.3:  # cancelled while it waited
                queue.release(run_id)
                holding.discard(run_id)
                ended.append(run_id)
            else:
                queue.add(a_run(run_id, slots=slots_of[run_id]))
            continue
        run_id = dice.choice(sorted(under_way))
        under_way.discard(run_id)
        if run_id not in waited and dice.random() < 0.3:
            waited.add(run_id)
            waiting.append(run_id)
            queue.leave(run_id, keeps_slots=True)
        else:
            holding.discard(run_id)
            ended.append(run_id)
            queue.leave(run_id, keeps_slots=False)
    assert not queue._lines
    assert not queue._lines_of
    assert not queue._taken
