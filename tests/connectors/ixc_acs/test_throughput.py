"""Speeds out of counters, with guards against counters that lie. Source: tr069 reference, section 4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul_connectors.ixc_acs.diagnostics import DiagnosticState, state_of
from backhaul_connectors.ixc_acs.reachability import neighbor_scan_of, ping_of, traceroute_of
from backhaul_connectors.ixc_acs.speed_test import speed_test_of
from backhaul_connectors.ixc_acs.throughput import throughput_of

BEGIN, END = "2031-01-10T12:00:00.000000Z", "2031-01-10T12:00:08.000000Z"
TIMES = {"bomtime": "2031-01-10T12:00:00.100000Z", "eomtime": "2031-01-10T12:00:08.100000Z"}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text() | st.sampled_from(["download", "upload", "state", "BOMTime", "TestBytesReceived", "channel"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def test_download_upload_and_full_loading() -> None:
    assert throughput_of({**TIMES, "testbytesreceived": 100_000_000}, upload=False).mbps == 100.0
    assert throughput_of({**TIMES, "testbytessent": "50000000", "testfilelength": 1}, upload=True).mbps == 50.0
    assert throughput_of({**TIMES, "testfilelength": 50_000_000}, upload=True).mbps == 50.0
    full = {"testbytesreceivedunderfullloading": 125_000_000, "periodoffullloading": 2_000_000}
    assert throughput_of({**TIMES, **full, "testbytesreceived": 1}, upload=False).mbps == 500.0


def test_the_whole_traffic_never_counts_as_the_speed() -> None:
    assert throughput_of({**TIMES, "totalbytesreceived": 10**9}, upload=False).mbps is None


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [
        ({"bomtime": END, "eomtime": BEGIN, "testbytesreceived": 10**8}, "before the first"),
        ({"bomtime": BEGIN, "eomtime": BEGIN, "testbytesreceived": 10**8}, "before the first"),
        ({"bomtime": "0001-01-01T00:00:00Z", "eomtime": END, "testbytesreceived": 10**8}, "missing"),
        ({"bomtime": "2031-01-10T12:00:00Z", "eomtime": "2031-01-10T12:00:01Z", "testbytesreceived": 10**8}, "coarse"),
        ({**TIMES, "testbytesreceived": 10**8, "totalbytesreceived": 10**6}, "wrapped"),
        ({**TIMES, "testbytesreceived": 0}, "no byte"),
        ({**TIMES, "testbytesreceived": 10**17}, "faster than any line"),
    ],
)
def test_counters_that_cannot_be_believed_give_no_speed(fields: dict[str, object], doubt: str) -> None:
    result = throughput_of(fields, upload=False)
    assert result.mbps is None
    assert doubt in (result.doubt or "")


def test_wrapped_counters_are_unwrapped_where_the_size_is_known() -> None:
    size = 5_000_000_000
    fields = {**TIMES, "testfilelength": size, "testbytessent": size - 2**32}
    assert throughput_of(fields, upload=True).mbps == 5000.0
    assert throughput_of({**TIMES, "testbytesreceived": 3_000_000_000 - 2**32}, upload=False).mbps == 3000.0


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Complete", "finished"),
        ("Completed", "finished"),
        ("Error_InitConnectionFailed", "failed"),
        ("Error", "failed"),
        ("Canceled", "failed"),
        ("Requested", "running"),
        ("None", "none"),
        (None, "none"),
    ],
)
def test_both_spellings_of_the_end_count_and_error_words_are_kept(word: str | None, state: str) -> None:
    """Trap 13."""
    assert state_of(word, has_result=False).value == state
    if state == "failed":
        assert ping_of("A1", {"DiagnosticsState": word}).error == word


def test_a_failed_half_makes_the_test_fail_with_its_word() -> None:
    answer = {
        "state": "Completed",
        "download": {"DiagnosticsState": "Error_NoResponse"},
        "upload": {"DiagnosticsState": "Complete", "TestFileLength": 10**7, "BOMTime": BEGIN, "EOMTime": END},
        "contracted": {"download": "310M", "upload": 155.0},
    }
    test = speed_test_of("A1", answer)
    assert (test.state, test.error, test.upload_mbps) == ("failed", "Error_NoResponse", 10.0)
    assert (test.contracted_download_mbps, test.contracted_upload_mbps) == (310.0, 155.0)


def test_speeds_that_the_acs_computes_itself_are_taken() -> None:
    assert speed_test_of("A1", {"download": {"mbps": 300.5}, "upload": {"speed": "150 M"}}).download_mbps == 300.5
    assert speed_test_of("A1", {"downloadMbps": 99, "uploadMbps": 9}).upload_mbps == 9.0


def test_hops_of_both_data_models_and_pings_without_answer() -> None:
    old = {"DiagnosticsState": "Complete", "RouteHops": [{"HopHost": "a", "HopRTTimes": "1,0,3", "HopErrorCode": 0}]}
    new = {"DiagnosticsState": "Complete", "RouteHops": [{"Host": "a", "RTTimes": [1, 0, 3], "ErrorCode": 11}]}
    assert traceroute_of("A1", old).hops[0].rtt_ms == traceroute_of("A1", new).hops[0].rtt_ms == (1, 0, 3)
    silent = ping_of("A1", {"DiagnosticsState": "Complete", "SuccessCount": 0, "AverageResponseTime": 0})
    assert (silent.state, silent.average_ms) == ("finished", None)


@pytest.mark.parametrize("name", ["rssi", "signal", "noise"])
def test_a_neighbour_has_its_signal_under_one_of_three_names(name: str) -> None:
    scan = neighbor_scan_of("A1", [{"channel": "6", name: "-51", "bandwidth": "40MHz"}])
    assert (scan.neighbors[0].signal_dbm, scan.neighbors[0].bandwidth_mhz, scan.state) == (-51.0, 40, "finished")
    assert neighbor_scan_of("A1", []).state is DiagnosticState.NONE
    assert neighbor_scan_of("A1", [{"state": "Error"}]).error == "Error"


@given(JSON)
def test_parsing_is_total_over_garbage(answer: object) -> None:
    for parse in (speed_test_of, ping_of, traceroute_of, neighbor_scan_of):
        parse("A1", answer)
