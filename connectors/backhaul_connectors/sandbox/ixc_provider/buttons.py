"""The ERP's buttons that the sandbox carries out, each with its odd answer (ixc_provider.md sections 3.3 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from backhaul_connectors.sandbox.face import Answer
from backhaul_connectors.sandbox.ixc_provider import (
    billing_buttons,
    contract_buttons,
    crm_buttons,
    files,
    lending,
    login_buttons,
    onu_buttons,
    payment_buttons,
    support,
)
from backhaul_connectors.sandbox.ixc_provider.press import Press
from backhaul_connectors.sandbox.ixc_provider.switches import ButtonName
from backhaul_connectors.sandbox.request_log import Effect

__all__ = ["BUTTONS", "Button"]


class Button(NamedTuple):
    """What a button is meant to do, and who does it."""

    effect: Effect
    carry_out: Callable[[Press], Answer]
    effect_of: Callable[[Mapping[str, str]], Effect] | None = None
    """Tells the effect by the body, where it depends on that."""
    put: bool = False
    """It is a PUT of a form to the record's id, not a POST."""


BUTTONS: dict[ButtonName, Button] = {
    "push_wifi": Button("write", login_buttons.push_wifi),
    "disconnect": Button("once", login_buttons.disconnect),
    "clear_mac": Button("write", login_buttons.clear_mac),
    "release": Button("write", partial(contract_buttons.set_access, "A")),
    "late": Button("write", partial(contract_buttons.set_access, "FA")),
    "block": Button("write", partial(contract_buttons.set_access, "CM")),
    "await_signature": Button("write", partial(contract_buttons.set_access, "AA")),
    "activate": Button("write", contract_buttons.activate),
    "trust_unblock": Button("once", contract_buttons.trust_unblock),
    "release_72h": Button("once", contract_buttons.release_72h),
    "lift_reduction": Button("write", contract_buttons.lift_reduction),
    "onu_reboot": Button("once", onu_buttons.restart),
    "onu_reset": Button("once", onu_buttons.restart),
    "onu_write": Button("write", onu_buttons.write),
    "onu_script": Button("read", onu_buttons.script),
    "olt_script": Button("read", onu_buttons.script),
    "onu_credentials": Button("write", onu_buttons.write),
    "onu_web": Button("write", onu_buttons.write),
    "onu_provision": Button("write", onu_buttons.provision),
    "onu_remove": Button("delete", onu_buttons.remove),
    "onu_authorise": Button("once", onu_buttons.authorise),
    "olt_sync": Button("write", onu_buttons.synchronise),
    "onu_optical": Button("read", onu_buttons.optical),
    "order_analyse": Button("write", support.analyse),
    "order_reschedule": Button("write", support.reschedule),
    "order_execute": Button("write", support.execute),
    "order_close": Button("write", support.close),
    "order_reopen": Button("write", support.reopen),
    "ticket_protocol": Button("once", support.new_protocol),
    "order_protocol": Button("once", support.new_protocol),
    "boleto": Button("read", billing_buttons.boleto, billing_buttons.boleto_effect),
    "pix": Button("write", billing_buttons.pix),
    "receive_bill": Button("once", payment_buttons.receive),
    "cancel_bill": Button("write", payment_buttons.cancel),
    "cancel_bill_form": Button("write", payment_buttons.cancel_by_form, put=True),
    "alter_bill": Button("write", payment_buttons.alter, put=True),
    "pay_payable": Button("once", payment_buttons.pay),
    "return_lent": Button("write", lending.return_lent),
    "customer_file": Button("read", files.view_customer_file),
    "order_file": Button("read", files.view_order_file),
    "negotiation_won": Button("write", crm_buttons.win, put=True),
    "negotiation_lost": Button("write", crm_buttons.lose, put=True),
    "coverage": Button("read", crm_buttons.check_coverage),
}
