"""The answers of Akixi: success envelopes, and errors in the shapes that clients must tolerate."""

from __future__ import annotations

from enum import Enum

from backhaul_connectors.sandbox.akixi.switches import AkixiSwitches
from backhaul_connectors.sandbox.face import Answer, json_answer

__all__ = ["AkixiError", "Failure", "failure", "message", "no_content", "success"]


class Failure(Enum):
    """The vendor's error codes with their names (IntegratorClient page; SOAP page for 10000 to 10105).

    The third value is the HTTP status of ``error_status: semantic``, which is assumed.
    """

    UNKNOWN = (10000, "UNKNOWN_ERROR", 500)
    API_NOT_ENABLED = (10001, "API_NOT_ENABLED", 403)
    INVOKE_ID_MISSING = (10101, "INVOKE_ID_MISSING", 400)
    OPERATION_UNSUPPORTED = (10102, "OPERATION_MISSING_OR_UNSUPPORTED", 400)
    UNRESOLVED_RESOURCE = (10103, "INTERNAL_RESOURCE_UNRESOLVED", 500)
    DATABASE_UNAVAILABLE = (10104, "DATABASE_UNAVAILABLE", 503)
    MAINTENANCE = (10105, "MAINTENANCE_OR_BACKUP_IN_PROGRESS", 503)
    PERMISSIONS = (30000, "INTEGRATOR_CLIENT_NOT_ENOUGH_PERMISSIONS_FOR_ACTION", 403)
    NO_CONFIG = (30001, "INTEGRATOR_CLIENT_NO_CONFIG_PROVIDED", 400)
    NO_ID = (30002, "INTEGRATOR_CLIENT_NO_ID_PROVIDED_IN_REQUEST", 400)
    NOT_FOUND = (30003, "INTEGRATOR_CLIENT_NOT_FOUND", 404)
    DEVICE_NOT_FOUND = (30004, "INTEGRATOR_CLIENT_DEVICE_NOT_FOUND_IN_TELSYS", 404)
    EXISTS_FOR_SCOPE = (30005, "INTEGRATOR_CLIENT_EXISTS_FOR_SCOPE", 409)
    EXISTS_FOR_ID = (30006, "INTEGRATOR_CLIENT_EXISTS_FOR_ID", 409)
    NOT_RESOLVED = (30007, "INTEGRATOR_CLIENT_NOT_RESOLVED_FROM_GENERIC_CONFIG", 400)
    MULTI_TELSYS = (30008, "INTEGRATOR_CLIENT_MULTI_TELSYS_NOT_ALLOWED_FOR_USER", 403)
    MULTI_PARTITION = (30009, "INTEGRATOR_CLIENT_MULTI_PARTITION_NOT_ALLOWED_FOR_USER", 403)

    @property
    def code(self) -> int:
        """The number."""
        return self.value[0]

    @classmethod
    def of(cls, code: int) -> Failure:
        """Return the failure with this number."""
        return next(known for known in cls if known.code == code)


class AkixiError(Exception):
    """Ends a call with one of the vendor's errors."""

    def __init__(self, reason: Failure) -> None:
        super().__init__(reason.name)
        self.reason = reason


def success(data: object = None) -> Answer:
    """Return 200 with ``{"Result": "Success"}`` and the data, if any. POST answers 200 too, not 201."""
    return json_answer({"Result": "Success"} if data is None else {"Result": "Success", "Data": data})


def no_content() -> Answer:
    """Return the empty 204 of PUT and DELETE."""
    return Answer(204, b"", ())


def failure(reason: Failure, switches: AkixiSwitches) -> Answer:
    """Return an error; the vendor documents neither body nor status (akixi.md section 4)."""
    code, name, semantic = reason.value
    body: dict[str, object]
    match switches.error_shape:
        case "full":
            body = {"Result": "Failure", "ErrorCode": code, "Message": name}
        case "code_only":
            body = {"Result": "Failure", "ErrorCode": str(code)}
        case "name_only":
            body = {"Result": "Failure", "ErrorDescription": name}
        case "nested":
            body = {"Error": {"Code": code, "Description": name}}
    status = {"semantic": semantic, "always_400": 400, "always_200": 200}[switches.error_status]
    answer = json_answer(body, status)
    answer.outcome, answer.completed = "refused", False
    return answer


def message(text: str, status: int) -> Answer:
    """Return the lone ``Message`` of login and report errors."""
    answer = json_answer({"Message": text}, status)
    answer.outcome, answer.completed = "refused", False
    return answer
