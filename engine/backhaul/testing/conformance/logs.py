"""The program's log while something is examined: at debug level, as it would be shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import structlog

from backhaul.logs import configure

__all__ = ["captured_logs"]


@contextmanager
def captured_logs(stream: TextIO) -> Iterator[None]:
    """Write the log of this process to `stream` inside the block, and set logging back as it was afterwards."""
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    configure("debug", "json", stream=stream)
    try:
        yield
    finally:
        structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, number in levels.items():
            logging.getLogger(name).setLevel(number)
