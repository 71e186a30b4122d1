"""The event loop of a command."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib.util import find_spec
from typing import TypeVar

import anyio

__all__ = ["run_async"]

ResultT = TypeVar("ResultT")


def run_async(function: Callable[[], Coroutine[object, object, ResultT]]) -> ResultT:
    """Return what an asynchronous function returns, on the fastest event loop there is."""
    options = {"use_uvloop": find_spec("uvloop") is not None}
    return anyio.run(function, backend_options=options)
