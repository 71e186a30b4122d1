"""What is said when a temporary database cannot be written."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from backhaul.errors import BackhaulError
from backhaul.runs.scratch import open_scratch, scratch_errors


def test_a_database_that_cannot_be_opened_is_told_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    with pytest.raises(BackhaulError) as caught, scratch_errors():
        sqlite3.connect(tmp_path / "nothing" / "here.db").execute("create table x (y)")
    assert str(caught.value).startswith(
        "a temporary file could not be written (unable to open database file). It is in "
    )
    assert str(tmp_path) in str(caught.value)


def test_a_database_without_room_says_so_again_and_again() -> None:
    database = open_scratch(cache_kib=100)
    database.execute("create table x (y)")
    database.execute("pragma max_page_count = 10")
    with pytest.raises(BackhaulError, match=r"\(database or disk is full\)"), scratch_errors():
        database.execute("insert into x values (zeroblob(1000000))")
    with pytest.raises(BackhaulError, match="a temporary file could not be written"), scratch_errors():
        database.execute("insert into x values (zeroblob(1000000))")
    database.close()


def test_a_mistake_in_a_statement_is_no_matter_of_the_disk() -> None:
    database = open_scratch(cache_kib=100)
    with pytest.raises(sqlite3.ProgrammingError), scratch_errors():
        database.execute("select ?")
    database.close()
