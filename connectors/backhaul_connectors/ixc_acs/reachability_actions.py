"""Actions that ping and trace routes from a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from backhaul.sdk import AttemptInfo, ConnectorContext, Effect, Json, Verdict, action
from backhaul_connectors.ixc_acs.diagnostic_actions import Deadline, DiagnosticActions, Host
from backhaul_connectors.ixc_acs.diagnostic_runner import DiagnosticKind
from backhaul_connectors.ixc_acs.diagnostics import DiagnosticStarted
from backhaul_connectors.ixc_acs.reachability import Ping, Traceroute, ping_of, traceroute_of
from backhaul_connectors.ixc_acs.reading import Serial
from backhaul_connectors.ixc_acs.settings import IxcAcsSettings

__all__ = ["ReachabilityActions"]

Milliseconds = Annotated[int, Field(ge=1, le=600_000)]
BlockSize = Annotated[int, Field(ge=1, le=65_535)]
Dscp = Annotated[int, Field(ge=0, le=63)]
Repetitions = Annotated[int, Field(ge=1, le=1000)]
Tries = Annotated[int, Field(ge=1, le=3)]
Hops = Annotated[int, Field(ge=1, le=64)]
Interface = Annotated[str, StringConstraints(pattern=r"^(InternetGatewayDevice|Device)(\.[A-Za-z0-9_-]+)+\.?$")]
ProtocolVersion: TypeAlias = Literal["Any", "IPv4", "IPv6"]
"""TR-181 only. Source: tr069 reference, section 3.1."""


class ReachabilityActions(DiagnosticActions):
    """Ping and traceroute.

    A device runs one test of a kind at a time: a second start is refused, or ends the first one and loses its result
    (tr069 reference, section 3). So these are never started twice.
    """

    def __init__(self, settings: IxcAcsSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        limit_s = settings.diagnostic_deadline_s
        self._ping = DiagnosticKind(name="ping", part=settings.ping_kind, parse=ping_of, deadline_s=limit_s)
        self._traceroute = DiagnosticKind(
            name="traceroute", part=settings.traceroute_kind, parse=traceroute_of, deadline_s=limit_s
        )

    @action(effect=Effect.ONCE, verify="verify_start_ping")
    async def start_ping(
        self,
        *,
        serial: Serial,
        host: Host,
        repetitions: Repetitions | None = None,
        timeout_ms: Milliseconds | None = None,
        data_block_size: BlockSize | None = None,
        dscp: Dscp | None = None,
        interface: Interface | None = None,
        protocol_version: ProtocolVersion | None = None,
    ) -> DiagnosticStarted:
        """Have a device ping a host. Accepted is not finished: see `run_ping`.

        Args:
            serial: serial number as the ACS writes it.
            host: name or address to ping.
            repetitions: how often; the device's own number when not given.
            timeout_ms: milliseconds to wait for each answer.
            data_block_size: bytes of each packet.
            dscp: mark of the packets (RFC 2474).
            interface: path of the interface to send from; the device's own choice when not given.
            protocol_version: ``Any``, ``IPv4`` or ``IPv6``, on devices with TR-181.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
            RefusedError: the ACS says no, such as while one is running.
            UnknownOutcomeError: it may have been started: it is never started again blindly.
        """
        body = self._ping_body(host, repetitions, timeout_ms, data_block_size, dscp, interface, protocol_version)
        return await self._runner.start(self._ping, serial, body)

    async def verify_start_ping(self, *, serial: str, attempt: AttemptInfo, **inputs: Json) -> Verdict:
        """Tell by event or state whether the ping of an attempt was started."""
        return await self._runner.verify_start(self._ping, serial, attempt)

    @action(effect=Effect.READ)
    async def get_ping(self, *, serial: Serial) -> Ping:
        """Return where the last ping of a device stands, and its result.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
        """
        return await self._runner.state(self._ping, serial)

    @action(effect=Effect.ONCE, verify="verify_run_ping")
    async def run_ping(
        self,
        *,
        serial: Serial,
        host: Host,
        repetitions: Repetitions | None = None,
        timeout_ms: Milliseconds | None = None,
        data_block_size: BlockSize | None = None,
        dscp: Dscp | None = None,
        interface: Interface | None = None,
        protocol_version: ProtocolVersion | None = None,
        deadline_s: Deadline | None = None,
    ) -> Ping:
        """Have a device ping a host and wait for the result; a ping that fails is a result, with its `error`.

        Args:
            serial: serial number as the ACS writes it.
            host: name or address to ping.
            repetitions: how often; the device's own number when not given.
            timeout_ms: milliseconds to wait for each answer.
            data_block_size: bytes of each packet.
            dscp: mark of the packets (RFC 2474).
            interface: path of the interface to send from; the device's own choice when not given.
            protocol_version: ``Any``, ``IPv4`` or ``IPv6``, on devices with TR-181.
            deadline_s: seconds in which it must end, instead of `diagnostic_deadline_s`.

        Raises:
            DiagnosticUnfinishedError: it did not end in time; it is not started again.
            RefusedError: the ACS says no, such as while one is running.
            UnknownOutcomeError: it may have been started, and no result came.
        """
        body = self._ping_body(host, repetitions, timeout_ms, data_block_size, dscp, interface, protocol_version)
        return await self._runner.run(self._ping, serial, body, deadline_s)

    async def verify_run_ping(
        self, *, serial: str, deadline_s: float | None, attempt: AttemptInfo, **inputs: Json
    ) -> Verdict:
        """Look for the result of the ping of an attempt."""
        return await self._runner.verify_run(self._ping, serial, attempt, deadline_s)

    @action(effect=Effect.ONCE, verify="verify_start_traceroute")
    async def start_traceroute(
        self,
        *,
        serial: Serial,
        host: Host,
        tries: Tries | None = None,
        timeout_ms: Milliseconds | None = None,
        data_block_size: BlockSize | None = None,
        dscp: Dscp | None = None,
        max_hops: Hops | None = None,
        interface: Interface | None = None,
    ) -> DiagnosticStarted:
        """Have a device trace the route to a host. Accepted is not finished: see `run_traceroute`.

        Args:
            serial: serial number as the ACS writes it.
            host: name or address.
            tries: packets per hop, 1 to 3; the device's own number when not given.
            timeout_ms: milliseconds to wait for each answer.
            data_block_size: bytes of each packet.
            dscp: mark of the packets (RFC 2474).
            max_hops: longest route to trace, 1 to 64.
            interface: path of the interface to send from; the device's own choice when not given.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
            RefusedError: the ACS says no, such as while one is running.
            UnknownOutcomeError: it may have been started: it is never started again blindly.
        """
        body = self._route_body(host, tries, timeout_ms, data_block_size, dscp, max_hops, interface)
        return await self._runner.start(self._traceroute, serial, body)

    async def verify_start_traceroute(self, *, serial: str, attempt: AttemptInfo, **inputs: Json) -> Verdict:
        """Tell by event or state whether the traceroute of an attempt was started."""
        return await self._runner.verify_start(self._traceroute, serial, attempt)

    @action(effect=Effect.READ)
    async def get_traceroute(self, *, serial: Serial) -> Traceroute:
        """Return where the last traceroute of a device stands, and its result.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
        """
        return await self._runner.state(self._traceroute, serial)

    @action(effect=Effect.ONCE, verify="verify_run_traceroute")
    async def run_traceroute(
        self,
        *,
        serial: Serial,
        host: Host,
        tries: Tries | None = None,
        timeout_ms: Milliseconds | None = None,
        data_block_size: BlockSize | None = None,
        dscp: Dscp | None = None,
        max_hops: Hops | None = None,
        interface: Interface | None = None,
        deadline_s: Deadline | None = None,
    ) -> Traceroute:
        """Have a device trace the route to a host and wait for the result; a failure is a result, with its `error`.

        Args:
            serial: serial number as the ACS writes it.
            host: name or address.
            tries: packets per hop, 1 to 3; the device's own number when not given.
            timeout_ms: milliseconds to wait for each answer.
            data_block_size: bytes of each packet.
            dscp: mark of the packets (RFC 2474).
            max_hops: longest route to trace, 1 to 64.
            interface: path of the interface to send from; the device's own choice when not given.
            deadline_s: seconds in which it must end, instead of `diagnostic_deadline_s`.

        Raises:
            DiagnosticUnfinishedError: it did not end in time; it is not started again.
            RefusedError: the ACS says no, such as while one is running.
            UnknownOutcomeError: it may have been started, and no result came.
        """
        body = self._route_body(host, tries, timeout_ms, data_block_size, dscp, max_hops, interface)
        return await self._runner.run(self._traceroute, serial, body, deadline_s)

    async def verify_run_traceroute(
        self, *, serial: str, deadline_s: float | None, attempt: AttemptInfo, **inputs: Json
    ) -> Verdict:
        """Look for the result of the traceroute of an attempt."""
        return await self._runner.verify_run(self._traceroute, serial, attempt, deadline_s)

    def _ping_body(
        self,
        host: str,
        repetitions: int | None,
        timeout_ms: int | None,
        data_block_size: int | None,
        dscp: int | None,
        interface: str | None,
        protocol_version: str | None,
    ) -> Json:
        given = {
            "host": host,
            "repetitions": repetitions,
            "timeout_ms": timeout_ms,
            "data_block_size": data_block_size,
            "dscp": dscp,
            "interface": interface,
            "protocol_version": protocol_version,
        }
        return _named(given, self.settings.ping_fields)

    def _route_body(
        self,
        host: str,
        tries: int | None,
        timeout_ms: int | None,
        data_block_size: int | None,
        dscp: int | None,
        max_hops: int | None,
        interface: str | None,
    ) -> Json:
        given = {
            "host": host,
            "tries": tries,
            "timeout_ms": timeout_ms,
            "data_block_size": data_block_size,
            "dscp": dscp,
            "max_hops": max_hops,
            "interface": interface,
        }
        return _named(given, self.settings.traceroute_fields)


def _named(given: Mapping[str, Json], names: Mapping[str, str]) -> Json:
    """Return the parameters that are given under the ACS's names for them."""
    return {names.get(name, name): value for name, value in given.items() if value is not None}
