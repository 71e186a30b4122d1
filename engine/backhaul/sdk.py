"""Everything that the author of a connector needs.

A connector is one class; its typed methods are what workflows can call. This is a whole one, which works as a file in
a project's ``connectors/`` folder::

    from backhaul.sdk import Connector, Effect, HttpSettings, Credential, action, json_of, raise_for_status

    class WeatherSettings(HttpSettings):
        token: Credential

    class Weather(Connector[WeatherSettings]):
        \"\"\"Weather stations of the towns that we serve.\"\"\"

        name = "weather"
        Settings = WeatherSettings

        @action(effect=Effect.READ)
        async def temperature(self, *, town: str) -> float:
            \"\"\"Return the temperature of a town in degrees Celsius.\"\"\"
            headers = {"Authorization": f"Bearer {self.settings.token.reveal()}"}
            response = await self.http.request("GET", "/v1/now", params={"town": town}, headers=headers)
            raise_for_status(response)
            return float(json_of(response)["celsius"])

A package registers its connectors with an entry point in the group ``backhaul`` that names a module with::

    @hookimpl
    def backhaul_connectors():
        return [Weather]
"""

from __future__ import annotations

from backhaul.errors import (
    ActionError,
    AuthenticationError,
    InvalidAnswerError,
    NotFoundError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)
from backhaul.json_values import Json
from backhaul.plugins.action import AttemptInfo, Effect, Page, Verdict, action
from backhaul.plugins.change import Change
from backhaul.plugins.connector import BaseUrl, Connector, ConnectorContext, ConnectorSettings, HttpSettings
from backhaul.plugins.credentials import Credential, PlainId
from backhaul.plugins.events import (
    Event,
    EventReader,
    PollPage,
    WebhookRejectedError,
    WebhookRequest,
    poll,
    webhook,
)
from backhaul.plugins.hookspecs import hookimpl
from backhaul.plugins.http import HttpClient, excerpt, json_of, raise_for_status
from backhaul.plugins.personal import Personal
from backhaul.plugins.signatures import (
    GitHubSignature,
    HmacSignature,
    StandardWebhooksSignature,
    StripeSignature,
)
from backhaul.secrets import Secret

__all__ = [
    "ActionError",
    "AttemptInfo",
    "AuthenticationError",
    "BaseUrl",
    "Change",
    "Connector",
    "ConnectorContext",
    "ConnectorSettings",
    "Credential",
    "Effect",
    "Event",
    "EventReader",
    "GitHubSignature",
    "HmacSignature",
    "HttpClient",
    "HttpSettings",
    "InvalidAnswerError",
    "Json",
    "NotFoundError",
    "Page",
    "Personal",
    "PlainId",
    "PollPage",
    "RefusedError",
    "RetryableError",
    "Secret",
    "StandardWebhooksSignature",
    "StripeSignature",
    "UnknownOutcomeError",
    "Verdict",
    "WebhookRejectedError",
    "WebhookRequest",
    "action",
    "excerpt",
    "hookimpl",
    "json_of",
    "poll",
    "raise_for_status",
    "webhook",
]
