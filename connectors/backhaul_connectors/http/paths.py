"""Paths of requests: below the connection's base URL, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit

from backhaul.sdk import InvalidAnswerError, RefusedError

__all__ = ["link_below", "request_path"]

_FIELD = re.compile(r"\{(\w+)\}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def request_path(path: str, values: Mapping[str, str]) -> str:
    """Return a path as it is requested, with a leading slash.

    Args:
        path: relative to the base URL; ``{name}`` stands for a value.
        values: by name; each becomes one part of the path, percent-encoded, whatever is in it.

    Raises:
        RefusedError: it would leave the base URL, holds a query, or a value is missing or not used; nothing was sent.
    """
    names = set(_FIELD.findall(path))
    if names != set(values):
        missing, unused = sorted(names - set(values)), sorted(set(values) - names)
        what = f"no value for {', '.join(missing)}" if missing else f"no place for {', '.join(unused)}"
        raise RefusedError(f"the path {path!r} and path_values do not fit: {what}; nothing was sent")
    for name, value in values.items():
        if value in {"", ".", ".."}:
            raise RefusedError(f"the value {value!r} of {name} cannot be a part of the path {path!r}; nothing was sent")
    _check(_FIELD.sub("x", path))
    filled = _FIELD.sub(lambda field: quote(values[field[1]], safe=""), path)
    return filled if filled.startswith("/") else f"/{filled}"


def link_below(base_url: str, current_url: str, link: str) -> str:
    """Return a link of an answer as a path with query, relative to the base URL.

    The connection's credentials go along, so a link to another place is never followed.

    Raises:
        InvalidAnswerError: the link leaves the base URL.
    """
    try:
        base, target = urlsplit(base_url), urlsplit(urljoin(current_url, link.strip()))
        same_host = (base.scheme, base.hostname, base.port or _DEFAULT_PORTS[base.scheme]) == (
            target.scheme,
            target.hostname,
            target.port or _DEFAULT_PORTS.get(target.scheme),
        )
    except ValueError:
        raise InvalidAnswerError("the link to the next page is not a URL") from None
    root = base.path.rstrip("/")
    below = target.path == root or target.path.startswith(f"{root}/")
    if not same_host or not below or target.username or target.password or problem_of(target.path[len(root) :]):
        raise InvalidAnswerError(
            f"the link to the next page leads to {target.scheme}://{target.hostname}, outside of base_url: not followed"
        )
    path = target.path[len(root) :] or "/"
    return f"{path}?{target.query}" if target.query else path


def problem_of(path: str) -> str:
    """Return what keeps a path from staying below the base URL, or an empty text."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path) or path.startswith("//"):
        return "it is an absolute URL: only paths below base_url are requested"
    if any(sign in path for sign in "?#"):
        return "it holds ? or #: give the query as query, and values by path_values"
    decoded = path
    for _ in range(3):  # Some servers decode twice.
        if "\\" in decoded or any(part in {".", ".."} for part in decoded.split("/")):
            return "it holds '..', '.' or a backslash: only paths below base_url are requested"
        if any(not sign.isprintable() for sign in decoded):
            return "it holds a control character"
        decoded = unquote(decoded)
    return ""


def _check(path: str) -> None:
    problem = problem_of(path)
    if problem:
        raise RefusedError(f"the path {path[:120]!r} is not requested: {problem}; nothing was sent")
