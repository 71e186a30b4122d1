"""What an entry holds and is to hold, and the one out of the two: a PUT may replace everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backhaul.sdk import Json, RefusedError
from backhaul_connectors.akixi.fields import IntegratorClientField
from backhaul_connectors.akixi.models import object_of

__all__ = ["MERGED", "Wanted", "content_of", "merged"]

MERGED = (IntegratorClientField.POLICIES, IntegratorClientField.SETTINGS)
"""The fields that are objects, and that ``IntegratorClientFields`` names when a request sets them."""
_PARAMETERS: Mapping[str, str] = MappingProxyType(
    {IntegratorClientField.POLICIES: "policies", IntegratorClientField.SETTINGS: "settings"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an entry is to hold; None leaves a part as it is, and gives a new entry none."""

    description: str | None = None
    cm_environment_id: str | None = None
    policies: Mapping[str, Json] | None = None
    settings: Mapping[str, Json] | None = None

    def body(self) -> dict[str, Json]:
        """Return the JSON body with the parts that are given, by the vendor's names."""
        named = {
            "Description": self.description,
            "CMEnvironmentID": self.cm_environment_id,
            "Policies": None if self.policies is None else dict(self.policies),
            "Settings": None if self.settings is None else dict(self.settings),
        }
        return {name: value for name, value in named.items() if value is not None}


def content_of(record: Mapping[str, Json]) -> dict[str, Json]:
    """Return the parts of a record that a body has; those that Akixi does not show are missing."""
    content = {name: record[name] for name in ("Description", "CMEnvironmentID") if record.get(name) is not None}
    for name in MERGED:
        if name in record:
            shown = object_of(record[name])
            if shown is not None or record[name] is None:
                content[name.value] = shown or {}
    return content


def merged(stored: Mapping[str, Json], wanted: Wanted, *, replace: bool) -> dict[str, Json]:
    """Return the whole body of a change.

    Args:
        stored: what the entry holds, as of `content_of`.
        wanted: what it is to hold.
        replace: policies and settings that are given take the place of the stored ones, instead of being put over them.

    Raises:
        RefusedError: what is to be merged is not shown.
    """
    body = {**stored, **wanted.body()}
    if replace:
        return body
    for name, parameter in _PARAMETERS.items():
        given = wanted.body().get(name)
        if given is None:
            continue
        if name not in stored:
            raise RefusedError(
                f"Akixi does not show the entry's present {name}, so {parameter} cannot be merged with them and "
                "nothing was sent: give all of them, with replace = true"
            )
        body[name] = {**stored[name], **given}
    return body
