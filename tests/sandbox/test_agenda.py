from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from backhaul_connectors.sandbox.agenda import Agenda
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.daily import Daily

DAY_S = 86_400


@given(st.lists(st.integers(0, 50)), st.integers(0, 60))
def test_what_is_due_happens_once_in_order_of_time_and_the_rest_waits(times: list[int], now: int) -> None:
    clock = WorldClock(source=lambda: 0.0)
    agenda = Agenda(clock)
    happened: list[tuple[float, int]] = []

    def note(number: int, at: float) -> None:
        happened.append((at, number))

    for number, when in enumerate(times):
        agenda.at(when, partial(note, number))
    clock.advance(now)
    agenda.run_due()
    assert happened == sorted((when, number) for number, when in enumerate(times) if when <= now)
    agenda.run_due()
    assert len(happened) + len(agenda) == len(times)


def test_what_happens_may_plan_more_and_that_happens_too_if_it_is_due() -> None:
    clock = WorldClock(source=lambda: 0.0)
    agenda = Agenda(clock)
    happened: list[float] = []

    def again(at: float) -> None:
        happened.append(at)
        agenda.at(at + 10, again)

    agenda.at(10, again)
    clock.advance(35)
    assert agenda.run_due() == 3
    assert happened == [10, 20, 30]
    assert agenda.wait_s(at_most=60) == 5
    assert agenda.wait_s(at_most=1) == 1


def test_a_daily_act_keeps_its_local_time_and_can_be_moved_or_ended() -> None:
    clock = WorldClock(source=lambda: 1_900_000_000.0, zone="America/Sao_Paulo")
    agenda = Agenda(clock)
    runs: list[str] = []
    daily = Daily(agenda, clock, lambda: runs.append(clock.local_now()))
    daily.set("05:00")
    for _ in range(48 * 2):
        clock.advance(DAY_S / 48)
        agenda.run_due()
    assert [run[11:13] for run in runs] == ["05", "05"]
    daily.set("06:00")
    daily.set("06:00")
    clock.advance(DAY_S)
    agenda.run_due()
    assert len(runs) == 3
    daily.set(None)
    clock.advance(3 * DAY_S)
    agenda.run_due()
    assert len(runs) == 3
    assert len(agenda) == 0
