"""A vendor that answers as written, for answers that no sandbox gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from backhaul.sdk import Json

__all__ = ["Answer", "Script", "ScriptMaker"]

Answer: TypeAlias = httpx.Response | Callable[[httpx.Request], httpx.Response]


@dataclass
class Script:
    """A transport that answers as written: one answer per request, the last one for all that follow."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    @property
    def bodies(self) -> list[Json]:
        """The JSON bodies received; None for requests without."""
        return [json.loads(request.content) if request.content else None for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)


ScriptMaker: TypeAlias = Callable[..., Script]
"""Makes a script of answers: ``script(httpx.Response(200, json={...}), ...)``."""
