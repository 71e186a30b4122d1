"""Akixi's error codes as typed errors.

AkixiError (what all of them share: `code`, `vendor_name`)
├── of IntegratorClient, 30000 to 30009 (vendor page, Error Codes)
└── general, 10000 to 10105 (SOAP pages; that the REST API shares them is assumed)

By what happens next each is also one of the SDK's errors, so ``retry: {on: [RetryableError]}`` and
``retry: {on: [DatabaseUnavailableError]}`` both work.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from backhaul.sdk import ActionError, AuthenticationError, NotFoundError, RefusedError, RetryableError

__all__ = [
    "ERRORS",
    "NAMES",
    "AkixiError",
    "ApiNotEnabledError",
    "DatabaseUnavailableError",
    "DeviceNotFoundError",
    "EntryExistsForIdError",
    "EntryExistsForScopeError",
    "EntryNotFoundError",
    "InvokeIdMissingError",
    "MaintenanceError",
    "ManyPartitionsNotAllowedError",
    "ManyServersNotAllowedError",
    "NoConfigurationError",
    "NoIdError",
    "NotEnoughPermissionsError",
    "NotResolvedError",
    "OperationMissingError",
    "ResourceUnresolvedError",
]


class AkixiError(ActionError):
    """An error to which Akixi gives a code."""

    code: ClassVar[int]
    """The vendor's number."""
    vendor_name: ClassVar[str] = ""
    """The vendor's name of it, in upper case; empty when none is known."""
    meaning: ClassVar[str]
    """What the vendor says it means."""
    advice: ClassVar[str] = ""
    """What to do, a whole sentence, or empty."""


class NotEnoughPermissionsError(AkixiError, AuthenticationError):
    """30000."""

    code = 30000
    vendor_name = "INTEGRATOR_CLIENT_NOT_ENOUGH_PERMISSIONS_FOR_ACTION"
    meaning = "this user may not do this"
    advice = "The administrator who created the user can give it more rights"


class NoConfigurationError(AkixiError, RefusedError):
    """30001."""

    code = 30001
    vendor_name = "INTEGRATOR_CLIENT_NO_CONFIG_PROVIDED"
    meaning = "no configuration was in the request"


class NoIdError(AkixiError, RefusedError):
    """30002."""

    code = 30002
    vendor_name = "INTEGRATOR_CLIENT_NO_ID_PROVIDED_IN_REQUEST"
    meaning = "no id was in the request"


class EntryNotFoundError(AkixiError, NotFoundError):
    """30003."""

    code = 30003
    vendor_name = "INTEGRATOR_CLIENT_NOT_FOUND"
    meaning = "there is no Integrator Client with this id"
    advice = "An entry under another telephony server, partition or device may be answered the same"


class DeviceNotFoundError(AkixiError, NotFoundError):
    """30004."""

    code = 30004
    vendor_name = "INTEGRATOR_CLIENT_DEVICE_NOT_FOUND_IN_TELSYS"
    meaning = "the device is not in that telephony server"
    advice = "Check tel_sys_id and device_number; write numbers in quotes, or YAML drops + and leading zeros"


class EntryExistsForScopeError(AkixiError, RefusedError):
    """30005."""

    code = 30005
    vendor_name = "INTEGRATOR_CLIENT_EXISTS_FOR_SCOPE"
    meaning = "an Integrator Client with the same scope exists already"
    advice = "List the scope, and change that entry instead"


class EntryExistsForIdError(AkixiError, RefusedError):
    """30006."""

    code = 30006
    vendor_name = "INTEGRATOR_CLIENT_EXISTS_FOR_ID"
    meaning = "an Integrator Client with the same id exists already"


class NotResolvedError(AkixiError, RefusedError):
    """30007."""

    code = 30007
    vendor_name = "INTEGRATOR_CLIENT_NOT_RESOLVED_FROM_GENERIC_CONFIG"
    meaning = "the Integrator Client could not be resolved from the generic configuration"
    advice = "Check cm_environment_id, policies and settings"


class ManyServersNotAllowedError(AkixiError, RefusedError):
    """30008."""

    code = 30008
    vendor_name = "INTEGRATOR_CLIENT_MULTI_TELSYS_NOT_ALLOWED_FOR_USER"
    meaning = "this user's entries may not span several telephony servers"
    advice = "Name one tel_sys_id"


class ManyPartitionsNotAllowedError(AkixiError, RefusedError):
    """30009."""

    code = 30009
    vendor_name = "INTEGRATOR_CLIENT_MULTI_PARTITION_NOT_ALLOWED_FOR_USER"
    meaning = "this user's entries may not span several partitions"
    advice = "Name one partition_id"


class ApiNotEnabledError(AkixiError, AuthenticationError):
    """10001."""

    code = 10001
    meaning = "the API is not enabled"
    advice = "Have Akixi or your reseller enable it"


class InvokeIdMissingError(AkixiError, RefusedError):
    """10101."""

    code = 10101
    meaning = "the InvokeID is missing"
    advice = "That is an error of the SOAP API: check base_url and api_path"


class OperationMissingError(AkixiError, RefusedError):
    """10102."""

    code = 10102
    meaning = "the operation is missing or not supported"
    advice = "Check base_url and api_path"


class ResourceUnresolvedError(AkixiError, RefusedError):
    """10103."""

    code = 10103
    meaning = "an internal resource could not be resolved"


class DatabaseUnavailableError(AkixiError, RetryableError):
    """10104."""

    code = 10104
    meaning = "the database is not available"
    advice = "Try again later"


class MaintenanceError(AkixiError, RetryableError):
    """10105."""

    code = 10105
    meaning = "maintenance or a backup is under way"
    advice = "Try again later"


UNKNOWN = 10000
"""The vendor's "unknown error": no class of its own, since what happens next depends on the request."""

ERRORS: Mapping[int, type[AkixiError]] = MappingProxyType(
    {
        error.code: error
        for error in (
            NotEnoughPermissionsError,
            NoConfigurationError,
            NoIdError,
            EntryNotFoundError,
            DeviceNotFoundError,
            EntryExistsForScopeError,
            EntryExistsForIdError,
            NotResolvedError,
            ManyServersNotAllowedError,
            ManyPartitionsNotAllowedError,
            ApiNotEnabledError,
            InvokeIdMissingError,
            OperationMissingError,
            ResourceUnresolvedError,
            DatabaseUnavailableError,
            MaintenanceError,
        )
    }
)
NAMES: Mapping[str, int] = MappingProxyType(
    {error.vendor_name: code for code, error in ERRORS.items() if error.vendor_name}
)
