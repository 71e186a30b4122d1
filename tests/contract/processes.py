"""Other processes that use a store, to be killed or watched by tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


@contextmanager
def running(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start one of the programs; kill it when the block ends."""
    command = [sys.executable, "-W", "error", str(PROGRAMS / program), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line that it prints; empty when it has ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()
