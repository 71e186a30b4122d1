"""The signed request with which an ERP-type client asks for its token."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from backhaul.sdk import AuthenticationError, Secret

if TYPE_CHECKING:
    from datetime import datetime

    from backhaul_connectors.ixc_acs.settings import IxcAcsSettings

__all__ = ["signed_request"]

ALGORITHM = "ES256"


def signed_request(settings: IxcAcsSettings, now: datetime) -> Secret:
    """Return a JWT signed with the client's private key: ES256, with exactly ``iss``, ``iat`` and ``exp``.

    Source: ixc_acs reference, section 5 (one client).

    Raises:
        AuthenticationError: the key cannot be read or is not an EC P-256 private key.
    """
    # A third of a connection's opening time is this import, which only this kind of client needs.
    import jwt

    claims = {
        "iss": settings.client_id,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=settings.jwt_life_s)).timestamp()),
    }
    try:
        return Secret(jwt.encode(claims, _pem(settings).reveal(), algorithm=ALGORITHM))
    except (jwt.PyJWTError, ValueError, TypeError):
        # The cause may quote the key.
        raise AuthenticationError(
            "the private key of this connection is not an EC P-256 private key in PEM form. Use the key whose public "
            "half was pasted into the API client (ACS menu Tools > API Clients)"
        ) from None


def _pem(settings: IxcAcsSettings) -> Secret:
    if settings.private_key is not None:
        return settings.private_key
    if settings.private_key_file is None:
        raise AuthenticationError("this connection has no private key (private_key, private_key_file)")
    try:
        return Secret(settings.private_key_file.read_text().strip())
    except (OSError, UnicodeDecodeError) as error:
        raise AuthenticationError(f"private_key_file cannot be read: {type(error).__name__}") from None
