"""The query parameter ``IntegratorClientFields``: its values and its written form."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["FieldsForm", "IntegratorClientField", "fields_value"]


class IntegratorClientField(StrEnum):
    """A field of an entry, by the vendor's own name (vendor page, Properties and samples).

    Akixi's answers always hold ``ID``, ``Description``, ``TelSysID``, ``PartitionID`` and ``DeviceNumber``; the others
    come when they are asked for. That every one of them may be asked for is assumed: the samples show the descriptions.
    """

    ID = "ID"
    DESCRIPTION = "Description"
    TEL_SYS_ID = "TelSysID"
    TEL_SYS_DESCRIPTION = "TelSysDescription"
    PARTITION_ID = "PartitionID"
    PARTITION_DESCRIPTION = "PartitionDescription"
    DEVICE_NUMBER = "DeviceNumber"
    DEVICE_DESCRIPTION = "DeviceDescription"
    DEVICE_UNIQUE_ID = "DeviceUniqueID"
    CM_ENVIRONMENT_ID = "CMEnvironmentID"
    POLICIES = "Policies"
    SETTINGS = "Settings"
    USER_ID_CREATED_BY = "UserIDCreatedBy"
    USER_ID_UPDATED_BY = "UserIDUpdatedBy"
    DATE_TIME_CREATED = "DateTimeCreated"
    DATE_TIME_UPDATED = "DateTimeUpdated"


class FieldsForm(StrEnum):
    """How the value is written. The vendor page shows brackets, and once brackets inside single quotes."""

    BRACKETS = "brackets"
    """``[Policies,Settings]``"""
    QUOTED = "quoted"
    """``'[Policies,Settings]'``"""
    PLAIN = "plain"
    """``Policies,Settings``, as the SOAP API writes it."""


def fields_value(names: Iterable[str], form: FieldsForm) -> str:
    """Return the value of the parameter, not yet percent-encoded."""
    text = ",".join(dict.fromkeys(str(name) for name in names))
    match form:
        case FieldsForm.PLAIN:
            return text
        case FieldsForm.QUOTED:
            return f"'[{text}]'"
        case FieldsForm.BRACKETS:
            return f"[{text}]"
