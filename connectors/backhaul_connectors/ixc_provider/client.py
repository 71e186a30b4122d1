"""Requests to the ERP: authorization, the header that marks a listing, one method per kind of request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backhaul.sdk import InvalidAnswerError, Json, RefusedError, RetryableError, UnknownOutcomeError
from backhaul_connectors.ixc_provider.answers import ListAnswer, checked, list_answer, page_text
from backhaul_connectors.ixc_provider.filters import Filter, column_name, grid_param, is_button
from backhaul_connectors.ixc_provider.values import link

if TYPE_CHECKING:
    import httpx

    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.ixc_provider.buttons import Button
    from backhaul_connectors.ixc_provider.multipart import Multipart
    from backhaul_connectors.ixc_provider.settings import IxcProviderSettings

__all__ = ["ErpClient", "ListQuery", "nothing_done_yet"]

_RECORD_ID = re.compile(r"[0-9]{1,18}")
LISTING = {"ixcsoft": "listar"}
"""Marks a request as a listing. A POST without it is an insert: only `ErpClient.read` sends listings."""


@contextmanager
def nothing_done_yet() -> Iterator[None]:
    """Make an answer that is none a `RetryableError`: before the effect of an action its outcome is never unknown."""
    try:
        yield
    except (InvalidAnswerError, UnknownOutcomeError) as error:
        raise RetryableError(f"nothing was changed yet: {error}", status=error.status) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One page of a listing; the filters are joined with AND."""

    table: str
    filters: Sequence[Filter] = ()
    sort: str = "id"
    descending: bool = False
    page: int = 1
    size: int

    def body(self, prefixes: Mapping[str, str]) -> dict[str, str]:
        """Return the request's body: every value is a text. Source: ixc_provider reference, section 3.1."""
        body = {
            "page": str(self.page),
            "rp": str(self.size),
            "sortname": column_name(self.table, self.sort, prefixes),
            "sortorder": "desc" if self.descending else "asc",
        }
        if self.filters:
            body["grid_param"] = grid_param(self.table, self.filters, prefixes)
        return body


class ErpClient:
    """Requests of one connection. Safe for any number of concurrent callers."""

    def __init__(self, settings: IxcProviderSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._http = context.http
        self._authorization = settings.authorization

    async def read(self, query: ListQuery) -> ListAnswer:
        """Return one page of a listing; it may be repeated whatever the action is.

        Raises:
            RefusedError: the resource is a button, or the ERP said no.
            ActionError: as of `answers.checked`.
        """
        if is_button(query.table):
            raise RefusedError(f"{query.table} is not a table but acts when it is called; it cannot be listed")
        response = await self._send(
            self._settings.list_method.value,
            query.table,
            json=query.body(self._settings.table_prefixes),
            headers=LISTING,
            repeatable=True,
        )
        return list_answer(response, query.table)

    async def insert(self, table: str, fields: Mapping[str, str]) -> int | None:
        """Insert a record, never twice, and return its id, or None when the ERP does not tell it.

        Raises:
            UnknownOutcomeError: no proper answer came back: look whether the record is there.
            ActionError: as of `answers.checked`.
        """
        response = await self._send("POST", table, json=fields, repeatable=False)
        return link(checked(response, f"insert into {table}").get("id"))

    async def update(self, table: str, record_id: int, fields: Mapping[str, Json]) -> None:
        """Replace a record's fields; all of them must be given. Errors as of `answers.checked`."""
        response = await self._send("PUT", table, record_id, json=fields)
        checked(response, f"update of {table} {record_id}")

    async def delete(self, table: str, record_id: int) -> None:
        """Delete a record. One that is gone already is refused by the ERP. Errors as of `answers.checked`."""
        response = await self._send("DELETE", table, record_id)
        checked(response, f"delete of {table} {record_id}")

    async def press(
        self, button: Button, body: Mapping[str, Json], for_id: str, *, repeatable: bool = False
    ) -> Mapping[str, Json]:
        """Press a button and return its answer, which is no error.

        Args:
            button: where it is and how it is pressed.
            body: what it is pressed for.
            for_id: the id in the path of a form that is put.
            repeatable: it may be sent twice.

        Raises:
            UnknownOutcomeError: no proper answer came back; it may have acted.
            ActionError: as of `answers.checked`.
        """
        response = await self._pressed(button, body, for_id, repeatable=repeatable)
        return checked(response, f"button {button.resource}")

    async def report(self, button: Button, body: Mapping[str, Json]) -> str:
        """Press a button that answers with text or HTML for people, and return the text. It may be repeated."""
        response = await self._pressed(button, body, "", repeatable=True)
        return page_text(response, f"button {button.resource}")

    async def document(self, button: Button, body: Mapping[str, Json]) -> httpx.Response:
        """Press a button that answers with a document, and return the raw answer. It may be repeated."""
        return await self._pressed(button, body, "", repeatable=True)

    async def post(self, table: str, fields: Mapping[str, Json]) -> Mapping[str, Json]:
        """Insert a record, never twice, and return the whole answer. Errors as of `insert`."""
        return checked(await self._send("POST", table, json=fields, repeatable=False), f"insert into {table}")

    async def upload(self, table: str, form: Multipart) -> Mapping[str, Json]:
        """Insert a record with a file, never twice, and return the whole answer. Errors as of `insert`."""
        headers = {"Content-Type": form.content_type}
        response = await self._send("POST", table, content=form.body, headers=headers, repeatable=False)
        return checked(response, f"insert into {table}")

    async def notify(self, path: str, body: Json, *, with_token: bool) -> None:
        """Send the ERP an event of the ACS; any 2xx that is not an error is taken for received."""
        headers = {"Authorization": self._authorization.reveal()} if with_token else {}
        response = await self._http.request("POST", path, json=body, headers=headers)
        if response.is_success and not response.content.strip():
            return
        checked(response, "event of the ACS", any_json=True)

    async def _pressed(
        self, button: Button, body: Mapping[str, Json], for_id: str, *, repeatable: bool
    ) -> httpx.Response:
        """Press a button. A GET carries its body like a listing, and its header: without it the ERP answers 404."""
        if button.method == "PUT" and not _RECORD_ID.fullmatch(for_id):
            raise RefusedError(f"{button.resource} is put to the id of a record, and {for_id!r} is none")
        return await self._send(
            button.method,
            button.resource,
            int(for_id) if button.method == "PUT" else None,
            json=body,
            headers=LISTING if button.method == "GET" else None,
            repeatable=repeatable,
        )

    async def _send(
        self,
        method: str,
        table: str,
        record_id: int | None = None,
        *,
        json: Mapping[str, Json] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> httpx.Response:
        path = f"{self._settings.api_path}/{table}" + (f"/{record_id}" if record_id is not None else "")
        return await self._http.request(
            method,
            path + ("/" if self._settings.trailing_slash else ""),
            json=json,
            content=content,
            headers={"Authorization": self._authorization.reveal(), **(headers or {})},
            repeatable=repeatable,
        )
