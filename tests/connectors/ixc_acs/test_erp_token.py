"""ERP-type API clients: a request signed with the key pair instead of a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from backhaul.sdk import AuthenticationError
from backhaul.testing import FakeClock, connection_for
from backhaul_connectors.ixc_acs import IxcAcs
from connector_kit.sandbox import Sandbox
from connector_kit.script import ScriptMaker

pytestmark = pytest.mark.anyio

NOW = datetime(2031, 1, 10, 12, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
BASE = {"base_url": "https://acs.example.net", "client_id": "650000000000000000000002", "client_type": "ixc_provider"}
EMPTY = httpx.Response(200, json={"registers": [], "hasNextPage": False})


async def test_an_erp_type_client_works_against_the_sandbox(sandbox: Sandbox) -> None:
    """Trap 1: two schemes of authentication; this one is for ERP-type clients."""
    given = sandbox.credentials["acs"]
    settings = {
        "base_url": f"{sandbox.url}/acs",
        "client_type": "ixc_provider",
        "client_id": given["erp_client_id"],
        "private_key": given["erp_private_key"],
    }
    async with connection_for(IxcAcs, settings) as acs:
        await acs.check()


@pytest.mark.parametrize("pem", [PEM, PEM.replace("\n", "\\n"), f"  \n{PEM}\n "])
async def test_the_request_is_signed_with_exactly_three_claims(script: ScriptMaker, pem: str) -> None:
    """Trap 3: a pasted key is trimmed; its line ends may be written as two characters."""
    vendor = script(httpx.Response(200, json={"token": "short", "expires_in": 300}), EMPTY)
    async with connection_for(
        IxcAcs, {**BASE, "private_key": pem}, clock=FakeClock(NOW, auto=True), transport=vendor.transport
    ) as acs:
        await acs.check()
    asked, listed = vendor.requests
    assert (asked.method, asked.url.path) == ("GET", "/api/v1/token")
    signed = asked.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(
        signed, KEY.public_key(), algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert claims == {"iss": BASE["client_id"], "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 300}
    assert listed.headers["authorization"] == "Bearer short"


async def test_the_key_may_be_in_a_file(script: ScriptMaker, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(PEM)
    vendor = script(httpx.Response(200, json={"access_token": "short"}), EMPTY)
    async with connection_for(IxcAcs, {**BASE, "private_key_file": str(path)}, transport=vendor.transport) as acs:
        await acs.check()
    async with connection_for(
        IxcAcs, {**BASE, "private_key_file": str(tmp_path / "none")}, transport=vendor.transport
    ) as acs:
        with pytest.raises(AuthenticationError, match="cannot be read"):
            await acs.check()


async def test_a_key_of_another_kind_is_an_error_that_does_not_quote_it(script: ScriptMaker) -> None:
    wrong = "-----BEGIN PRIVATE KEY-----\nMIIsomethingElse\n-----END PRIVATE KEY-----"
    async with connection_for(IxcAcs, {**BASE, "private_key": wrong}, transport=script(EMPTY).transport) as acs:
        with pytest.raises(AuthenticationError, match="EC P-256") as caught:
            await acs.check()
    assert "somethingElse" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"client_type": "generic"}, "client_secret is missing"),
        ({"client_type": "ixc_provider"}, "private_key or private_key_file"),
        ({"client_type": "ixc_provider", "private_key": PEM, "private_key_file": "/x"}, "one of the two"),
        ({"client_type": "ixc_provider", "private_key": "abc"}, "PEM form"),
    ],
)
def test_incomplete_credentials_are_refused(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        IxcAcs.Settings.model_validate({**BASE, **settings})
