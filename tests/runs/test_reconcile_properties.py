"""For any two sides: the target becomes the source, counts and reasons add up, and no guard lets too much through."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backhaul.store.records import RunRecord, RunStatus
from reconciling import make, output, records
from world import Lab, open_lab, seed, stock_of, want

NAMES = st.sampled_from(["a", "b", "c", "d", "e", "f", "A", "b ", "", "ü", "x/y[1]"])
RECORDS = st.lists(st.fixed_dictionaries({"name": NAMES, "value": st.integers(0, 2)}), max_size=12)
UNIQUE = st.lists(
    st.fixed_dictionaries({"name": st.text("abcdefgh%/[]~", min_size=1, max_size=3), "value": st.integers(0, 2)}),
    max_size=12,
    unique_by=lambda one: one["name"],
)
RULES = """explain:
        - {reason: zero, when: "${{ (item or target).value == 0 }}"}
        - {reason: first letters, side: source, when: "${{ item.name in ['a', 'b', ''] }}"}
        - {reason: doubled, when: "${{ outcome == 'duplicate' }}"}"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the newest schema and nothing in it: making one takes longer than reconciling."""
    folder = tmp_path_factory.mktemp("template")

    async def make_it() -> None:
        async with open_lab(f"sqlite:///{folder}/store.db", folder / "world"):
            pass

    asyncio.run(make_it())
    return folder / "store.db"


async def reconciled(
    template: Path, folder: str, wanted: list[Any], there: list[Any], text: str, *, times: int = 1
) -> tuple[Lab, list[RunRecord], Any]:
    """Reconcile, and return the runs with the first one's records."""
    file = Path(folder) / "world"
    shutil.copy(template, Path(folder) / "store.db")
    want(file, wanted)
    seed(file, there)
    async with open_lab(f"sqlite:///{folder}/store.db", file) as lab:
        runs = [await lab.run(text) for _ in range(times)]
        waits = runs[0].status is RunStatus.WAITING
        return lab, runs, None if waits else await records(lab, runs[0])


@given(wanted=UNIQUE, there=UNIQUE)
@settings(max_examples=40)
def test_the_target_becomes_the_source_and_a_second_run_does_nothing(
    template: Path, wanted: list[Any], there: list[Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = make(more="guard: {max_delete: '100%', min_source: 0}")
        lab, (first, second), found = asyncio.run(reconciled(template, folder, wanted, there, text, times=2))
        by_name = {one["name"]: one["value"] for one in wanted}
        assert {one["name"]: one["value"] for one in stock_of(lab.file)} == by_name
        old = {one["name"]: one["value"] for one in there}
        assert output(first)["created"] == len(by_name.keys() - old.keys())
        assert output(first)["deleted"] == len(old.keys() - by_name.keys())
        assert output(first)["same"] == len(by_name.items() & old.items())
        assert len(found) == output(first)["total"] == len(by_name.keys() | old.keys())
        assert output(second)["same"] == output(second)["total"] == len(by_name)
        done = [line for line in lab.done() if line["do"] in {"put", "remove"}]
        assert len(done) == output(first)["total"] - output(first)["same"]


@given(wanted=RECORDS, there=RECORDS)
@settings(max_examples=50)
def test_counts_and_reasons_add_up_for_any_records(template: Path, wanted: list[Any], there: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = make(more=f"guard: {{max_delete: '100%', min_source: 0}}\n      {RULES}")
        _, (run,), found = asyncio.run(reconciled(template, folder, wanted, there, text))
        counts = output(run)
        assert Counter(one["outcome"] for one in found) == Counter(
            {name: counts[count] for name, count in COUNTS.items() if counts[count]}
        )
        explained = counts["explained"]
        pairs = counts["same"] + counts["updated"]
        assert explained["difference"] == len(wanted) - len(there)
        assert explained["only_in_source"] == len(wanted) - pairs
        assert explained["only_in_target"] == len(there) - pairs
        for side in ("source", "target"):
            total = sum(one["count"] for one in explained["reasons"] if one["side"] == side)
            assert total == explained[f"only_in_{side}"]


COUNTS = {
    **{name: name for name in ("same", "created", "updated", "deleted", "failed", "skipped", "no_key")},
    "duplicate": "duplicates",
}


@given(wanted=UNIQUE, there=UNIQUE, share=st.integers(0, 100), most=st.integers(0, 12), least=st.integers(0, 3))
@settings(max_examples=40)
def test_deletes_never_exceed_the_guard(
    template: Path, wanted: list[Any], there: list[Any], share: int, most: int, least: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        guard = f"guard: {{max_delete: '{share}%', max_delete_count: {most}, min_source: {least}}}"
        lab, (run,), _ = asyncio.run(reconciled(template, folder, wanted, there, make(more=guard)))
        gone = {one["name"] for one in there} - {one["name"] for one in wanted}
        fits = len(gone) * 100 <= share * len(there) and len(gone) <= most and len(wanted) >= least
        assert (run.status is RunStatus.SUCCEEDED) == (fits or not gone)
        assert len(lab.done("remove")) == (len(gone) if fits else 0)
