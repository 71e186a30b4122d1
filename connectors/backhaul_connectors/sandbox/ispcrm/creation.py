"""Creates a CRM user from a body whose fields the vendor does not document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from backhaul_connectors.sandbox.face import Answer, Call, json_answer
from backhaul_connectors.sandbox.ispcrm import answers
from backhaul_connectors.sandbox.ispcrm.switches import CrmSwitches
from backhaul_connectors.sandbox.ispcrm.users import PROFILES, CrmUser, UserBook

__all__ = ["create_user", "parse_date"]


def create_user(book: UserBook, call: Call, switches: CrmSwitches) -> Answer:
    """Answer ``POST /users``.

    Assumed fields: ``username`` (or ``ID``, as in the vendor's sample), ``name``, ``customer_id``, ``profile_id``,
    ``mac``, ``activated_at``, ``expiration``; others are ignored. The page warns against duplicate keys: they are
    refused here with 400.
    """
    try:
        body = json.loads(call.body, object_pairs_hook=_unique)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return answers.error(400, "Malformed JSON, or duplicate keys")
    if not isinstance(body, dict):
        return answers.error(400, "The body must be a JSON object")
    username = body.get("username", body.get("ID"))
    if not isinstance(username, str) or not username.strip():
        return answers.invalid(switches.missing_field_status, username="The username field is required.")
    answer = _create(book, username, body, switches)
    answer.key = username
    return answer


def parse_date(value: object) -> datetime | None:
    """Return a zone-less date and time; None for none. Raises ValueError for anything else."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("a date must be text")
    at = datetime.fromisoformat(value)
    if at.tzinfo is not None:
        raise ValueError("a date has no zone here")
    return at


def _create(book: UserBook, username: str, body: Mapping[str, object], switches: CrmSwitches) -> Answer:
    if book.find(username) is not None:
        return answers.invalid(422, username="The username has already been taken.")
    profile = body.get("profile_id", min(PROFILES))
    if not isinstance(profile, int) or profile not in PROFILES:
        return answers.invalid(422, profile_id="The selected profile id is invalid.")
    now = book.now(switches.zone).replace(microsecond=0)
    try:
        user = CrmUser(
            radius_id=0,
            username=username,
            name=str(body.get("name", username)),
            customer_id=str(body.get("customer_id") or book.new_customer_id()),
            profile_id=profile,
            created_at=now,
            activated_at=parse_date(body.get("activated_at")),
            expiration=parse_date(body.get("expiration")),
            mac=None if body.get("mac") is None else str(body["mac"]),
        )
    except ValueError as problem:
        return answers.invalid(422, expiration=str(problem))
    made = book.add(user)
    answer = _told(made, now, switches)
    answer.record = str(made.radius_id)
    return answer


def _told(user: CrmUser, now: datetime, switches: CrmSwitches) -> Answer:
    """Return one of the answers that the vendor may give: it documents none."""
    match switches.create_answer:
        case "data":
            good = answers.success_word(switches, good=True)
            return json_answer({"success": good, "data": user.detail(now)}, switches.create_status)
        case "status":
            return json_answer({"status": "success"}, switches.create_status)
        case "empty":
            return Answer(switches.create_status, b"", ())


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate keys")
    return found
