"""Tests that the ACS lets devices run: start, an empty state while they run, then the result and an event."""

from __future__ import annotations

from backhaul_connectors.sandbox.acs_live import Diagnosis
from backhaul_connectors.sandbox.face import Answer, json_answer
from backhaul_connectors.sandbox.ixc_acs import measurements
from backhaul_connectors.sandbox.ixc_acs.bodies import json_body
from backhaul_connectors.sandbox.ixc_acs.contacts import Contacts
from backhaul_connectors.sandbox.ixc_acs.registers import datamodel, is_online
from backhaul_connectors.sandbox.ixc_acs.switches import DiagnosticName

__all__ = ["Diagnostics"]


class Diagnostics:
    """Carries out starts and answers states (ixc_acs.md section 6, tr069.md section 3).

    A state is a list: empty until the test has finished, then its result. That is seen for neighbours and assumed for
    the other tests. An offline device never finishes; a restart loses the results.
    """

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts
        self._world = contacts.world

    def start(self, slot: int, name: DiagnosticName, body: bytes) -> Answer:
        """Accept a test, which starts at the device's next contact."""
        inputs = json_body(body or b"{}")
        if not isinstance(inputs, dict):
            return json_answer({"message": "Invalid body"}, 400)
        live = self._world.live.of(slot)
        running = live.diagnostics.get(name)
        busy = self._contacts.switches().diagnostic_busy
        if running is not None and running.result is None and busy != "restart":
            if busy == "conflict":
                return json_answer({"message": "A diagnosis is already running"}, 409)
            answer = json_answer({"message": "accepted"})
            answer.completed = False
            return answer
        live.tests += 1
        number = live.tests
        live.diagnostics[name] = Diagnosis(number, inputs)
        self._contacts.give(slot, lambda of, at: self._begin(of, name, number, at))
        return json_answer({"message": "accepted"})

    def state(self, slot: int, name: DiagnosticName) -> Answer:
        """Answer the result of the last run; an empty list while there is none."""
        live = self._world.live.get(slot)
        diagnosis = live.diagnostics.get(name) if live is not None else None
        return json_answer(diagnosis.result or [] if diagnosis is not None else [])

    def _begin(self, slot: int, name: DiagnosticName, number: int, at: float) -> None:
        duration_s = self._contacts.switches().diagnostic_s[name]
        self._world.agenda.at(at + duration_s, lambda end: self._finish(slot, name, number, end))

    def _finish(self, slot: int, name: DiagnosticName, number: int, at: float) -> None:
        """End a test, unless the device is gone or another run took its place."""
        live = self._world.live.get(slot)
        diagnosis = live.diagnostics.get(name) if live is not None else None
        if live is None or diagnosis is None or diagnosis.number != number or not is_online(self._world, slot):
            return
        switches = self._contacts.switches()
        word = switches.finished_word
        if word == "by_model":
            complete = name in ("ping", "traceroute") or datamodel(self._world, slot) == "TR-181"
            word = "Complete" if complete else "Completed"
        error = switches.diagnostic_errors.get(name) or measurements.error_of(name, diagnosis.inputs)
        test = measurements.Measurement(self._world, slot, number, at, diagnosis.inputs, error or word, bool(error))
        diagnosis.result = test.result(name, wrap=switches.counters_wrap)
        live.contact_at = at
        self._contacts.events.emit("diagnostic.finished", "diagnosis", slot, diagnostic=name, state=error or word)
