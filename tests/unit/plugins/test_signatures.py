"""Signatures of webhooks: the vectors of those who made the schemes, and what nobody can forge."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul.errors import ConfigurationError
from backhaul.sdk import (
    GitHubSignature,
    HmacSignature,
    Secret,
    StandardWebhooksSignature,
    StripeSignature,
    WebhookRejectedError,
    WebhookRequest,
)

NOW = datetime.fromtimestamp(1_614_265_330, UTC)

# standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts, "sign function works".
STANDARD_SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
STANDARD = WebhookRequest(
    method="POST",
    headers={
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    body=b'{"test": 2432232314}',
    received_at=NOW,
)
# GitHub Docs, "Validating webhook deliveries", "Testing the webhook payload validation".
GITHUB_SECRET = Secret("It's a Secret to Everybody")
GITHUB = WebhookRequest(
    method="POST",
    headers={"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
    body=b"Hello, World!",
    received_at=NOW,
)
# stripe/stripe-python, tests/test_webhook.py: its payload and secret; signed with `openssl dgst -sha256 -hmac`.
STRIPE_SECRET = Secret("whsec_test_secret")
STRIPE = WebhookRequest(
    method="POST",
    headers={"stripe-signature": "t=1700000000,v1=3bfab77baf5f7b6991a46c9b53b6547d7afc56148b10468fcad9f35c1992ffbd"},
    body=b"""{
  "id": "evt_test_webhook",
  "object": "event",
  "data": { "object": { "id": "rdr_123", "object": "terminal.reader" } }
}""",
    received_at=datetime.fromtimestamp(1_700_000_000, UTC),
)
SECRETS = st.text(min_size=1, max_size=40).map(Secret)


class Scheme(Protocol):
    def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None: ...


VECTORS = [
    pytest.param(StandardWebhooksSignature(), STANDARD, STANDARD_SECRET, id="standard"),
    pytest.param(GitHubSignature(), GITHUB, GITHUB_SECRET, id="github"),
    pytest.param(StripeSignature(), STRIPE, STRIPE_SECRET, id="stripe"),
]
TIMED = [VECTORS[0], VECTORS[2]]


def refuses(scheme: Scheme, request: WebhookRequest, *secrets: Secret) -> str:
    with pytest.raises(WebhookRejectedError) as caught:
        scheme.verify(request, secrets)
    assert caught.value.status == 401
    for secret in secrets:
        assert len(secret.reveal()) < 12 or secret.reveal() not in caught.value.reason
    return caught.value.reason


def with_header(request: WebhookRequest, name: str, value: str) -> WebhookRequest:
    return replace(request, headers={**request.headers, name: value})


@pytest.mark.parametrize(("scheme", "request_", "secret"), VECTORS)
def test_the_published_vector_is_accepted(scheme: Scheme, request_: WebhookRequest, secret: Secret) -> None:
    scheme.verify(request_, [secret])


@pytest.mark.parametrize(("scheme", "request_", "secret"), VECTORS)
def test_any_of_several_secrets_will_do_while_they_are_changed(
    scheme: Scheme, request_: WebhookRequest, secret: Secret
) -> None:
    other = Secret("whsec_" + base64.b64encode(b"another key of 24 bytes!").decode())
    scheme.verify(request_, [other, secret])
    scheme.verify(request_, [secret, other])
    refuses(scheme, request_, other)


@pytest.mark.parametrize(("scheme", "request_", "secret"), VECTORS)
@given(body=st.binary(max_size=200))
def test_another_body_is_refused(scheme: Scheme, request_: WebhookRequest, secret: Secret, body: bytes) -> None:
    if body != request_.body:
        assert "does not fit" in refuses(scheme, replace(request_, body=body), secret)


@pytest.mark.parametrize(("scheme", "request_", "secret"), VECTORS)
@given(data=st.data())
def test_any_other_header_is_refused(
    scheme: Scheme, request_: WebhookRequest, secret: Secret, data: st.DataObject
) -> None:
    """Total over garbage: nothing but a refusal comes out."""
    name = data.draw(st.sampled_from(sorted(request_.headers)))
    right = request_.headers[name]
    value = data.draw(
        st.text(max_size=80)
        | st.integers(0, len(right) - 1).map(lambda end: right[:end])
        | st.sampled_from(["v1,", "v1", "t=,v1=", "t=1,t=1,v1=00", "sha256=", "sha256=zz", "v1a,AAAA", ",", " "])
    )
    if value.strip() != right:
        refuses(scheme, with_header(request_, name, value), secret)


@pytest.mark.parametrize(("scheme", "request_", "secret"), VECTORS)
def test_a_missing_header_is_named(scheme: Scheme, request_: WebhookRequest, secret: Secret) -> None:
    for name in request_.headers:
        left = {one: value for one, value in request_.headers.items() if one != name}
        assert name in refuses(scheme, replace(request_, headers=left), secret).lower()


@pytest.mark.parametrize(("scheme", "request_", "secret"), TIMED)
@pytest.mark.parametrize("side", [-1, 1])
def test_the_time_may_be_five_minutes_off_and_no_more(
    scheme: Scheme, request_: WebhookRequest, secret: Secret, side: int
) -> None:
    within, beyond = timedelta(seconds=300) * side, timedelta(seconds=301) * side
    scheme.verify(replace(request_, received_at=request_.received_at + within), [secret])
    late = replace(request_, received_at=request_.received_at + beyond)
    assert "more than 300 seconds off" in refuses(scheme, late, secret)


def test_the_tolerance_is_the_authors_choice() -> None:
    late = replace(STRIPE, received_at=STRIPE.received_at + timedelta(hours=1))
    StripeSignature(tolerance_s=3600).verify(late, [STRIPE_SECRET])
    refuses(StripeSignature(tolerance_s=3599), late, STRIPE_SECRET)


@pytest.mark.parametrize(("scheme", "request_", "secret"), TIMED)
def test_the_time_is_part_of_what_is_signed(scheme: Scheme, request_: WebhookRequest, secret: Secret) -> None:
    name = "stripe-signature" if "stripe-signature" in request_.headers else "webhook-timestamp"
    moment = str(int(request_.received_at.timestamp()))
    moved = with_header(request_, name, request_.headers[name].replace(moment, str(int(moment) + 1)))
    assert "does not fit" in refuses(scheme, moved, secret)


@pytest.mark.parametrize("scheme", [StandardWebhooksSignature(), GitHubSignature(), StripeSignature()])
@pytest.mark.parametrize("secrets", [[], [Secret("")], [STANDARD_SECRET, Secret("")]])
def test_without_a_secret_nothing_is_accepted(scheme: Scheme, secrets: list[Secret]) -> None:
    """An empty key would let anybody sign."""
    with pytest.raises(ConfigurationError, match="missing or empty"):
        scheme.verify(STANDARD, secrets)


@pytest.mark.parametrize("text", ["whsec_", "whsec_not base64!", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_A"])
def test_a_secret_that_was_copied_badly_is_a_mistake_in_the_settings(text: str) -> None:
    with pytest.raises(ConfigurationError, match="copy it again") as caught:
        StandardWebhooksSignature().verify(STANDARD, [Secret(text)])
    assert "MfKQ" not in str(caught.value)


def test_a_standard_secret_may_come_without_prefix_and_padding() -> None:
    key = b"25 bytes, so it is padded"
    text = base64.b64encode(key).decode()
    content = b".".join((b"msg_1", b"1614265330", b"{}"))
    signature = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1614265330", "webhook-signature": f"v1,{signature}"}
    request = WebhookRequest(method="POST", headers=headers, body=b"{}", received_at=NOW)
    for written in (text, text.rstrip("="), f"whsec_{text}", f" whsec_{text.rstrip('=')}\n"):
        StandardWebhooksSignature().verify(request, [Secret(written)])


def test_one_of_several_signatures_is_enough_and_other_versions_count_for_nothing() -> None:
    wrong = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
    right = STANDARD.headers["webhook-signature"]
    several = with_header(STANDARD, "webhook-signature", f"v1,{wrong} v2,{wrong} {right} v1a,{wrong}")
    StandardWebhooksSignature().verify(several, [STANDARD_SECRET])
    for version in ("v2", "v1a", "v0"):
        downgraded = with_header(STANDARD, "webhook-signature", right.replace("v1,", f"{version},"))
        refuses(StandardWebhooksSignature(), downgraded, STANDARD_SECRET)


def test_stripe_signs_with_two_secrets_while_they_are_changed_and_v0_counts_for_nothing() -> None:
    right = STRIPE.headers["stripe-signature"]
    moment, v1 = right.split(",")
    more = with_header(STRIPE, "stripe-signature", f"{moment},v1={'0' * 64},{v1},v0={'0' * 64}")
    StripeSignature().verify(more, [STRIPE_SECRET])
    downgraded = with_header(STRIPE, "stripe-signature", f"{moment},{v1.replace('v1', 'v0')}")
    refuses(StripeSignature(), downgraded, STRIPE_SECRET)
    renamed = replace(STRIPE, headers={"x-shop-signature": right})
    StripeSignature(header="X-Shop-Signature").verify(renamed, [STRIPE_SECRET])


def test_svix_has_its_own_names_of_headers() -> None:
    headers = {name.replace("webhook-", "svix-"): value for name, value in STANDARD.headers.items()}
    StandardWebhooksSignature(prefix="svix").verify(replace(STANDARD, headers=headers), [STANDARD_SECRET])
    refuses(StandardWebhooksSignature(), replace(STANDARD, headers=headers), STANDARD_SECRET)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        # RFC 2202, section 3, case 2; RFC 4231, section 4.3, case 2.
        ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            "sha384",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "sha512",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
            "caeab1a34d4a6b4b636e070a38bce737",
        ),
    ],
)
def test_the_vectors_of_the_rfcs_in_every_form(algorithm: Any, expected: str) -> None:
    body, secret = b"what do ya want for nothing?", Secret("Jefe")
    encoded = {"hex": expected, "base64": base64.b64encode(bytes.fromhex(expected)).decode()}
    for encoding, text in encoded.items():
        for prefix in ("", f"{algorithm}="):
            scheme = HmacSignature(header="X-Sig", algorithm=algorithm, encoding=encoding, prefix=prefix)  # type: ignore[arg-type]
            request = WebhookRequest(method="POST", headers={"x-sig": prefix + text}, body=body, received_at=NOW)
            scheme.verify(request, [secret])
            refuses(scheme, with_header(request, "x-sig", f"md5={text}"), secret)
    upper = WebhookRequest(method="POST", headers={"x-sig": expected.upper()}, body=body, received_at=NOW)
    HmacSignature(header="X-Sig", algorithm=algorithm).verify(upper, [secret])


@given(secret=SECRETS, others=st.lists(SECRETS, max_size=3), body=st.binary(max_size=100), at=st.integers(0, 10**9))
def test_what_is_signed_is_accepted_and_by_nobody_elses_secret(
    secret: Secret, others: list[Secret], body: bytes, at: int
) -> None:
    key = secret.reveal().encode()
    mac = hmac.new(key, b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    now = datetime.fromtimestamp(at, UTC)
    timed = WebhookRequest(method="POST", headers={"stripe-signature": f"t={at},v1={mac}"}, body=body, received_at=now)
    StripeSignature().verify(timed, [*others, secret])
    plain = base64.b64encode(hmac.new(key, body, hashlib.sha512).digest()).decode()
    request = WebhookRequest(method="POST", headers={"x-mac": plain}, body=body, received_at=now)
    scheme = HmacSignature(header="X-MAC", algorithm="sha512", encoding="base64")
    scheme.verify(request, [*others, secret])
    # HMAC pads short keys with zero bytes, so keys that differ in these alone are the same key.
    strangers = [one for one in others if one.reveal().rstrip("\0") != secret.reveal().rstrip("\0")]
    if strangers:
        refuses(scheme, request, *strangers)
        refuses(StripeSignature(), timed, *strangers)
