"""The ERP's values: every garbage becomes a value or nothing, never an error."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul_connectors.ixc_provider.models import acs_device_of, login_of
from backhaul_connectors.ixc_provider.values import flag, link, moment, plain_text, text, whole

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
PARIS = ZoneInfo("Europe/Paris")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
DATE_LIKE = st.from_regex(r"[0-9/: -]{6,20}", fullmatch=True) | st.datetimes().map(lambda at: f"{at:%Y-%m-%d %H:%M:%S}")


@given(value=JSON | DATE_LIKE)
def test_reading_is_total(value: object) -> None:
    when = moment(value, SAO_PAULO)
    assert when is None or when.tzinfo is UTC
    written, number, linked = text(value), whole(value), link(value)
    assert written is None or written.strip() == written != ""
    assert number is None or -(10**18) < number < 10**18
    assert linked is None or linked > 0
    assert flag(value) in (True, False, None)
    assert len(plain_text(value, 50)) <= 50


@given(
    record=st.dictionaries(
        st.sampled_from(["login", "ativo", "online", "id_cliente", "mac", "ultima_atualizacao"]), JSON
    )
)
def test_every_login_with_an_id_can_be_read(record: dict[str, object]) -> None:
    assert login_of({**record, "id": "5"}, SAO_PAULO).id == 5


@given(
    record=st.dictionaries(
        st.sampled_from(["serial_number", "id_login", "status", "device_primary", "last_inform"]), JSON
    )
)
def test_every_device_with_an_id_can_be_read(record: dict[str, object]) -> None:
    assert acs_device_of({**record, "id": 5}, {}, SAO_PAULO).id == 5


@given(at=st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)))
def test_local_times_come_back_when_written_again(at: datetime) -> None:
    at = at.replace(microsecond=0, fold=0)
    written = at.replace(tzinfo=SAO_PAULO).astimezone(UTC)
    assert moment(f"{at:%Y-%m-%d %H:%M:%S}", SAO_PAULO) == moment(f"{at:%d/%m/%Y %H:%M:%S}", SAO_PAULO) == written


@pytest.mark.parametrize(
    "value",
    ["", "0", None, "0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "2031-02-30", "2031-13-01", "amanhã", 0, True],
)
def test_zero_dates_and_garbage_are_nothing(value: object) -> None:
    """Trap 5."""
    assert moment(value, SAO_PAULO) is None


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        ("2031-01-10 09:30:15", datetime(2031, 1, 10, 12, 30, 15, tzinfo=UTC)),
        ("2031-01-10 09:30", datetime(2031, 1, 10, 12, 30, tzinfo=UTC)),
        ("2031-01-10", datetime(2031, 1, 10, 3, 0, tzinfo=UTC)),
        ("10/01/2031 09:30:15", datetime(2031, 1, 10, 12, 30, 15, tzinfo=UTC)),
        ("10/01/2031", datetime(2031, 1, 10, 3, 0, tzinfo=UTC)),
    ],
)
def test_both_ways_of_writing_dates_are_read(value: str, utc: datetime) -> None:
    assert moment(value, SAO_PAULO) == utc


def test_a_time_that_occurs_twice_is_the_first_one() -> None:
    assert moment("2025-10-26 02:30:00", PARIS) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


def test_the_ends_of_the_calendar_are_nothing() -> None:
    assert moment("0001-01-01 00:00:00", ZoneInfo("Asia/Tokyo")) is None


@pytest.mark.parametrize(
    ("value", "expected"), [("S", True), ("N", False), ("s ", True), ("SS", None), ("P", None), ("H", None), ("", None)]
)
def test_booleans_are_letters(value: str, expected: bool | None) -> None:
    assert flag(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("17", 17), (17, 17), ("0", None), ("", None), (None, None), ("-3", None), ("1.5", None), (True, None)],
)
def test_a_link_is_a_positive_number_or_nothing(value: object, expected: int | None) -> None:
    assert link(value) == expected


def test_messages_lose_their_tags() -> None:
    assert plain_text("Preencha o campo <b>Assunto</b>!<br />\n") == "Preencha o campo Assunto !"
