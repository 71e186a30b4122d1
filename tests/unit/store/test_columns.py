"""Times and key ranges, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.store.columns import from_microseconds, to_microseconds
from backhaul.store.key_ranges import end_of_prefix

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
edges = st.sampled_from(["", "\ud7ff", "\ue000", "\uffff", "\U0010ffff", "a\U0010ffff", "[", "[\U0010ffff\U0010ffff"])


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3)), timezone(timedelta(minutes=345))])))
def test_a_time_survives_to_the_microsecond(moment: datetime) -> None:
    back = from_microseconds(to_microseconds(moment))
    assert back == moment
    assert back.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_numbers_sort_as_their_times_do(one: datetime, other: datetime) -> None:
    assert (to_microseconds(one) < to_microseconds(other)) == (one < other)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(TypeError):
        to_microseconds(datetime(2026, 3, 1))


@given(texts | edges, texts | edges)
def test_a_range_holds_exactly_what_begins_with_the_prefix(prefix: str, other: str) -> None:
    end = end_of_prefix(prefix)
    for text in (other, prefix + other):
        # Databases compare the UTF-8 bytes.
        key, low = text.encode(), prefix.encode()
        inside = key >= low and (end is None or key < end.encode())
        assert inside == text.startswith(prefix)
