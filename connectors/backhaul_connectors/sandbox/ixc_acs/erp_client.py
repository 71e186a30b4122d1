"""The API client of type IXC Provider: exchanges a JWT signed with the ERP's key for a short access token."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.face import Answer, Call, json_answer

__all__ = ["ERP_CLIENT_ID", "TOKEN_LIFE_S", "ErpClient", "private_key_pem", "public_key_pem"]

ERP_CLIENT_ID = "650000000000000000000002"
TOKEN_LIFE_S = 300
_CLAIMS = {"iss", "iat", "exp"}
_SKEW_S = 60


class ErpClient:
    """Checks the JWT of ``GET /api/v1/token`` (ixc_acs.md section 5).

    Claims are exactly ``iss`` (the API client's id), ``iat`` and ``exp``; the algorithm is ES256. Times are compared
    with the world's clock. The error words are the emulator's own, the only ones known.
    """

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._public_key = public_key_pem()

    def set_public_key(self, pem: str) -> None:
        """Store another public key, as pasted: a stray blank at its ends makes it useless (question 2)."""
        self._public_key = pem

    def refusal(self, call: Call, *, blocked: bool) -> Answer | None:
        """Return the answer to a JWT that is not accepted, or None if it is."""
        scheme, _, token = call.header(b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _error("jwt_missing", 401)
        try:
            if self._public_key != self._public_key.strip(" \t"):
                raise ValueError("the pasted key has stray blanks")
            claims = jwt.decode(token, self._public_key, algorithms=["ES256"], options=_UNTIMED)
        except (jwt.PyJWTError, ValueError, UnsupportedAlgorithm):
            return _error("jwt_invalid", 401)
        if set(claims) != _CLAIMS or not all(_is_number(claims[name]) for name in ("iat", "exp")):
            return _error("jwt_invalid_claims", 401)
        if claims["iss"] != ERP_CLIENT_ID:
            return _error("unknown_client", 403)
        if blocked:
            return _error("client_blocked", 403)
        now = self._clock.now()
        if claims["exp"] <= now:
            return _error("jwt_expired", 401)
        return _error("jwt_not_yet_valid", 401) if claims["iat"] > now + _SKEW_S else None

    @staticmethod
    def granted(token: str) -> Answer:
        """Return the answer with a new token."""
        return json_answer({"access_token": token, "token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE_S})


_UNTIMED: jwt.types.Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}


@lru_cache(maxsize=1)
def _key() -> ec.EllipticCurvePrivateKey:
    """Return the sandbox's fixed key: it opens nothing outside the sandbox, and no key lies in the sources."""
    number = int.from_bytes(hashlib.sha256(b"backhaul sandbox: the ERP's key").digest(), "big")
    return ec.derive_private_key(number, ec.SECP256R1())


def private_key_pem() -> str:
    """Return the private key that the ERP keeps, as PEM."""
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return _key().private_bytes(serialization.Encoding.PEM, pkcs8, plain).decode()


def public_key_pem() -> str:
    """Return the public key that the ACS stores, as PEM."""
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return _key().public_key().public_bytes(serialization.Encoding.PEM, info).decode()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _error(word: str, status: int) -> Answer:
    return json_answer({"success": False, "error": word}, status)
