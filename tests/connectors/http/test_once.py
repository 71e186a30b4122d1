"""What became of a request that is never repeated: the step's own read proves it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import ValidationError

from backhaul.sdk import ActionError, AttemptInfo, Json, UnknownOutcomeError, Verdict
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.http import Http, HttpAnswer, Proof
from connector_kit.script import Script, ScriptMaker

pytestmark = pytest.mark.anyio

SETTINGS: dict[str, Json] = {"base_url": "https://api.example.net/v1"}
NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
ORDERS = {"data": [{"ref": "A1", "n": 1}, {"ref": "A7", "n": 7, "done": True}], "state": "open", "empty": []}


async def verdict_of(vendor: Script, proof: Mapping[str, Json] | None, clock: FakeClock | None = None) -> Verdict:
    async with connection_for(
        Http, SETTINGS, transport=vendor.transport, clock=clock or FakeClock(NOW, auto=True)
    ) as api:
        return await api.verify_once(
            path="/orders",
            body={"ref": "A7"},
            verify=None if proof is None else Proof.model_validate(proof),
            attempt=AttemptInfo(started_at=NOW, number=1),
        )


@pytest.mark.parametrize(
    ("proof", "value"),
    [
        ({"at": "state", "equals": "open"}, "open"),
        ({"at": "data", "where": {"ref": "A7"}}, ORDERS["data"][1]),
        ({"at": "data", "where": {"ref": "A7", "n": "7"}}, ORDERS["data"][1]),
        ({"at": "data.0", "where": {"n": 1}}, ORDERS["data"][0]),
        ({"at": "data"}, ORDERS["data"]),
        ({"at": "data.1.done", "equals": True}, True),
    ],
)
async def test_a_value_proves_it(script: ScriptMaker, proof: dict[str, Json], value: Json) -> None:
    vendor = script(httpx.Response(200, json=ORDERS))
    verdict = await verdict_of(vendor, {"path": "/orders", "query": {"ref": "A7"}, **proof})
    assert (verdict.state, verdict.result) == ("done", HttpAnswer(status=200, body=value))
    assert [(request.method, str(request.url)) for request in vendor.requests] == [
        ("GET", "https://api.example.net/v1/orders?ref=A7")
    ]


@pytest.mark.parametrize(
    "proof",
    [
        {"at": "state", "equals": "closed"},
        {"at": "data", "where": {"ref": "A8"}},
        {"at": "data", "where": {"ref": "A1", "n": 7}},
        {"at": "data", "where": {"missing": None}},
        {"at": "empty"},
        {"at": "nowhere"},
        {"at": "data.0.n", "equals": True},
    ],
)
async def test_another_value_is_a_proof_of_nothing_unless_the_step_says_so(
    script: ScriptMaker, proof: dict[str, Json]
) -> None:
    for answer in (httpx.Response(200, json=ORDERS), httpx.Response(404)):
        verdict = await verdict_of(script(answer), {"path": "/orders", **proof})
        assert (verdict.state, "proves nothing" in verdict.reason) == ("unknown", True)
        verdict = await verdict_of(script(answer), {"path": "/orders", "absence_is_proof": True, **proof})
        assert verdict.state == "not_done"


async def test_it_looks_again_for_a_while(script: ScriptMaker) -> None:
    clock = FakeClock(NOW, auto=True)
    vendor = script(*[httpx.Response(200, json={})] * 3, httpx.Response(200, json=ORDERS))
    proof = {"path": "/orders", "at": "state", "wait_s": 30, "absence_is_proof": True}
    assert (await verdict_of(vendor, proof, clock)).state == "done"
    assert clock.slept_s == 6
    late = FakeClock(NOW + timedelta(hours=1), auto=True)
    assert (await verdict_of(script(httpx.Response(200, json={})), proof, late)).state == "not_done"
    assert late.slept_s == 0


async def test_without_a_read_nobody_knows(script: ScriptMaker) -> None:
    verdict = await verdict_of(script(httpx.Response(200)), None)
    assert (verdict.state, "gives no read" in verdict.reason) == ("unknown", True)


async def test_a_read_that_fails_proves_nothing(script: ScriptMaker) -> None:
    for answer in (httpx.Response(500), httpx.Response(401), httpx.Response(200, text="<html>")):
        with pytest.raises(ActionError):
            await verdict_of(script(answer), {"path": "/orders", "absence_is_proof": True})


async def test_a_lost_insert_is_sent_once_and_then_found(script: ScriptMaker) -> None:
    inserted: list[bytes] = []

    def insert(request: httpx.Request) -> httpx.Response:
        inserted.append(request.content)
        raise httpx.ReadTimeout("lost")

    vendor = script(insert, httpx.Response(503), httpx.Response(200, json=ORDERS))
    proof = Proof.model_validate({"path": "/orders/{ref}", "path_values": {"ref": 7}, "at": "state", "equals": "open"})
    async with connection_for(Http, SETTINGS, transport=vendor.transport) as api:
        began = api.clock.now()
        with pytest.raises(UnknownOutcomeError):
            await api.once(path="/orders", body={"ref": "A7"}, verify=proof)
        attempt = AttemptInfo(started_at=began, number=1)
        verdict = await api.verify_once(path="/orders", body={"ref": "A7"}, verify=proof, attempt=attempt)
    assert len(inserted) == 1
    assert verdict.state == "done"
    assert vendor.requests[-1].url.path == "/v1/orders/7"


def test_a_proof_has_no_unknown_parts() -> None:
    with pytest.raises(ValidationError, match="equal\n"):
        Proof.model_validate({"path": "/x", "equal": 1})
