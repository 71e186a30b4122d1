"""Actions on files that are attached to customers, contracts, tickets and service orders."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from backhaul.sdk import (
    AttemptInfo,
    Effect,
    InvalidAnswerError,
    Page,
    Personal,
    RefusedError,
    UnknownOutcomeError,
    Verdict,
    action,
)
from backhaul_connectors.ixc_provider.answers import checked
from backhaul_connectors.ixc_provider.base import RecordId, Text
from backhaul_connectors.ixc_provider.bills import FileContent, StoredFile, stored_file_of
from backhaul_connectors.ixc_provider.button_presser import ButtonPresser
from backhaul_connectors.ixc_provider.buttons import ButtonName
from backhaul_connectors.ixc_provider.client import ListQuery, nothing_done_yet
from backhaul_connectors.ixc_provider.filters import Filter
from backhaul_connectors.ixc_provider.multipart import form_with_file
from backhaul_connectors.ixc_provider.record_actions import Inserted, inserted_of
from backhaul_connectors.ixc_provider.values import link

__all__ = ["FileActions", "FileOwner"]

FileOwner: TypeAlias = Literal["customer", "contract", "ticket", "order"]
"""What a file is attached to."""

_TABLES: Mapping[FileOwner, tuple[str, str]] = {
    "customer": ("cliente_arquivos", "id_cliente"),
    "contract": ("cliente_arquivos", "id_contrato"),
    "ticket": ("su_ticket_arquivos", "id_ticket"),
    "order": ("su_oss_chamado_arquivos", "id_oss_chamado"),
}
_VIEWS: Mapping[str, ButtonName] = {"customer": "customer_file", "order": "order_file"}
_MOST_BASE64 = 14_000_000


class FileActions(ButtonPresser):
    """Attached files (``cliente_arquivos``, ``su_ticket_arquivos``, ``su_oss_chamado_arquivos``)."""

    @action(effect=Effect.READ)
    async def list_files(
        self,
        *,
        of: FileOwner,
        id: RecordId,  # noqa: A002  (the vendor's name)
        cursor: str | None = None,
    ) -> AsyncIterator[Page[StoredFile]]:
        """List the files that are attached to something, by id.

        Args:
            of: ``customer``, ``contract``, ``ticket`` or ``order`` (service order).
            id: its id.

        Raises:
            InvalidAnswerError: the answer is not a complete list.
        """
        table, column = _TABLES[of]
        query = ListQuery(table=table, filters=(Filter(column=column, value=str(id)),), size=self.settings.page_size)
        async with aclosing(self._walker.by_id(query, cursor)) as pages:
            async for page in pages:
                items = [stored_file_of(record, self.settings.zone) for record in page.items]
                yield Page(items=items, next=page.next, total=page.total)

    @action(effect=Effect.READ)
    async def get_file(
        self,
        *,
        id: RecordId,  # noqa: A002  (the vendor's name)
        of: Literal["customer", "order"] = "customer",
    ) -> FileContent:
        """Return the content of a file of a customer, a contract or a service order.

        Args:
            id: id of the file (`list_files`).
            of: ``customer``, also for files of contracts, or ``order``.

        Raises:
            RefusedError: the ERP said no, such as when there is no such file.
            InvalidAnswerError: what came is no base64.
        """
        known = self.settings.button(_VIEWS[of])
        response = await self._client.document(known, {known.key: str(id)})
        packed = response.content.strip().strip(b'"').replace(b"\\/", b"/")
        if response.is_success and packed and not packed.startswith((b"{", b"<")):
            try:
                base64.b64decode(packed, validate=True)
            except binascii.Error:
                raise InvalidAnswerError(f"file {id}: the ERP answered with something that is no base64") from None
            return FileContent(id=id, content_base64=packed.decode("ascii"))
        checked(response, f"file {id}")
        raise InvalidAnswerError(f"file {id}: the ERP answered without content")

    @action(effect=Effect.ONCE, verify="verify_attach_file")
    async def attach_file(
        self,
        *,
        to: FileOwner,
        id: RecordId,  # noqa: A002  (the vendor's name)
        descricao: Personal[Text],
        nome_arquivo: Annotated[Personal[str], StringConstraints(min_length=1, max_length=200)],
        content_base64: Annotated[Personal[str], Field(min_length=1, max_length=_MOST_BASE64)],
    ) -> Inserted:
        """Attach a file to a customer, a contract, a ticket or a service order.

        Args:
            to: ``customer``, ``contract``, ``ticket`` or ``order`` (service order).
            id: its id.
            descricao: what people see it as.
            nome_arquivo: its name, with the ending by which it is opened.
            content_base64: the content in base64, up to 10 MB.

        Raises:
            NotFoundError: there is no such contract.
            RefusedError: the ERP said no, or the content is no base64.
            UnknownOutcomeError: it may have been attached.
        """
        try:
            content = base64.b64decode(content_base64, validate=True)
        except binascii.Error:
            raise RefusedError("content_base64 is no base64; nothing was sent") from None
        table, column = _TABLES[to]
        fields = {"descricao": descricao, column: str(id)}
        if to == "contract":
            with nothing_done_yet():
                contract = await self._existing("cliente_contrato", id)
            fields["id_cliente"] = str(link(contract.get("id_cliente")) or 0)
        if to == "order":
            fields["classificacao_arquivo"] = "P"
        form = form_with_file(fields, "local_arquivo", nome_arquivo, content)
        try:
            return inserted_of(table, await self._client.upload(table, form))
        except InvalidAnswerError as error:
            raise UnknownOutcomeError(f"{error}. It may have been attached", status=error.status) from error

    async def verify_attach_file(
        self,
        *,
        to: FileOwner,
        id: int,  # noqa: A002
        descricao: str,
        attempt: AttemptInfo,
        **others: object,
    ) -> Verdict:
        """Look for a file with the same description that was attached since the attempt."""
        await self.clock.sleep(self.settings.verify_after_s)
        table, column = _TABLES[to]
        since = attempt.started_at - timedelta(seconds=self.settings.clock_tolerance_s + 1)
        records = await self._matching(table, Filter(column=column, value=str(id)), most=1000)
        files = [stored_file_of(record, self.settings.zone) for record in records]
        found = [one for one in files if one.descricao == descricao and (one.sent is None or one.sent >= since)]
        if not found:
            return Verdict.not_done()
        if len(found) > 1:
            return Verdict.unknown(f"{len(found)} such files were attached since then")
        return Verdict.done(Inserted(table=table, id=found[0].id))
