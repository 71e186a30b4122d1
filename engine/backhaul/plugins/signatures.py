"""Signatures of webhooks: the schemes with which senders prove that a request is theirs and unchanged.

A connector keeps the secrets in its settings, several while they are changed, and checks before it reads anything::

    class Shop(Connector[ShopSettings]):
        @webhook
        async def receive(self, request: WebhookRequest) -> Sequence[Event]:
            StandardWebhooksSignature().verify(request, self.settings.signing_secrets)
            ...

All schemes compare in constant time, try every secret, and know no other kind of signature than their own.
"""

from __future__ import annotations

import binascii
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backhaul.errors import ConfigurationError
from backhaul.plugins.events import WebhookRejectedError, WebhookRequest
from backhaul.secrets import Secret

__all__ = ["GitHubSignature", "HmacSignature", "StandardWebhooksSignature", "StripeSignature"]

_TOLERANCE_S = 300.0
_SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret begins
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacSignature:
    """An HMAC over the body, in one header. It covers no time: a request that was overheard can be sent again.

    Attributes:
        header: name of the header, in any case.
        algorithm: hash of the HMAC.
        encoding: how the header holds it; hex in either case, base64 of the standard alphabet with its padding.
        prefix: what stands before it, such as ``sha256=``.
    """

    header: str
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""

    def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None:
        """Return when the body is signed with one of the secrets, used as text.

        Raises:
            WebhookRejectedError: 401, it is not.
            ConfigurationError: there is no secret to check with.
        """
        keys = _text_keys(secrets)
        value = _header(request, self.header)
        if not value.startswith(self.prefix):
            raise _rejected(f"the header {self.header} does not begin with {self.prefix}")
        decode = _from_hex if self.encoding == "hex" else _from_base64
        given = decode(value.removeprefix(self.prefix))
        _require_match([given], [hmac.digest(key, request.body, self.algorithm) for key in keys])


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSignature(HmacSignature):
    """GitHub's scheme, which others use too. Source: GitHub Docs, "Validating webhook deliveries"."""

    header: str = "X-Hub-Signature-256"
    prefix: str = "sha256="


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSignature:
    """Stripe's scheme: ``Stripe-Signature: t=1492774577,v1=5257a8...``, an HMAC-SHA256 over ``{t}.{body}``.

    A sender gives several ``v1`` while it changes its secret; other versions are passed over.
    Source: Stripe's documentation, "Verify webhook signatures manually".

    Attributes:
        header: name of the header, for senders that have taken over the scheme.
        tolerance_s: seconds that ``t`` may lie before or after the arrival.
    """

    header: str = "Stripe-Signature"
    tolerance_s: float = _TOLERANCE_S

    def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None:
        """Return when time and body are signed with one of the secrets (used as text), and the time is now.

        Raises:
            WebhookRejectedError: 401, it is not so.
            ConfigurationError: there is no secret to check with.
        """
        keys = _text_keys(secrets)
        items = [item.strip().partition("=") for item in _header(request, self.header).split(",")]
        times = [value for name, _, value in items if name == "t"]
        given = [_from_hex(value) for name, _, value in items if name == "v1"]
        if len(times) != 1 or not given:
            raise _rejected(f"the header {self.header} holds no time or no signature of version v1")
        _require_recent(times[0], request, self.tolerance_s)
        signed = b".".join((times[0].encode(), request.body))
        _require_match(given, [hmac.digest(key, signed, "sha256") for key in keys])


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardWebhooksSignature:
    """Standard Webhooks 1.0 with a shared secret (``v1``), as Svix and many others send it.

    Source: the Standard Webhooks specification, "Signature scheme" and "Webhook headers". The project's own library
    takes the time from the machine's clock and one secret, so it is not used. Keys of the asymmetric scheme
    (``v1a``) are not supported.

    Attributes:
        prefix: what the names of the headers begin with; ``svix`` for Svix with names of its own.
        tolerance_s: seconds that the time of the attempt may lie before or after the arrival.
    """

    prefix: str = "webhook"
    tolerance_s: float = _TOLERANCE_S

    def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None:
        """Return when id, time and body are signed with one of the secrets, and the time is now.

        The id is in the header ``{prefix}-id``: the same for every attempt, so it makes a good `Event.key`.

        Args:
            request: the webhook.
            secrets: ``whsec_`` and the key in base64; also without ``whsec_``.

        Raises:
            WebhookRejectedError: 401, it is not so.
            ConfigurationError: there is no secret to check with, or one is not base64.
        """
        keys = [_whsec_key(secret) for secret in _present(secrets)]
        message_id = _header(request, f"{self.prefix}-id")
        moment = _header(request, f"{self.prefix}-timestamp")
        versions = [one.partition(",") for one in _header(request, f"{self.prefix}-signature").split()]
        given = [_from_base64(value) for version, _, value in versions if version == "v1"]
        if not given:
            raise _rejected(f"the header {self.prefix}-signature holds no signature of version v1")
        _require_recent(moment, request, self.tolerance_s)
        signed = b".".join((message_id.encode("latin-1", "replace"), moment.encode(), request.body))
        _require_match(given, [hmac.digest(key, signed, "sha256") for key in keys])


def _rejected(reason: str) -> WebhookRejectedError:
    return WebhookRejectedError(reason, status=401)


def _header(request: WebhookRequest, name: str) -> str:
    value = request.headers.get(name.lower(), "").strip()
    if not value:
        raise _rejected(f"the header {name} is missing")
    return value


def _present(secrets: Sequence[Secret]) -> Sequence[Secret]:
    # With an empty key anybody can sign.
    if not secrets or not all(secrets):
        raise ConfigurationError("a secret to check the signatures of webhooks with is missing or empty")
    return secrets


def _text_keys(secrets: Sequence[Secret]) -> list[bytes]:
    return [secret.reveal().encode() for secret in _present(secrets)]


def _whsec_key(secret: Secret) -> bytes:
    text = secret.reveal().strip().removeprefix(_SECRET_PREFIX).rstrip("=")
    key = _from_base64(text + "=" * (-len(text) % 4))
    if not key:
        raise ConfigurationError(
            f"a secret to check the signatures of webhooks with is not {_SECRET_PREFIX} and base64; copy it again"
        )
    return key


def _from_hex(text: str) -> bytes:
    """Return the bytes; none, which fit nothing, when it is not hex."""
    try:
        return binascii.unhexlify(text)
    except ValueError:
        return b""


def _from_base64(text: str) -> bytes:
    """Return the bytes; none, which fit nothing, when it is not base64."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return b""


def _require_recent(text: str, request: WebhookRequest, tolerance_s: float) -> None:
    if not _TIMESTAMP.fullmatch(text):
        raise _rejected("the time of the signature is not a number of seconds")
    if abs(request.received_at.timestamp() - int(text)) > tolerance_s:
        raise _rejected(f"the time of the signature is more than {tolerance_s:g} seconds off")


def _require_match(given: Sequence[bytes], expected: Sequence[bytes]) -> None:
    # All pairs, in constant time each: how long it takes tells nothing of a secret, nor which of them it was.
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    if not any(matches):
        raise _rejected("the signature does not fit the request and any of the secrets")
