"""The callback URL that is registered at Axialys: which ones are accepted, and how it is written."""

from __future__ import annotations

from backhaul.sdk import RefusedError
from backhaul_connectors.axialys.callback_host import callback_host
from backhaul_connectors.axialys.settings import AxialysSettings

__all__ = ["checked_callback_url"]


def checked_callback_url(url: str, settings: AxialysSettings) -> str:
    """Return a callback URL as it is registered.

    Its path holds the hook's secret, so no error shows more than the host.

    Raises:
        RefusedError: it is empty, is not this project's to set, or would not work; nothing was sent.
    """
    url = url.strip()
    if not settings.manage_callback:
        raise RefusedError(
            "manage_callback = false: this project must not change the callback. There is one URL per API key, and a "
            "second environment with the same key would take all events away from the first"
        )
    if not url:
        raise RefusedError(
            "an empty callback URL switches all notifications off, and click-to-call with them. "
            "If that is what you want, call disable_callback"
        )
    problem = _problem(url, settings)
    if problem:
        raise RefusedError(f"this callback URL is not registered: {problem}")
    if settings.callback_slash and not url.endswith("/"):
        url += "/"
    return url + settings.callback_query


def _problem(url: str, settings: AxialysSettings) -> str:
    if any(sign.isspace() or not sign.isprintable() for sign in url):
        return "it has a blank or a control character inside"
    if "?" in url or "#" in url or "{" in url:
        return "it has a query. Axialys adds its own in a way that is not documented: put the secret into the path"
    host = callback_host(url)
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in {"https", "http"} or not host.name:
        return "it must begin with https:// and name a host"
    if "@" in rest.partition("/")[0]:
        return "it must not hold a user name"
    if not host.is_reachable and not settings.is_on_loopback:
        return (
            f"Axialys cannot reach {host.name}; registered from a test or development machine, it would take the "
            "events away from the real receiver"
        )
    if scheme.lower() == "http" and not (settings.allow_http_callback or host.is_loopback):
        return "without https everybody on the way can read it (allow_http_callback = true accepts it)"
    if settings.callback_hosts and host.name not in settings.callback_hosts:
        return f"{host.name} is not among callback_hosts"
    return ""
