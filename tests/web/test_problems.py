"""Errors over HTTP: problem details for every one, and nothing that is nobody's business."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator

import anyio
import httpx
import pytest
import structlog

from backhaul.errors import (
    BackhaulError,
    DefinitionError,
    InputError,
    RefusedError,
    RunStateError,
    SettingError,
    StoreBusyError,
    StoreError,
    UnknownNameError,
)
from backhaul.json_values import load
from backhaul.logs import configure
from backhaul.problems import Place, Problem
from backhaul.secrets import Secret
from backhaul.store.service_records import Role
from backhaul.web.api.document import BODY_LIMIT
from backhaul.web.problems import MEDIA_TYPE, problem_of
from served import Served

pytestmark = pytest.mark.anyio

SECRET = Secret("never-to-be-shown-anywhere")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure("debug", "json", stream=stream)
    yield stream
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (UnknownNameError("run", "x"), 404, "unknown-name"),
        (InputError("inputs", ["town: is missing"]), 422, "input"),
        (DefinitionError([Problem(Place("a.yaml", 1, 2), "bad-step", "no")]), 422, "definition"),
        (SettingError("backhaul.toml:1", "no"), 422, "setting"),
        (RunStateError("it has ended"), 409, "run-state"),
        (StoreBusyError("locked"), 503, "store-busy"),
        (StoreError("disk full"), 503, "store"),
        (RefusedError("no"), 502, "refused"),
        (BackhaulError("odd"), 500, "backhaul"),
    ],
)
def test_each_error_has_its_status(error: BackhaulError, status: int, kind: str) -> None:
    answer = problem_of(error)
    assert (answer.status_code, answer.media_type) == (status, MEDIA_TYPE)
    document = load(bytes(answer.body))
    assert document.keys() == {"type", "title", "status", "detail", "errors"}
    assert (document["type"], document["status"]) == (f"urn:backhaul:problem:{kind}", status)
    assert ("retry-after" in answer.headers) == (status == 503)


def test_a_problem_shows_no_secret() -> None:
    answer = problem_of(InputError("inputs", [f"town: {SECRET.reveal()} is none"]))
    assert SECRET.reveal().encode() not in bytes(answer.body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/", 404),
        ("GET", "/hooks", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v1/", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/runs/", 404),
        ("DELETE", "/api/v1/runs", 405),
        ("POST", "/healthz", 405),
        ("GET", "/api/v1/runs?limit=0", 422),
        ("GET", "/api/v1/runs?workflow=%00", 400),
        ("GET", "/api/v1/runs/%00", 400),
    ],
)
async def test_what_is_not_there_or_not_allowed_is_a_problem(
    admin: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await admin.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE), answer.text
    assert answer.json()["status"] == status
    assert (status == 405) == ("allow" in answer.headers)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"workflow": "\\ud800"}',
        b"[" * 100_000,
        b"\xff",
        b'{"workflow": "greet", "inputs": {"town": "\\udc00"}}',
    ],
)
async def test_a_body_that_is_no_json_is_a_problem(admin: httpx.AsyncClient, body: bytes) -> None:
    answer = await admin.post("/api/v1/runs", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, MEDIA_TYPE), answer.text


async def test_a_field_that_does_not_fit_is_named(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/api/v1/runs", json={"workflow": 5, "inputs": []})
    assert [one["field"] for one in answer.json()["errors"]] == ["body.workflow", "body.inputs"]


async def test_a_field_that_there_is_not_is_named_with_the_nearest_that_there_is(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/api/v1/runs", json={"workflow": "greet", "prioritty": 5, "zzz": 1})
    assert answer.json()["errors"] == [
        {"field": "body.prioritty", "message": "there is no such field (did you mean 'priority'?)"},
        {"field": "body.zzz", "message": "there is no such field (there are: workflow, inputs, priority, plan)"},
    ]
    answer = await admin.post("/api/v1/runs/x/resolve", json={"step": "a", "as": "done", "ass": 1})
    assert answer.json()["errors"] == [{"field": "body.ass", "message": "there is no such field (did you mean 'as'?)"}]


async def test_a_body_of_another_kind_is_refused(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/api/v1/runs", content=b'{"workflow": "greet"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault == {"field": "body", "message": "a JSON object is needed, sent with Content-Type: application/json"}


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/events"])
async def test_a_body_that_is_too_long_is_refused(served: Served, admin: httpx.AsyncClient, path: str) -> None:
    answer = await admin.post(path, content=b" " * (BODY_LIMIT + 1), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, MEDIA_TYPE)
    # One that does not say how long it will be.
    url = httpx.URL(served.url)
    stream = await anyio.connect_tcp(url.host, url.port or 0)
    async with stream:
        token = served.tokens[Role.ADMIN]
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n"
        size = BODY_LIMIT + 1
        await stream.send(f"{head}Content-Type: application/json\r\n\r\n{size:x}\r\n".encode() + b" " * size)
        with anyio.fail_after(10):
            assert (await stream.receive()).startswith(b"HTTP/1.1 413 ")


async def test_a_mistake_of_ours_shows_nothing_of_itself_but_is_logged(
    served: Served, admin: httpx.AsyncClient, log: io.StringIO
) -> None:
    def broken() -> None:
        raise KeyError(f"a mistake beside {SECRET.reveal()}")

    served.app.schedules._workflows = broken  # type: ignore[assignment]
    answer = await admin.get("/api/v1/schedules")
    assert (answer.status_code, answer.headers["content-type"]) == (500, MEDIA_TYPE)
    assert "mistake beside" not in answer.text
    assert "Traceback" not in answer.text
    assert "a mistake beside ***" in log.getvalue()
    assert SECRET.reveal() not in log.getvalue()
    assert (await admin.get("/api/v1/runs")).status_code == 200


async def test_the_log_shows_neither_tokens_nor_hook_secrets(
    served: Served, admin: httpx.AsyncClient, log: io.StringIO
) -> None:
    await admin.get("/api/v1/runs", params={"workflow": "greet"})
    await admin.post("/hooks/bell/some-secret-of-a-hook")
    text = log.getvalue()
    assert '"path": "/api/v1/runs"' in text
    assert "some-secret-of-a-hook" not in text
    assert not [token for token in served.tokens.values() if token in text]


async def test_a_store_that_is_gone_is_503_and_works_again(served: Served, admin: httpx.AsyncClient) -> None:
    path = served.app.store.url.database
    assert path is not None
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        answer = await admin.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["the store has not written within 2 s"]
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    with anyio.fail_after(10):
        while (await admin.get("/readyz")).status_code != 200:
            await anyio.sleep(0.1)
