"""Looking up logins (``radusuarios``) by id and by text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from backhaul.sdk import InvalidAnswerError, NotFoundError, RefusedError
from backhaul_connectors.ixc_provider.answers import Record
from backhaul_connectors.ixc_provider.client import ErpClient, ListQuery
from backhaul_connectors.ixc_provider.filters import Filter, Operator
from backhaul_connectors.ixc_provider.models import Login, Skipped, login_of

if TYPE_CHECKING:
    from backhaul_connectors.ixc_provider.settings import IxcProviderSettings

__all__ = ["LOGIN_TABLE", "LoginBook"]

LOGIN_TABLE = "radusuarios"
_NAMESAKES = 100


class LoginBook:
    """Reads single logins; nothing is kept, since the ERP tells nobody about changes."""

    def __init__(self, client: ErpClient, settings: IxcProviderSettings) -> None:
        self._client = client
        self._settings = settings

    async def by_ids(self, ids: Iterable[int]) -> dict[int, Login]:
        """Return the logins with these ids, by one request; ids without a login are missing."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        condition = Filter(column="id", operator=Operator.IN, value=[str(login_id) for login_id in wanted])
        records = await self._read(condition, len(wanted))
        logins = (login_of(record, self._settings.zone) for record in records)
        return {login.id: login for login in logins}

    async def named(self, login: str) -> list[Login]:
        """Return the logins with exactly this text, by id: none, one, or namesakes."""
        records = await self._read(Filter(column="login", value=login), _NAMESAKES)
        # The database may compare without regard to case or blanks at the end.
        logins = (login_of(record, self._settings.zone) for record in records)
        return sorted((found for found in logins if found.login == login), key=lambda found: found.id)

    async def get(self, login: str) -> Login:
        """Return the login with this text; of namesakes the one that is active.

        Raises:
            NotFoundError: there is none.
            RefusedError: there are several and not exactly one of them is active.
        """
        found = await self.named(login)
        if not found:
            raise NotFoundError("the ERP has no login with this text (radusuarios.login)")
        active = [one for one in found if one.active]
        if len(found) == 1:
            return found[0]
        if len(active) == 1:
            return active[0]
        ids = ", ".join(str(one.id) for one in found)
        raise RefusedError(f"several logins have this text (ids {ids}) and not exactly one is active: use its id")

    async def linkable(self, login: str) -> int | Skipped:
        """Return the id of the active login with this text, or why there is none to link to."""
        try:
            found = await self.get(login)
        except NotFoundError:
            return Skipped.UNKNOWN_LOGIN
        return found.id if found.active else Skipped.INACTIVE_LOGIN

    async def _read(self, condition: Filter, size: int) -> Sequence[Record]:
        answer = await self._client.read(ListQuery(table=LOGIN_TABLE, filters=(condition,), size=size))
        if len(answer.records) < answer.total:
            raise InvalidAnswerError(
                f"list of {LOGIN_TABLE}: {len(answer.records)} records came, although {answer.total} match: the answer "
                "is not complete. If the ERP never gives more, lower page_size"
            )
        return answer.records
