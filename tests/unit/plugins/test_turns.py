"""The order in which waiting requests start."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from backhaul.plugins.turns import ONE_IN, Request, Turns


def start_next(turns: Turns) -> Request:
    request = turns.first()
    assert request is not None
    turns.start(request)
    return request


def test_the_more_urgent_starts_first_and_a_runs_requests_in_their_order() -> None:
    turns = Turns()
    joined = [turns.join(priority, "a") for priority in (0, 50, 0, 50, 20)]
    order = [start_next(turns) for _ in range(5)]
    assert order == [joined[1], joined[3], joined[4], joined[0], joined[2]]
    assert (len(turns), turns.first()) == (0, None)


def test_runs_of_one_priority_take_turns() -> None:
    turns = Turns()
    for run, count in (("a", 1000), ("b", 2), ("c", 1)):
        for _ in range(count):
            turns.join(0, run)
    assert [start_next(turns).run for _ in range(6)] == ["a", "b", "c", "a", "b", "a"]


def test_a_run_that_asks_one_at_a_time_gets_every_second_turn_beside_a_large_one() -> None:
    turns = Turns()
    for _ in range(100):
        turns.join(0, "large")
    turns.join(0, "small")
    order = []
    for _ in range(20):
        started = start_next(turns)
        order.append(started.run)
        if started.run == "small":
            turns.join(0, "small")
    assert Counter(order) == {"large": 10, "small": 10}


def test_one_in_ten_starts_is_of_somebody_less_urgent() -> None:
    turns = Turns()
    for _ in range(10):
        turns.join(0, "bulk")
        turns.join(20, "manual")
    order = []
    for _ in range(60):
        turns.join(50, "phone")
        order.append(start_next(turns).priority)
    assert Counter(order) == {50: 54, 0: 3, 20: 3}
    assert all(50 not in pair for pair in zip(order[9::10], order[9::10], strict=True))


def test_a_request_that_gives_up_leaves_no_trace() -> None:
    turns = Turns()
    first, second = turns.join(0, "a"), turns.join(0, "a")
    turns.leave(first)
    turns.leave(first)
    assert (len(turns), turns.first()) == (1, second)
    turns.leave(second)
    assert (len(turns), turns.first()) == (0, None)


@given(
    waiting=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=30),
    urgent=st.lists(st.integers(5, 7), min_size=1, max_size=5),
)
def test_nobody_starves_whatever_urgent_requests_keep_coming(waiting: list[tuple[int, int]], urgent: list[int]) -> None:
    turns = Turns()
    left = {turns.join(priority, str(run)).number for priority, run in waiting}
    levels = len({priority for priority, _ in waiting}) + len(set(urgent))
    starts = 0
    while left:
        turns.join(urgent[starts % len(urgent)], "urgent")
        left.discard(start_next(turns).number)
        starts += 1
        assert starts <= ONE_IN * (levels + 1) * (len(waiting) + 1)


@given(st.lists(st.tuples(st.sampled_from(["join", "start", "leave"]), st.integers(0, 3), st.integers(0, 3))))
def test_every_request_starts_or_leaves_exactly_once(moves: list[tuple[str, int, int]]) -> None:
    turns = Turns()
    waiting: dict[int, Request] = {}
    for move, priority, run in moves:
        if move == "join":
            request = turns.join(priority, str(run))
            waiting[request.number] = request
        elif waiting and move == "start":
            del waiting[start_next(turns).number]
        elif waiting:
            turns.leave(waiting.pop(sorted(waiting)[(priority + run) % len(waiting)]))
        assert len(turns) == len(waiting)
    while waiting:
        del waiting[start_next(turns).number]
    assert turns.first() is None
