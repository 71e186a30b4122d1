"""The API against its own OpenAPI document: requests of every kind, none of which may break it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import anyio.from_thread
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backhaul.app import App
from backhaul.store.service_records import Role
from backhaul.web.api.document import PREFIX, build_api
from backhaul.web.tokens import Tokens
from served import SETTINGS, Served, serving

load_all_checks()

EXAMPLES = 10
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The document does not depend on the project.
DOCUMENT = build_api(cast("App", None), cast("Tokens", None)).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
FOUND = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in FOUND}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served project in a thread of its own: these tests are not asynchronous."""
    settings = SETTINGS
    if request.param == "postgresql":
        server, template = request.getfixturevalue("postgresql"), request.getfixturevalue("_postgresql_template")
        settings += f'[store]\nurl = "{server.url(server.create_database(template))}"\n'
    with (
        anyio.from_thread.start_blocking_portal("asyncio", {"use_uvloop": True}) as portal,
        portal.wrap_async_context_manager(serving(tmp_path_factory.mktemp("project"), settings)) as served,
    ):
        yield served


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


def test_the_document_names_every_operation() -> None:
    assert len(OPERATIONS) == sum(len(item) for item in DOCUMENT["paths"].values())


@pytest.fixture(scope="module")
def known(running: Served, session: requests.Session) -> dict[str, Any]:
    """Values of path parameters for which there is something."""
    headers = {"Authorization": f"Bearer {running.tokens[Role.ADMIN]}"}
    url = running.url + PREFIX
    run = session.post(f"{url}/runs", json={"workflow": "greet"}, headers=headers, timeout=30).json()
    plan = session.post(f"{url}/runs", json={"workflow": "ring", "plan": True}, headers=headers, timeout=30).json()
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "1",
        "source": "/doors",
        "type": "door.opened",
        "data": {"wide": True},
    }
    headers["Content-Type"] = "application/cloudevents+json"
    taken = session.post(f"{url}/events", json=event, headers=headers, timeout=30).json()["items"][0]
    token: dict[str, Any] = {"name": "spare", "role": "viewer"}
    headers["Content-Type"] = "application/json"
    made = session.post(f"{url}/tokens", json=token, headers=headers, timeout=30).json()
    return {
        "workflow": "greet",
        "number": 1,
        "run_id": run["run_id"],
        "plan_id": plan["run_id"],
        "key": "said",
        "event_id": taken["event_id"],
        "token_id": made["token_id"],
    }


@pytest.mark.parametrize("mode", schemathesis.GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_request_breaks_the_api(
    running: Served, session: requests.Session, name: str, mode: schemathesis.GenerationMode
) -> None:
    _try_out(running, session, OPERATIONS[name].as_strategy(generation_mode=mode))


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "{" in name])
def test_no_request_about_something_that_exists_breaks_the_api(
    running: Served, session: requests.Session, known: dict[str, Any], name: str
) -> None:
    values = {**known, "name": "bell" if "/connections" in name else "greet"}
    if name.endswith("/plan"):
        values["run_id"] = known["plan_id"]
    parameters = {one: values[one] for one in re.findall(r"{(\w+)}", name)}
    found = _try_out(running, session, OPERATIONS[name].as_strategy(path_parameters=parameters))
    if not name.endswith(("/fork", "/resolve")):  # these name a step in their body
        assert found - {404, 422}


def _try_out(running: Served, session: requests.Session, cases: st.SearchStrategy[Any]) -> set[int]:
    """Send examples and check the answers; return their statuses."""
    headers = {"Authorization": f"Bearer {running.tokens[Role.ADMIN]}"}
    found: set[int] = set()

    @seed(20310110)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=cases)
    def try_it(case: Any) -> None:
        answer = case.call_and_validate(
            base_url=running.url + PREFIX, session=session, headers=headers, checks=CHECKS, timeout=30
        )
        found.add(answer.status_code)

    try_it()
    return found
