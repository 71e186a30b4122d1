from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backhaul.errors import InputError
from backhaul.triggers.cron import CronTrigger, expression_fault, zone_fault


@pytest.mark.parametrize(
    "expression",
    [
        "0 3 * * *",
        "*/5 * * * *",
        "0 9-17 * * mon-fri",
        "0 0 1,15 JAN-jun *",
        "0 0 29 2 *",
        "0 0 * * 7",
        "0 0 * * 5#2",
        "0 0 l * *",
        "  0  3 * * * ",
        "@daily",
        "@Hourly",
        "@yearly",
    ],
)
def test_five_fields_or_a_name_are_a_cron_expression(expression: str) -> None:
    assert expression_fault(expression) is None
    CronTrigger(expression=expression)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "'' has 0 fields"),
        ("* * * *", "'* * * *' has 4 fields"),
        ("0 0 3 * * *", "'0 0 3 * * *' has 6 fields"),
        ("61 * * * *", "'61 * * * *' is no cron expression: '61' is no minute of cron"),
        ("*/0 * * * *", "'*/0 * * * *' is no cron expression: '*/0' is no minute of cron"),
        ("0 3 * * 1-9", "'0 3 * * 1-9' is no cron expression: '1-9' is no day of the week of cron"),
        ("*/90 * * * *", "'*/90' has a longer step than the minute has values"),
        ("0 */24 * * *", "'*/24' has a longer step than the hour has values"),
        ("0 0 31 2 *", "'0 0 31 2 *' never fires"),
        ("0 0 30 feb *", "'0 0 30 feb *' never fires"),
        ("H * * * *", "'H' is no minute of cron"),
        ("0 R * * *", "'R' is no hour of cron"),
        ("0 0 ? * *", "'?' is no day of the month of cron"),
        ("0 0 * * monday", "'monday' is no day of the week of cron"),
        ("@reboot", "'@reboot' is no schedule"),
        ("@dayly", "'@dayly' is no schedule"),
    ],
)
def test_anything_else_is_refused_with_the_part_that_is_wrong(expression: str, reason: str) -> None:
    fault = expression_fault(expression)
    assert fault is not None
    assert fault.reason.startswith(reason)


def test_a_near_name_is_suggested() -> None:
    assert getattr(expression_fault("@dayly"), "suggestion", "") == "@daily"
    assert getattr(zone_fault("America/Sao_Paolo"), "suggestion", "") == "America/Sao_Paulo"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "America", "/etc/localtime", "a\x00b"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    assert zone_fault(zone) is not None


def test_all_reasons_come_in_one_error() -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(InputError) as caught:
        CronTrigger(
            expression="x",
            timezone="y",
            catch_up="newest",  # type: ignore[arg-type]  # wrong on purpose
            overlap="wait",  # type: ignore[arg-type]  # wrong on purpose
            max_lateness_s=-1,
            jitter_s=-1,
            start=moment,
            end=moment,
        )
    assert len(caught.value.reasons) == 7


def test_start_and_end_are_aware() -> None:
    with pytest.raises(InputError, match="aware"):
        CronTrigger(expression="@daily", start=datetime(2026, 3, 1))


def test_a_name_stands_for_five_fields() -> None:
    assert CronTrigger(expression="@Daily").fields == "0 0 * * *"
    assert CronTrigger(expression=" 0  3 * * *").fields == "0 3 * * *"
