"""Logs are for people or machines, and hold no secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from backhaul.logs import configure
from backhaul.secrets import Secret

SECRET = Secret("tops3cret/+pw")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def entries(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail() -> None:
    hidden = SECRET.reveal()
    raise ValueError(f"bad {hidden}")


def test_json_is_written_where_nobody_looks_and_holds_the_fields() -> None:
    stream = io.StringIO()
    configure(stream=stream)
    structlog.get_logger("x").bind(connection="acs").info("hello", n=1)
    (entry,) = entries(stream)
    assert entry["event"] == "hello"
    assert (entry["connection"], entry["n"], entry["level"]) == ("acs", 1, "info")
    assert str(entry["timestamp"]).endswith("Z")


@pytest.mark.parametrize("form", ["human", "json"])
def test_no_secret_is_written_by_either_kind_of_logger(form: str) -> None:
    stream = io.StringIO()
    configure("debug", form, stream=stream)  # type: ignore[arg-type]
    value = SECRET.reveal()
    nested = {"list": [value, SECRET, {value: (value,)}], "object": type(value, (), {})()}
    structlog.get_logger("x").bind(bound=value).info(f"event {value}", nested=nested, secret=SECRET)
    logging.getLogger("lib").info("event %s", value, extra={"nested": nested})
    for log in (structlog.get_logger("x"), logging.getLogger("lib")):
        try:
            fail()
        except ValueError:
            log.exception("failed")
    text = stream.getvalue()
    assert "tops3cret" not in text
    assert text.count("Traceback") == 2
    assert text.count("bad ***") == 2


def test_less_important_entries_and_talkative_libraries_are_silent() -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    structlog.get_logger("x").debug("no")
    logging.getLogger("lib").debug("no")
    logging.getLogger("httpx").info("HTTP Request: GET https://x/?token=1")
    logging.getLogger("lib").info("yes")
    assert [(entry["event"], entry["logger"]) for entry in entries(stream)] == [("yes", "lib")]
