"""The answers of ISPCRM: its two envelopes, Laravel's habits, and lists in several shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backhaul_connectors.sandbox.face import Answer, json_answer
from backhaul_connectors.sandbox.ispcrm.switches import CrmSwitches

__all__ = ["LOGIN_PAGE", "detail", "error", "invalid", "login_page", "redirect_to_login", "success_word", "user_list"]

LOGIN_PAGE = "/login"
_LOGIN_HTML = (
    "<!DOCTYPE html><html><head><title>Login</title></head><body><form method='post'><input name='email'>"
    "<input name='password' type='password'><button>Sign in</button></form></body></html>"
)
_HTML = ((b"content-type", b"text/html; charset=UTF-8"),)


def error(status: int, text: str) -> Answer:
    """Return the error envelope of the vendor page; with status 200 too."""
    answer = json_answer({"status": "error", "message": text}, status)
    answer.outcome, answer.completed = "refused", False
    return answer


def invalid(status: int, **problems: str) -> Answer:
    """Return Laravel's validation errors (assumed), or the envelope if the status is not 422."""
    if status != 422:
        return error(status, "; ".join(problems.values()))
    body = {"message": "The given data was invalid.", "errors": {name: [text] for name, text in problems.items()}}
    return json_answer(body, 422)


def redirect_to_login(location: str) -> Answer:
    """Return what stock Laravel answers to an unauthenticated caller that does not ask for JSON (assumed)."""
    return Answer(302, b"", (*_HTML, (b"location", location.encode())), "refused", False)


def login_page() -> Answer:
    """Return the login page: 200 and HTML, the answer that hides an authentication failure."""
    return Answer(200, _LOGIN_HTML.encode(), _HTML)


def success_word(switches: CrmSwitches, *, good: bool) -> object:
    """Return the value of ``success``, which the vendor page writes as text."""
    match switches.success_as:
        case "text":
            return "true" if good else "false"
        case "bool":
            return good
        case "int":
            return int(good)
        case "ok":
            return "OK" if good else "false"


def detail(data: Mapping[str, object], switches: CrmSwitches) -> Answer:
    """Return a user in the envelope, or one of the ways in which there is none."""
    good = {"success": success_word(switches, good=True)}
    match switches.detail_answer:
        case "data":
            return json_answer({**good, "data": dict(data)})
        case "success_false":
            return json_answer({"success": success_word(switches, good=False), "message": "invented text"})
        case "status_error":
            return error(200, "invented text")
        case "empty_null":
            return json_answer({**good, "data": None})
        case "empty_list":
            return json_answer({**good, "data": []})
        case "empty_object":
            return json_answer({**good, "data": {}})


def user_list(items: Sequence[object], total: int, page: int, url: str, switches: CrmSwitches) -> Answer:
    """Return a list in the envelope and the paging that are switched on; the vendor documents ``users`` and none."""
    size = switches.page_size
    last = max(1, -(-total // size))
    following = f"{url}?page={page + 1}" if page < last else None
    if switches.paging == "laravel":
        return json_answer(
            {"current_page": page, "data": items, "last_page": last, "next_page_url": following, "per_page": size,
             "total": total}
        )  # fmt: skip
    if switches.paging == "resource":
        return json_answer(
            {"data": items, "links": {"next": following}, "meta": {"current_page": page, "last_page": last}}
        )
    match switches.list_envelope:
        case "users":
            return json_answer({"users": items})
        case "data_users":
            return json_answer({"success": success_word(switches, good=True), "data": {"users": items}})
        case "data":
            return json_answer({"success": success_word(switches, good=True), "data": items})
        case "bare":
            return json_answer(items)
