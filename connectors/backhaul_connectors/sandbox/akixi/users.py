"""The users of the Akixi sandbox, with their keys, rights and scopes."""

from __future__ import annotations

import hmac
from typing import Literal, NamedTuple

from backhaul_connectors.sandbox.akixi.directory import ANY_DEVICE, ANY_NUMBER, Scope

__all__ = ["ADMIN", "USERS", "Right", "User", "user_of_key", "user_of_password"]

Right = Literal["add", "change", "delete", "list", "get", "reports"]
_EVERYTHING: frozenset[Right] = frozenset({"add", "change", "delete", "list", "get", "reports"})


class User(NamedTuple):
    """Who calls. A scope of one server, partition or device limits what the user sees and does."""

    name: str
    password: str
    key: str
    id: str
    scope: Scope
    rights: frozenset[Right]


ADMIN = User(
    "sandbox", "sandbox-secret", "sandbox-akixi-key", "174546f958aa15f1:2744ca9:19889c3e648:1",
    Scope(ANY_NUMBER, ANY_NUMBER, ANY_DEVICE), _EVERYTHING,
)  # fmt: skip
_ONE_SERVER = User(
    "sunshine", "sunshine-secret", "sunshine-akixi-key", "174546f958aa15f1:2744ca9:19889c3e648:2",
    Scope(417, 1, ANY_DEVICE), _EVERYTHING - {"reports"},
)  # fmt: skip
_ONE_ENTRY = User(
    "anne", "anne-secret", "anne-akixi-key", "174546f958aa15f1:2744ca9:19889c3e648:3",
    Scope(417, 1, "01234567120"), frozenset({"list", "get", "change"}),
)  # fmt: skip
USERS = (ADMIN, _ONE_SERVER, _ONE_ENTRY)
"""All rights; one partition of one server; viewing and configuring one entry only (as the vendor page says)."""


def user_of_key(key: str) -> User | None:
    """Return the user of an API key."""
    return next((user for user in USERS if hmac.compare_digest(user.key.encode(), key.encode())), None)


def user_of_password(name: str, password: str) -> User | None:
    """Return the user with this name and password."""
    return next(
        (u for u in USERS if u.name == name and hmac.compare_digest(u.password.encode(), password.encode())), None
    )
