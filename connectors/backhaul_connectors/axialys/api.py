"""Requests to Axialys: credentials and numbers in the query, and neither of them in any error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backhaul.sdk import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    Json,
    UnknownOutcomeError,
    raise_for_status,
)
from backhaul_connectors.axialys.answers import checked
from backhaul_connectors.axialys.numbers import masked_text
from backhaul_connectors.axialys.settings import CallCredential, NumberFormat, ParametersIn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backhaul.sdk import ConnectorContext
    from backhaul_connectors.axialys.settings import AxialysSettings

__all__ = ["AxialysApi"]

_HEADERS = {"Accept": "application/json"}


class AxialysApi:
    """The two functions of the API. Safe for any number of concurrent callers."""

    def __init__(self, settings: AxialysSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._http = context.http

    async def call(self, account_id: str, number: str) -> Json:
        """Order a call to a number (E.164 with ``+``), once: no answer, however bad, makes it be sent again.

        Raises:
            UnknownOutcomeError: a telephone may have rung.
            ActionError: as of `answers.checked`.
        """
        written = number if self._settings.number_format is NumberFormat.PLUS else number.removeprefix("+")
        parameters = {"account_id": account_id, "number": written, **self._call_credential(account_id)}
        try:
            return await self._send("call", parameters, repeatable=False)
        except InvalidAnswerError as error:
            text = masked_text(str(error))
            if error.status is None or 200 <= error.status < 300:
                raise UnknownOutcomeError(f"{text}. The telephone may have rung", status=error.status) from None
            raise InvalidAnswerError(text, status=error.status) from None
        except ActionError as error:
            error.message = masked_text(str(error))
            error.args = (error.message,)
            raise

    async def set_callback(self, url: str) -> Json:
        """Replace the callback URL of the API key; an empty one switches notifications off. It may be repeated.

        Raises:
            ActionError: as of `answers.checked`.
        """
        if self._settings.api_key is None:
            raise AuthenticationError("set_callback needs api_key: an account's SIP password is only good for calls")
        key = self._settings.api_key.reveal()
        return await self._send("set_callback", {"api_key": key, "url": url}, repeatable=True, hidden=url)

    async def reach(self) -> None:
        """Prove that the address answers HTTP, with no credential and no effect.

        Raises:
            ActionError: it does not, is out of order, or points elsewhere.
        """
        response = await self._http.request("GET", "/", headers=_HEADERS, repeatable=True)
        if response.is_redirect or response.is_server_error:
            raise_for_status(response)

    async def _send(self, function: str, parameters: Mapping[str, str], *, repeatable: bool, hidden: str = "") -> Json:
        in_form = self._settings.parameters_in is ParametersIn.FORM
        response = await self._http.request(
            self._settings.method.value,
            self._settings.path_of(function),
            params=None if in_form else parameters,
            form=parameters if in_form else None,
            headers=_HEADERS,
            repeatable=repeatable,
        )
        secrets = [*self._settings.secrets(), *([hidden] if hidden else [])]
        return checked(response, function, secrets)

    def _call_credential(self, account_id: str) -> dict[str, str]:
        kind, key = self._settings.call_credential, self._settings.api_key
        if key is not None and kind is not CallCredential.PASSWORD:
            return {"api_key": key.reveal()}
        password = self._settings.sip_passwords.get(account_id)
        if password is None:
            raise AuthenticationError(
                f"there is no SIP password for account {account_id}: add it to sip_passwords (it is on the account's "
                "sheet), or set api_key"
            )
        return {"password": password.reveal()}
