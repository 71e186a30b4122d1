"""A small HTTP server on loopback for benchmarks, to be run in a process of its own."""

from __future__ import annotations

import socket
import time
from typing import Any

import uvicorn


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request with a small JSON."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json"), (b"content-length", b"9")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"ok": 1}'})


def serve(port: int) -> None:
    """Serve on loopback until the process is ended."""
    uvicorn.run(answer, port=port, log_level="critical", lifespan="off")


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when somebody listens; give up after ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("the server of the benchmark did not start")
