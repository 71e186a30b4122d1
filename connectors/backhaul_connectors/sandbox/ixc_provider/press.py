"""One press of a button: what it knows, and the answers that most buttons give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider import answers
from backhaul_connectors.sandbox.ixc_provider.switches import ProviderSwitches
from backhaul_connectors.sandbox.world import World

__all__ = ["Press"]


@dataclass(frozen=True, slots=True)
class Press:
    """A button's body over the world. The id comes as ``id``, ``get_id`` or another field, depending on the button."""

    world: World
    switches: ProviderSwitches
    fields: Mapping[str, str]

    def find(self, table: Table, *names: str) -> int | None:
        """Return the id of the row that the first filled field names, or None if there is no such row."""
        ids = table.find("id", self.record(*names))
        return ids[0] if ids else None

    def record(self, *names: str) -> str:
        """Return the first filled field of these."""
        return next((self.fields[name] for name in names if self.fields.get(name)), "")

    def done(self, record: str, message: str = "Operação realizada com sucesso!<br />", **more: object) -> Answer:
        """Return success for a record."""
        return self.marked({"type": "success", "message": message, **more}, record)

    def refused(self, record: str, message: str = "Registro não encontrado!") -> Answer:
        """Return an application error for a record."""
        return self.marked({"type": "error", "message": message}, record, completed=False)

    def marked(self, body: object, record: str, *, completed: bool = True) -> Answer:
        """Return any JSON body, with the record for the log."""
        answer = answers.plain_json(body, self.world.clock.now())
        answer.outcome, answer.completed = ("done", True) if completed else ("refused", False)
        answer.key = answer.record = record
        return answer
