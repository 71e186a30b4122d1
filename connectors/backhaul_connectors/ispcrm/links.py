"""What the API's root advertises: links, of which only those to the connection's own host may be followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from backhaul.sdk import InvalidAnswerError, Json

if TYPE_CHECKING:
    from backhaul_connectors.ispcrm.api import IspCrmApi

__all__ = ["Discovery", "discovery_of"]

USERS_LINK = "list_users"


class Discovery(BaseModel):
    """What the API's root says of itself."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    links: dict[str, str]
    """URLs by name that lead to the connection's own host, such as ``list_users``."""
    foreign: dict[str, str]
    """URLs that lead elsewhere; they are never followed, since the token would go with the request."""
    lists_users: bool
    """Whether the root answered with a list of users instead of links, as one of the vendor's samples does."""


def discovery_of(answer: Json, api: IspCrmApi) -> Discovery:
    """Return what an answer of the root says.

    Raises:
        InvalidAnswerError: it is neither links nor a list of users.
    """
    if isinstance(answer, dict) and "users" in answer:
        return Discovery(links={}, foreign={}, lists_users=True)
    inner = answer.get("data") if isinstance(answer, dict) and isinstance(answer.get("data"), dict) else answer
    found = {
        name: url
        for name, url in (inner.items() if isinstance(inner, dict) else ())
        if isinstance(url, str) and ("://" in url or url.startswith("/"))
    }
    if not found:
        raise InvalidAnswerError(
            "root of the API: ISPCRM answered neither with links nor with users. Check base_url and api_prefix"
        )
    own = {name: url for name, url in found.items() if _is_own(url, api)}
    return Discovery(
        links=own, foreign={name: url for name, url in found.items() if name not in own}, lists_users=False
    )


def _is_own(url: str, api: IspCrmApi) -> bool:
    # "//host/path" names another host without a scheme.
    return api.is_own(url) if "://" in url else not url.startswith("//")
