"""Whether a request that is never repeated was carried out: a read whose answer proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from backhaul.sdk import Effect, Json, NotFoundError, Verdict
from backhaul_connectors.http.extraction import MissingError, ValuePath, extract
from backhaul_connectors.http.models import HttpAnswer, MethodName, QueryValue, Request

if TYPE_CHECKING:
    from backhaul_connectors.http.client import HttpApi

__all__ = ["Proof", "prove"]


class Proof(BaseModel):
    """A read that proves an effect. Give `where` for a list, `equals` for a value; else something has to be there."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, use_attribute_docstrings=True)

    path: str
    """Path to read, below the base URL; ``{name}`` stands for one of `path_values`."""
    path_values: dict[str, str] = {}
    """Values in the path."""
    query: dict[str, QueryValue] = {}
    """Query parameters."""
    method: MethodName = "GET"
    """``GET``, or ``POST`` where the connection reads by it."""
    body: Json = None
    """JSON body of a ``POST``."""
    at: ValuePath = ""
    """Path of the value in the answer that proves it; empty: the whole answer."""
    equals: Json = None
    """The value that proves it."""
    where: dict[ValuePath, Json] = {}
    """Of a list: path and value that one of its records has, all of them."""
    absence_is_proof: bool = False
    """Take a missing or other value for the proof that nothing was done, so that it is sent again."""
    wait_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    """Seconds since the attempt began for which to look again."""

    def shown_by(self, body: Json) -> tuple[bool, Json]:
        """Return whether an answer proves the effect, and the value or record that does."""
        try:
            value = extract(body, self.at)
        except MissingError:
            return False, None
        if self.where:
            records = value if isinstance(value, list) else [value]
            fitting = [record for record in records if self._fits(record)]
            return bool(fitting), fitting[0] if fitting else None
        if "equals" in self.model_fields_set:
            return _same(value, self.equals), value
        return value not in (None, "", [], {}, False), value

    def _fits(self, record: Json) -> bool:
        try:
            return all(_same(extract(record, path), value) for path, value in self.where.items())
        except MissingError:
            return False


async def prove(proof: Proof, api: HttpApi) -> Verdict:
    """Read once and tell what that proves.

    Raises:
        ActionError: the reading failed, which proves nothing.
    """
    request = Request(
        effect=Effect.READ,
        method=proof.method,
        path=proof.path,
        path_values=proof.path_values,
        query=proof.query,
        body=proof.body,
    )
    try:
        answer = await api.answer(request)
    except NotFoundError:
        answer = HttpAnswer(status=404)
    shown, value = proof.shown_by(answer.body)
    if shown:
        return Verdict.done(HttpAnswer(status=answer.status, body=value))
    if proof.absence_is_proof:
        return Verdict.not_done()
    return Verdict.unknown(
        f"reading {proof.path} does not show the effect, which proves nothing (absence_is_proof = true would take it "
        "for a proof)"
    )


def _same(value: Json, wanted: Json) -> bool:
    """Compare as people write values in a workflow: 7 is "7", but true is not 1."""
    if isinstance(value, bool) or isinstance(wanted, bool) or value is None or wanted is None:
        return value is wanted
    return bool(value == wanted) or (
        isinstance(value, str | int | float) and isinstance(wanted, str | int | float) and str(value) == str(wanted)
    )
