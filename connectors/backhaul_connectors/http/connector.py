"""The `http` connector: its actions, one per effect, since only the author of a workflow knows what a request does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from backhaul.sdk import (
    AttemptInfo,
    Connector,
    ConnectorContext,
    Effect,
    InvalidAnswerError,
    Json,
    Page,
    Verdict,
    action,
    raise_for_status,
)
from backhaul_connectors.http.client import HttpApi
from backhaul_connectors.http.extraction import ValuePath
from backhaul_connectors.http.listing import Listing
from backhaul_connectors.http.models import Expect, HttpAnswer, MethodName, QueryValue, Request
from backhaul_connectors.http.paging import Paging
from backhaul_connectors.http.proof import Proof, prove
from backhaul_connectors.http.settings import HttpApiSettings

__all__ = ["Http"]

_LOOK_AGAIN_S = 2.0
_PAGE = re.compile(r"[\s\ufeff]*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)

Query = dict[str, QueryValue] | None
Texts = dict[str, str] | None


class Http(Connector[HttpApiSettings]):
    """Any other system with a JSON API over HTTP.

    The name of the action states what repeating the request does: `read` and `list` change nothing, `write` may be
    repeated, `remove` deletes and may be repeated, `once` has an effect every time.

    Source: RFC 9110 (methods, statuses), RFC 8288 (Link).
    """

    name = "http"
    Settings = HttpApiSettings

    def __init__(self, settings: HttpApiSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._api = HttpApi(settings, context)

    @action(effect=Effect.READ)
    async def read(
        self,
        *,
        path: str,
        method: MethodName = "GET",
        path_values: Texts = None,
        query: Query = None,
        headers: Texts = None,
        body: Json = None,
        extract: ValuePath = "",
        expect: Expect = Expect.JSON,
    ) -> HttpAnswer:
        """Read: a request that changes nothing.

        Args:
            path: path below the base URL; ``{name}`` stands for one of `path_values`.
            method: ``GET`` or ``HEAD``; ``POST`` where the connection allows reads by it.
            path_values: values in the path, percent-encoded here.
            query: query parameters; a list repeats its name, null is left out.
            headers: headers, without credentials.
            body: JSON body.
            extract: path of the part of the answer to return, such as ``data.items``.
            expect: ``json`` (or nothing), ``text``, or ``any``.

        Raises:
            RefusedError: the request may not be made under this effect or leaves the base URL, or the API said no.
            NotFoundError: 404 or 410.
            InvalidAnswerError: the answer is not what is expected.
        """
        request = self._request(Effect.READ, method, path, path_values, query, headers, body, expect=expect)
        return await self._api.answer(request, extract)

    @action(effect=Effect.READ)
    async def list(
        self,
        *,
        path: str,
        items: ValuePath = "",
        paging: Paging | None = None,
        limit: Annotated[int, Field(ge=1)] | None = None,
        method: MethodName = "GET",
        path_values: Texts = None,
        query: Query = None,
        headers: Texts = None,
        body: Json = None,
        cursor: str | None = None,
    ) -> AsyncIterator[Page[Json]]:
        """List records page by page; a list that is cut short or repeats itself is an error, never a shorter list.

        Args:
            path: path below the base URL; ``{name}`` stands for one of `path_values`.
            items: path of the list in each answer, such as ``data.items``; empty: the answer is the list.
            paging: how the list goes on; the connection's `paging` when not given.
            limit: number of records after which to stop.
            method: ``GET``; ``POST`` where the connection allows reads by it.
            path_values: values in the path, percent-encoded here.
            query: query parameters of every page; a list repeats its name, null is left out.
            headers: headers, without credentials.
            body: JSON body of every page.

        Raises:
            RefusedError: the request may not be made under this effect or leaves the base URL, or the API said no.
            InvalidAnswerError: the list is not complete, does not end, or is not there.
        """
        listing = Listing(
            api=self._api,
            request=self._request(Effect.READ, method, path, path_values, query, headers, body),
            items_at=items,
            paging=paging or self.settings.paging,
            limit=limit,
            page_cap=self.settings.page_cap,
            pause=self._pause,
        )
        async with aclosing(listing.pages(cursor)) as pages:
            async for page in pages:
                yield page

    @action(effect=Effect.WRITE)
    async def write(
        self,
        *,
        path: str,
        method: MethodName = "PUT",
        path_values: Texts = None,
        query: Query = None,
        headers: Texts = None,
        body: Json = None,
        form: Texts = None,
        extract: ValuePath = "",
        expect: Expect = Expect.JSON,
    ) -> HttpAnswer:
        """Write: a request that may be repeated with the same result, such as setting a value.

        Args:
            path: path below the base URL; ``{name}`` stands for one of `path_values`.
            method: ``PUT``, ``PATCH`` or ``POST``.
            path_values: values in the path, percent-encoded here.
            query: query parameters; a list repeats its name, null is left out.
            headers: headers, without credentials.
            body: JSON body.
            form: body as a form, instead of `body`.
            extract: path of the part of the answer to return.
            expect: ``json`` (or nothing), ``text``, or ``any``.

        Raises:
            RefusedError: the request may not be made under this effect or leaves the base URL, or the API said no.
            InvalidAnswerError: the answer is not what is expected.
        """
        request = self._request(Effect.WRITE, method, path, path_values, query, headers, body, form, expect)
        return await self._api.answer(request, extract)

    @action(effect=Effect.DELETE)
    async def remove(
        self,
        *,
        path: str,
        method: MethodName = "DELETE",
        path_values: Texts = None,
        query: Query = None,
        headers: Texts = None,
        body: Json = None,
        form: Texts = None,
        extract: ValuePath = "",
        expect: Expect = Expect.JSON,
    ) -> HttpAnswer:
        """Remove: a request that deletes; what is gone already counts as removed (`missing_is_removed`).

        Args:
            path: path below the base URL; ``{name}`` stands for one of `path_values`.
            method: ``DELETE`` or ``POST``.
            path_values: values in the path, percent-encoded here.
            query: query parameters; a list repeats its name, null is left out.
            headers: headers, without credentials.
            body: JSON body.
            form: body as a form, instead of `body`.
            extract: path of the part of the answer to return.
            expect: ``json`` (or nothing), ``text``, or ``any``.

        Raises:
            RefusedError: the request may not be made under this effect or leaves the base URL, or the API said no.
            InvalidAnswerError: the answer is not what is expected.
        """
        request = self._request(Effect.DELETE, method, path, path_values, query, headers, body, form, expect)
        return await self._api.answer(request, extract)

    @action(effect=Effect.ONCE, verify="verify_once")
    async def once(
        self,
        *,
        path: str,
        method: MethodName = "POST",
        path_values: Texts = None,
        query: Query = None,
        headers: Texts = None,
        body: Json = None,
        form: Texts = None,
        extract: ValuePath = "",
        expect: Expect = Expect.JSON,
        verify: Proof | None = None,
    ) -> HttpAnswer:
        """Do once: a request that has an effect every time, such as an insert. It is never sent twice.

        Args:
            path: path below the base URL; ``{name}`` stands for one of `path_values`.
            method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
            path_values: values in the path, percent-encoded here.
            query: query parameters; a list repeats its name, null is left out.
            headers: headers, without credentials.
            body: JSON body.
            form: body as a form, instead of `body`.
            extract: path of the part of the answer to return.
            expect: ``json`` (or nothing), ``text``, or ``any``.
            verify: a read whose answer proves that it was carried out, asked when no clear answer came back; without
                one a person decides.

        Raises:
            RefusedError: the request may not be made under this effect or leaves the base URL, or the API said no.
            UnknownOutcomeError: no clear answer came back.
        """
        request = self._request(Effect.ONCE, method, path, path_values, query, headers, body, form, expect)
        return await self._api.answer(request, extract)

    async def verify_once(self, *, verify: Proof | None = None, attempt: AttemptInfo, **request: Json) -> Verdict:
        """Find out by the step's own read whether the request was carried out."""
        if verify is None:
            return Verdict.unknown("the step gives no read (verify) that could prove it")
        until = attempt.started_at + timedelta(seconds=verify.wait_s)
        while True:
            verdict = await prove(verify, self._api)
            left_s = (until - self.clock.now()).total_seconds()
            if verdict.state == "done" or left_s <= 0:
                return verdict
            await self.clock.sleep(min(_LOOK_AGAIN_S, left_s + 0.001))

    async def check(self) -> None:
        """Prove address and credentials by reading `check_path`, or the base URL, of which a 404 says nothing.

        Raises:
            InvalidAnswerError: `check_path` is answered with an HTML page, such as a login.
            ActionError: as of `answers.body_of`.
        """
        path = self.settings.check_path
        request = Request(effect=Effect.READ, method="GET", path=path or "/", expect=Expect.ANY)
        if path is not None:
            answer = await self._api.answer(request)
            if isinstance(answer.body, str) and _PAGE.match(answer.body):
                raise InvalidAnswerError(
                    f"GET {path} answered {answer.status} with an HTML page, which no API gives: check base_url, "
                    "check_path and the credentials (it may be a login page)",
                    status=answer.status,
                )
            return
        response = await self._api.send(request)
        if response.status_code in {401, 403} or response.is_server_error or response.is_redirect:
            raise_for_status(response)

    async def _pause(self) -> None:
        await self.clock.sleep(self.settings.page_pause_s)

    def _request(
        self,
        effect: Effect,
        method: str,
        path: str,
        path_values: Texts,
        query: Query,
        headers: Texts,
        body: Json,
        form: Texts = None,
        expect: Expect = Expect.JSON,
    ) -> Request:
        return Request(
            effect=effect,
            method=method,
            path=path,
            path_values=path_values or {},
            query=query or {},
            headers=headers or {},
            body=body,
            form=form,
            expect=expect,
        )
