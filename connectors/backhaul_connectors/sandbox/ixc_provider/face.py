"""The ERP's HTTP interface: ``/webservice/v1/{resource}`` and the address that receives ACS events."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from starlette.routing import Route

from backhaul_connectors.sandbox.daily import Daily
from backhaul_connectors.sandbox.erp_columns_sales import SALES_REQUIRED
from backhaul_connectors.sandbox.erp_table import Table
from backhaul_connectors.sandbox.face import Answer, Call, Operation, VendorFace
from backhaul_connectors.sandbox.ixc_provider import answers
from backhaul_connectors.sandbox.ixc_provider.bodies import UnreadableBodyError, fields_of, file_of, json_of
from backhaul_connectors.sandbox.ixc_provider.buttons import BUTTONS, Button
from backhaul_connectors.sandbox.ixc_provider.changes import ErpChanges
from backhaul_connectors.sandbox.ixc_provider.files import FILE_TABLES
from backhaul_connectors.sandbox.ixc_provider.flexigrid import FLEXIGRID, flexigrid_page
from backhaul_connectors.sandbox.ixc_provider.listing import RowFinder
from backhaul_connectors.sandbox.ixc_provider.press import Press
from backhaul_connectors.sandbox.ixc_provider.query import Condition, ListQuery, QueryError
from backhaul_connectors.sandbox.ixc_provider.switches import ButtonName, ProviderSwitches
from backhaul_connectors.sandbox.ixc_provider.writes import delete_row, insert_row, update_row
from backhaul_connectors.sandbox.rate import CallCounter
from backhaul_connectors.sandbox.request_log import Effect
from backhaul_connectors.sandbox.state import PROVIDER_TOKEN, SandboxState

__all__ = ["ProviderFace"]

_PATH = re.compile(r"/webservice/v1/([A-Za-z0-9_]+)(?:/(\d{1,9}))?/?")
_RESOURCES = {
    "acs_device_grid": "acs_device",
    "radpop_radio_porta_fibra": "radpop_radio_porta",
    "cliente_contrato_comodato": "movimento_produtos",
}
"""Resources whose columns carry another table name; all others carry their own."""
_VIEWS = {"crm_canditados": "cliente", "fn_areceber_altera": "fn_areceber"}
"""Resources that show a table which has its own resource too, with that table's columns."""
_ONLY = {"crm_canditados": Condition("crm", "=", "S")}
_READ_ONLY = frozenset({*FLEXIGRID, "patrimonio", "ixc_logs"})
_NO_CHANGE = frozenset({*_READ_ONLY, "radpop_radio_cliente_fibra_historico"})
"""Tables that are only listed; the history of levels is also deleted from (the vendor's Postman collection)."""

_BASIC = base64.b64encode(PROVIDER_TOKEN.encode()).decode()
_EFFECTS: dict[str, Effect] = {"list": "read", "insert": "once", "update": "write", "delete": "delete"}


class ProviderFace(VendorFace):
    """Serves one user of the ERP, named by the token."""

    vendor: ClassVar[str] = "provider"
    switches: ProviderSwitches

    def __init__(self, state: SandboxState) -> None:
        super().__init__(state)
        self.reset()

    def reset(self) -> None:
        """Return to the initial switches, without counts."""
        self.switches = ProviderSwitches(zone=self.state.clock.zone.key)
        self._counter = CallCounter()
        self._finder = RowFinder()
        world = self.state.world
        self._daily = Daily(world.agenda, world.clock, world.synchronise_erp)

    def switched(self) -> None:
        """Follow the server's zone and the time of its daily synchronisation."""
        self.state.clock.set_zone(self.switches.zone)
        self._daily.set(self.switches.daily_sync_at)

    def ip_refused(self) -> Answer:
        """Answer the vendor's own text for an address outside the list."""
        return answers.error("Seu IP não está liberado para efetuar login!", self.state.clock.now())

    def credentials(self) -> dict[str, str]:
        """Return the token of the ERP's user, as the ERP shows it."""
        return {"token": PROVIDER_TOKEN}

    def changes(self) -> list[Route]:
        """Return the control routes for logins and the ERP's own synchronisation."""
        return ErpChanges(self.state).routes()

    def operation(self, call: Call) -> Operation:
        """Return what a call asks for: the header ``ixcsoft: listar`` decides between listing and insert."""
        if call.path == "/api-module/acs/webhook" and call.method == "POST":
            return Operation("acs_webhook", "delete", self._acs_webhook)
        match = _PATH.fullmatch(call.path)
        if match is None:
            return Operation("unknown", "none", self._not_found)
        resource, record = match[1], match[2]
        button = self._button(resource)
        if button is not None and self._pressed(button, call, record):
            press = partial(self._press, button, resource, record or "")
            return Operation(resource, _effect(BUTTONS[button], call), partial(self._allowed, press))
        action = self._action(call, record)
        if action is None:
            return Operation(f"{resource}.unknown", "none", partial(self._allowed, self._not_found))
        carry_out = partial(self._on_table, resource, action, int(record or 0))
        allowed = partial(self._allowed, carry_out)
        return Operation(f"{resource}.{action}", _EFFECTS[action], allowed, listing=action == "list")

    def _action(self, call: Call, record: str | None) -> str | None:
        listing = call.header(b"ixcsoft").strip().lower() == "listar"
        match call.method, record:
            case "GET", None if listing and self.switches.get_listing:
                return "list"
            case "POST", None:
                return "list" if listing else "insert"
            case "PUT", str():
                return "update"
            case "DELETE", str():
                return "delete"
            case _:
                return None

    def _pressed(self, button: ButtonName, call: Call, record: str | None) -> bool:
        """Tell whether a call presses a button: POST, GET for some, PUT to an id for forms."""
        if BUTTONS[button].put:
            return call.method == "PUT" and record is not None
        by_get = call.method == "GET" and button in self.switches.get_buttons
        return record is None and (call.method == "POST" or by_get)

    def _button(self, resource: str) -> ButtonName | None:
        return next((name for name, at in self.switches.buttons.items() if at == resource), None)

    def _allowed(self, carry_out: Callable[[Call], Answer], call: Call) -> Answer:
        """Check the authorization and the optional limits."""
        scheme, _, token = call.header(b"authorization").partition(" ")
        if scheme and scheme.lower() != "basic":
            return answers.bad_request()
        if not hmac.compare_digest(token.strip().encode(), _BASIC.encode()):
            return answers.unauthorised()
        wait_s = self._counter.count(self.state.clock.now(), self.switches.per_minute, self.switches.per_day)
        if wait_s is not None:
            return self.over_limit(wait_s if self.switches.limit_retry_after else None)
        try:
            return carry_out(call)
        except UnreadableBodyError:
            return answers.bad_request()

    def _on_table(self, resource: str, action: str, record: int, call: Call) -> Answer:
        """Carry out one of the four table operations; a closed table reads like an unknown one."""
        world, now = self.state.world, self.state.clock.now()
        table = world.tables.get(_VIEWS.get(resource) or _RESOURCES.get(resource, resource))
        unknown = table is None or (table.name == resource and resource in _RESOURCES.values())
        if table is None or unknown or resource in self.switches.denied:
            return answers.error(f"Recurso {resource} não está disponível!", now)
        if f"{resource}:{action}" in self.switches.denied:
            return answers.error("Usuário sem permissão para esta operação!", now)
        if action in ("insert", "update", "delete") and table.name in (
            _READ_ONLY if action == "delete" else _NO_CHANGE
        ):
            return answers.error("Operação não permitida para este recurso!", now)
        fields = fields_of(call)
        match action:
            case "list":
                return self._list(table, fields, call.distort, only=_ONLY.get(resource))
            case "insert":
                file = file_of(call, "local_arquivo") if table.name in FILE_TABLES else None
                required = SALES_REQUIRED["crm_canditados"] if resource == "crm_canditados" else ()
                return insert_row(world, table, fields, self.switches, required=required, file=file)
            case "update":
                return update_row(world, table, record, fields, self.switches)
            case _:
                return delete_row(world, table, record, self.switches)

    def _list(self, table: Table, fields: dict[str, str], distort: str, *, only: Condition | None) -> Answer:
        """Answer one page; the faults ``truncate_page`` and ``empty_list`` end the list early, as if complete."""
        try:
            query = ListQuery.parse(fields, table, only)
        except QueryError:
            return answers.red_div(self.switches.red_status)
        if self.switches.rp_max is not None and query.rp > self.switches.rp_max:
            return answers.gateway_timeout()
        ids, total = self._finder.page(table, query)
        if distort == "empty_list":
            ids, total = [], 0
        elif distort == "truncate_page":
            ids = ids[: len(ids) // 2]
            total = (query.page - 1) * query.rp + len(ids)
        now = self.state.clock.now()
        if table.name in FLEXIGRID:
            answer = flexigrid_page(table, ids, total, query.page, now)
        else:
            body: dict[str, object] = {"page": str(query.page)}
            body["total"] = total if self.switches.total_as == "int" else str(total)
            if ids:
                body["registros"] = [table.row(row_id) for row_id in ids]
            answer = answers.plain_json(body, now)
        answer.key = f"page {query.page}"
        return answer

    def _press(self, button: ButtonName, resource: str, record: str, call: Call) -> Answer:
        if resource in self.switches.denied:
            return answers.error(f"Recurso {resource} não está disponível!", self.state.clock.now())
        form = {"id": record} if record else {}
        return BUTTONS[button].carry_out(Press(self.state.world, self.switches, {**fields_of(call), **form}))

    def _not_found(self, _: Call) -> Answer:
        return answers.not_found()

    def _acs_webhook(self, call: Call) -> Answer:
        """Receive an ACS event: a removed device is dropped here too (rule S3); others change nothing.

        Body and authentication are not documented by the vendor; this is the shape that our ACS sandbox sends.
        """
        now = self.state.clock.now()
        try:
            event = json_of(call.body)
        except UnreadableBodyError:
            return answers.bad_request()
        if not isinstance(event, dict) or not isinstance(event.get("serialNumber"), str):
            return answers.error("Formato inválido", now)
        serial = event["serialNumber"]
        removed = event.get("event") == "device.removed" and self.state.world.drop_registered(serial) > 0
        answer = answers.plain_json({"type": "success"}, now)
        answer.completed, answer.key = removed, serial
        return answer


def _effect(button: Button, call: Call) -> Effect:
    """Return what a press is meant to do, which may depend on its body."""
    if button.effect_of is None:
        return button.effect
    try:
        return button.effect_of(fields_of(call))
    except UnreadableBodyError:
        return "none"
