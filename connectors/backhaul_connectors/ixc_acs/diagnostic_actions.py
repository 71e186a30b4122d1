"""Actions that start diagnoses of a device, read their state, and wait for their result."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from backhaul.sdk import AttemptInfo, ConnectorContext, Effect, Json, Verdict, action
from backhaul_connectors.ixc_acs.base import AcsConnector
from backhaul_connectors.ixc_acs.diagnostic_runner import DiagnosticKind, DiagnosticRunner
from backhaul_connectors.ixc_acs.diagnostics import DiagnosticStarted
from backhaul_connectors.ixc_acs.reachability import NeighborScan, neighbor_scan_of
from backhaul_connectors.ixc_acs.reading import Serial
from backhaul_connectors.ixc_acs.settings import IxcAcsSettings
from backhaul_connectors.ixc_acs.speed_test import SpeedTest, speed_test_of, start_body

__all__ = ["Deadline", "DiagnosticActions", "Host"]

Host = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9._:-]{1,255}$")]
Deadline = Annotated[float, Field(gt=0, le=3600)]


class DiagnosticActions(AcsConnector):
    """Speed test and neighbour scan."""

    def __init__(self, settings: IxcAcsSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._runner = DiagnosticRunner(self._api, settings, context)
        self._speed_test = DiagnosticKind(
            name="speed_test",
            part=settings.speed_test_kind,
            parse=speed_test_of,
            deadline_s=settings.speed_test_deadline_s,
        )
        self._neighbor_scan = DiagnosticKind(
            name="neighbor_scan",
            part=settings.neighbor_kind,
            parse=neighbor_scan_of,
            deadline_s=settings.diagnostic_deadline_s,
        )

    @action(effect=Effect.ONCE, verify="verify_start_speed_test")
    async def start_speed_test(
        self, *, serial: Serial, download: bool = True, upload: bool = True
    ) -> DiagnosticStarted:
        """Start a speed test, which fills the customer's line. Accepted is not finished: see `run_speed_test`.

        Args:
            serial: serial number as the ACS writes it.
            download: test the download, with the files of `speed_test_download_sizes`.
            upload: test the upload, with the files of `speed_test_upload_sizes`.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
            RefusedError: the ACS says no, such as while one is running.
            UnknownOutcomeError: it may have been started: it is never started again blindly.
        """
        return await self._runner.start(self._speed_test, serial, self._speed_body(download, upload))

    async def verify_start_speed_test(
        self, *, serial: str, download: bool, upload: bool, attempt: AttemptInfo
    ) -> Verdict:
        """Tell by event, state or result whether the speed test of an attempt was started."""
        return await self._runner.verify_start(self._speed_test, serial, attempt)

    @action(effect=Effect.READ)
    async def get_speed_test(self, *, serial: Serial) -> SpeedTest:
        """Return where the last speed test of a device stands, and its result.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
        """
        return await self._runner.state(self._speed_test, serial)

    @action(effect=Effect.ONCE, verify="verify_run_speed_test")
    async def run_speed_test(
        self, *, serial: Serial, download: bool = True, upload: bool = True, deadline_s: Deadline | None = None
    ) -> SpeedTest:
        """Start a speed test and wait for its result; a test that fails is a result, with the device's `error`.

        Args:
            serial: serial number as the ACS writes it.
            download: test the download.
            upload: test the upload.
            deadline_s: seconds in which it must end, instead of `speed_test_deadline_s`.

        Raises:
            DiagnosticUnfinishedError: it did not end in time; it is not started again.
            RefusedError: the ACS says no, such as while one is running.
            UnknownOutcomeError: it may have been started, and no result came.
        """
        return await self._runner.run(self._speed_test, serial, self._speed_body(download, upload), deadline_s)

    async def verify_run_speed_test(
        self, *, serial: str, download: bool, upload: bool, deadline_s: float | None, attempt: AttemptInfo
    ) -> Verdict:
        """Look for the result of the speed test of an attempt."""
        return await self._runner.verify_run(self._speed_test, serial, attempt, deadline_s)

    @action(effect=Effect.ONCE, verify="verify_start_neighbor_scan")
    async def start_neighbor_scan(self, *, serial: Serial) -> DiagnosticStarted:
        """Start a scan for other Wi-Fi networks, which may interrupt the customer's own for a moment.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
            UnknownOutcomeError: it may have been started.
        """
        return await self._runner.start(self._neighbor_scan, serial, {})

    async def verify_start_neighbor_scan(self, *, serial: str, attempt: AttemptInfo) -> Verdict:
        """Tell whether the scan of an attempt was started."""
        return await self._runner.verify_start(self._neighbor_scan, serial, attempt)

    @action(effect=Effect.READ)
    async def get_neighbor_scan(self, *, serial: Serial) -> NeighborScan:
        """Return what the last scan found; nothing while it is running.

        Args:
            serial: serial number as the ACS writes it.

        Raises:
            NotFoundError: the ACS has no such device, or not this path.
        """
        return await self._runner.state(self._neighbor_scan, serial)

    @action(effect=Effect.ONCE, verify="verify_run_neighbor_scan")
    async def run_neighbor_scan(self, *, serial: Serial, deadline_s: Deadline | None = None) -> NeighborScan:
        """Start a scan for other Wi-Fi networks and wait until it has found some.

        Args:
            serial: serial number as the ACS writes it.
            deadline_s: seconds in which it must end, instead of `diagnostic_deadline_s`.

        Raises:
            DiagnosticUnfinishedError: it found nothing in time; the ACS shows no end of an empty scan.
            UnknownOutcomeError: it may have been started, and no result came.
        """
        return await self._runner.run(self._neighbor_scan, serial, {}, deadline_s)

    async def verify_run_neighbor_scan(self, *, serial: str, deadline_s: float | None, attempt: AttemptInfo) -> Verdict:
        """Look for the result of the scan of an attempt."""
        return await self._runner.verify_run(self._neighbor_scan, serial, attempt, deadline_s)

    def _speed_body(self, download: bool, upload: bool) -> Json:
        settings = self.settings
        return start_body(
            settings.speed_test_download_sizes if download else None,
            settings.speed_test_upload_sizes if upload else None,
        )
