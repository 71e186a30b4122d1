"""The case of `http`, with an API of books: no vendor's, as it is for any other API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul.sdk import Json
from backhaul.testing import ConnectorCase, ServedSandbox, serve_app
from backhaul_connectors.http import Http

__all__ = ["CASE"]

_TOKEN = "books-token-5d1c"


class Books:
    """Books by id, and the orders of some."""

    def __init__(self) -> None:
        self.books: dict[str, Any] = {f"b{number}": {"id": f"b{number}", "title": "A book"} for number in range(1, 6)}
        self.orders: list[Any] = []

    async def list(self, request: Request) -> JSONResponse:
        page, size = (int(request.query_params[name]) for name in ("page", "limit"))
        found = list(self.books.values())
        return JSONResponse({"items": found[(page - 1) * size : page * size], "total": len(found)})

    async def one(self, request: Request) -> JSONResponse:
        key = request.path_params["id"]
        if request.method == "PUT":
            self.books[key] = {"id": key, **await request.json()}
        book = self.books.pop(key, None) if request.method == "DELETE" else self.books.get(key)
        return JSONResponse(book) if book else JSONResponse({"message": "no such book"}, 404)

    async def order(self, request: Request) -> JSONResponse:
        self.orders.append(await request.json())
        return JSONResponse({"number": len(self.orders)}, 201)


def _app(books: Books) -> Starlette:
    def guarded(endpoint: Any) -> Any:
        async def answer(request: Request) -> JSONResponse:
            if request.headers.get("authorization") != f"Bearer {_TOKEN}":
                return JSONResponse({"message": "unknown token"}, 401)
            found: JSONResponse = await endpoint(request)
            return found

        return answer

    return Starlette(
        routes=[
            Route("/books", guarded(books.list), methods=["GET"]),
            Route("/books/{id}", guarded(books.one), methods=["GET", "PUT", "DELETE"]),
            Route("/orders", guarded(books.order), methods=["POST"]),
        ]
    )


@asynccontextmanager
async def _serve() -> AsyncIterator[ServedSandbox]:
    books = Books()

    async def state() -> Json:
        return [dict(books.books), list(books.orders)]

    async with serve_app(_app(books)) as url:
        yield ServedSandbox(
            settings={
                "base_url": url,
                "auth": "bearer",
                "token": _TOKEN,
                "check_path": "/books/b1",
                "paging": {"style": "page", "page_size": 2, "total": "total"},
            },
            state=state,
        )


CASE = ConnectorCase(
    connector=Http,
    serve=_serve,
    examples={
        "read": {"path": "/books/b1"},
        "list": {"path": "/books", "items": "items"},
        "write": {"path": "/books/b9", "body": {"title": "Another book"}},
        "remove": {"path": "/books/b2"},
        "once": {"path": "/orders", "body": {"book": "b1"}},
    },
    exceptions={
        "typed-parameters": "the body of a request is whatever the other API takes",
        "typed-results": "a listing gives the records as the other API has them",
    },
)
