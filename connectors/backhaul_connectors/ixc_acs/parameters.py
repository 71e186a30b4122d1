"""Raw TR-069 parameters to set, checked before they leave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from backhaul.sdk import Json, Personal, RefusedError
from backhaul_connectors.ixc_acs.capabilities import DataModel, data_model_of

__all__ = ["Parameter", "ParameterUpdate", "ValueType", "data_model_of_paths"]

ValueType: TypeAlias = Literal["xsd:string", "xsd:boolean", "xsd:unsignedInt", "xsd:int", "xsd:dateTime"]
"""Source: tr069 reference, section 2."""

_RANGES = {"xsd:unsignedInt": (0, 2**32 - 1), "xsd:int": (-(2**31), 2**31 - 1)}
_WORDS = {"true": True, "1": True, "false": False, "0": False}


class Parameter(BaseModel):
    """One parameter and its new value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    parameter: Annotated[str, Field(pattern=r"^(InternetGatewayDevice|Device)(\.[A-Za-z0-9_-]+)+$")]
    """Whole path in the device's own data model, with instance numbers."""
    value: Personal[StrictBool | StrictInt | str]
    """New value. Personal when the path ends in a password, key or name."""
    type: ValueType | None = None
    """Type of the value; None takes it from the value: text, boolean, or ``unsignedInt``, ``int`` when negative."""

    @model_validator(mode="after")
    def _fits(self) -> Parameter:
        self.wire()
        return self

    def wire(self) -> dict[str, Json]:
        """Return the parameter as the ACS wants it.

        Raises:
            ValueError: the value is not one of its type.
        """
        kind = self.type or _type_of(self.value)
        return {"parameter": self.parameter, "value": _converted(self.value, kind), "type": kind}


class ParameterUpdate(BaseModel):
    """What was asked of a device; the values are not in it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())

    serial: str
    parameters: tuple[str, ...]
    """Paths that were sent. Accepted is not applied: the device does that at its next contact."""
    data_model: DataModel | None


def data_model_of_paths(parameters: Sequence[Parameter]) -> DataModel:
    """Return the data model to which all paths belong.

    Raises:
        RefusedError: there are none, they mix two data models, or one occurs twice.
    """
    models = {data_model_of(one.parameter) for one in parameters}
    model = models.pop() if len(models) == 1 else None
    if model is None:
        raise RefusedError(
            "give parameters of one data model, all beginning with InternetGatewayDevice. (TR-098) or all with "
            "Device. (TR-181); nothing was changed"
        )
    if len({one.parameter for one in parameters}) < len(parameters):
        raise RefusedError("a parameter occurs twice; nothing was changed")
    return model


def _type_of(value: bool | int | str) -> ValueType:
    if isinstance(value, bool):
        return "xsd:boolean"
    if isinstance(value, int):
        return "xsd:int" if value < 0 else "xsd:unsignedInt"
    return "xsd:string"


def _converted(value: bool | int | str, kind: ValueType) -> Json:
    if kind == "xsd:boolean":
        if isinstance(value, bool):
            return value
        if str(value).strip().lower() in _WORDS:
            return _WORDS[str(value).strip().lower()]
        raise ValueError("is no boolean: true or false")
    if kind in _RANGES:
        lowest, highest = _RANGES[kind]
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,11}", str(value).strip()):
            raise ValueError(f"is no whole number ({kind})")
        number = int(value)
        if not lowest <= number <= highest:
            raise ValueError(f"must be between {lowest} and {highest} ({kind})")
        return number
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if kind == "xsd:dateTime" and not re.match(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        raise ValueError("is no date and time, such as 2031-01-10T12:00:00Z")
    return text
