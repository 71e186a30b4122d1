"""Actions on bills: the document of a boleto, sending it, the PIX of a receivable."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from backhaul.sdk import Effect, InvalidAnswerError, Json, Personal, action
from backhaul_connectors.ixc_provider.answers import checked
from backhaul_connectors.ixc_provider.base import RecordId
from backhaul_connectors.ixc_provider.button_presser import ButtonPresser
from backhaul_connectors.ixc_provider.buttons import Pressed

__all__ = ["BillingActions", "Boleto"]


class Boleto(BaseModel):
    """The document of a bill. Personal data: all of it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: int
    pdf_base64: Personal[str]
    """The PDF in base64."""


class BillingActions(ButtonPresser):
    """Receivables (``fn_areceber``)."""

    @action(effect=Effect.READ)
    async def get_boleto(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name)
        fine_and_interest: bool = False,
    ) -> Boleto:
        """Return the PDF of a bill; nothing is sent to the customer and nothing is changed.

        Args:
            id: id of the receivable.
            fine_and_interest: with fine and interest up to today.

        Raises:
            RefusedError: the ERP said no.
            InvalidAnswerError: what came is no PDF.
        """
        yes_no = "S" if fine_and_interest else "N"
        known = self.settings.button("get_boleto")
        body = {
            known.key: str(id),
            "juro": yes_no,
            "multa": yes_no,
            "atualiza_boleto": "N",
            "tipo_boleto": "arquivo",
            "base64": "S",
        }
        response = await self._client.document(known, body)
        content = response.content.strip()
        if response.is_success and content.startswith(b"%PDF"):
            return Boleto(id=id, pdf_base64=base64.b64encode(content).decode())
        packed = content.strip(b'"').replace(b"\\/", b"/")
        if response.is_success and packed.startswith(b"JVBER"):
            return Boleto(id=id, pdf_base64=packed.decode("ascii", "replace"))
        checked(response, f"bill {id}")
        raise InvalidAnswerError(f"bill {id}: the ERP answered with {len(content)} bytes that are no PDF")

    @action(effect=Effect.ONCE)
    async def send_boleto(
        self,
        *,
        ids: Annotated[list[RecordId], Field(min_length=1, max_length=100)],
        by: Literal["mail", "sms"],
        fine_and_interest: bool = False,
        update: bool = False,
    ) -> Pressed:
        """Have the ERP send bills to the customer.

        Args:
            ids: ids of the receivables.
            by: ``mail`` or ``sms``.
            fine_and_interest: with fine and interest up to today.
            update: have the bills made anew before (``atualiza_boleto``).

        Raises:
            RefusedError: the ERP said no.
            UnknownOutcomeError: they may have been sent.
        """
        yes_no = "S" if fine_and_interest else "N"
        fields = {"juro": yes_no, "multa": yes_no, "atualiza_boleto": "S" if update else "N", "tipo_boleto": by}
        return await self._press("get_boleto", ",".join(str(one) for one in ids), fields)

    @action(effect=Effect.WRITE)
    async def get_pix(self, *, id: RecordId) -> Personal[dict[str, Json]]:  # noqa: A002  (the vendor's name)
        """Return the PIX charge of a receivable as the bank gives it (real numbers, times in UTC).

        A receivable that has no charge yet gets one: the bank makes it and the ERP notes its ``pix_txid``. Asked for
        again, it is the same charge [assumed].

        Args:
            id: id of the receivable.

        Raises:
            RefusedError: the ERP said no.
        """
        pressed = await self._press("get_pix", str(id), repeatable=True)
        return pressed.answer
