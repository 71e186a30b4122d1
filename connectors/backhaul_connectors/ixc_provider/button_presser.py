"""Pressing the ERP's buttons, and what their answers leave to tell."""

from __future__ import annotations

from collections.abc import Mapping

from backhaul.sdk import InvalidAnswerError, Json, UnknownOutcomeError
from backhaul_connectors.ixc_provider.base import ErpConnector
from backhaul_connectors.ixc_provider.buttons import ButtonName, Pressed
from backhaul_connectors.ixc_provider.filters import is_secret_column
from backhaul_connectors.ixc_provider.values import plain_text

__all__ = ["ButtonPresser"]

_TOLD = frozenset({"type", "tipo", "message", "mensagem", "msg", "sucesso"})


class ButtonPresser(ErpConnector):
    """Presses buttons by our name of them; never twice."""

    async def _press(
        self, button: ButtonName, for_id: str, fields: Mapping[str, Json] | None = None, *, repeatable: bool = False
    ) -> Pressed:
        """Press a button for an id, with further fields.

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: it may have acted: no proper answer came back.
        """
        known = self.settings.button(button)
        body: dict[str, Json] = {**(fields or {}), known.key: for_id}
        try:
            answer = await self._client.press(known, body, for_id, repeatable=repeatable)
        except InvalidAnswerError as error:
            if repeatable:
                raise
            raise UnknownOutcomeError(f"{error}. It may have acted", status=error.status) from error
        return Pressed(
            button=button,
            id=for_id,
            message=_message(answer),
            answer={name: value for name, value in answer.items() if name not in _TOLD and not is_secret_column(name)},
        )


def _message(answer: Mapping[str, Json]) -> str:
    parts = answer.get("msg")
    candidates = [answer, *(part for part in parts if isinstance(part, dict))] if isinstance(parts, list) else [answer]
    said = (plain_text(one.get("message") or one.get("mensagem")) for one in candidates)
    return "; ".join(one for one in said if one)
