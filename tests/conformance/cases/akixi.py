"""The case of `akixi`, by its key."""

from __future__ import annotations

from backhaul.sdk import Json
from backhaul.testing import ConnectorCase, ServedSandbox
from backhaul_connectors.akixi import Akixi
from conformance.isp import Isp, served

__all__ = ["CASE"]

_FREE: dict[str, Json] = {"tel_sys_id": 426, "partition_id": 1, "device_number": "+442046034982"}
_TAKEN: dict[str, Json] = {
    "tel_sys_id": 426,
    "partition_id": 1,
    "device_number": "+442046034981",
    "id": "3d5b6efefaa0a823:3af2db2a:199bb1c0014:-36cd",
}


def _sandbox(isp: Isp) -> ServedSandbox:
    async def state() -> Json:
        return await isp.shown("/akixi/clients")

    return ServedSandbox(
        settings={"base_url": f"{isp.url}/akixi", "api_key": isp.credentials["api_key"], "page_size": 5},
        examples={
            "get_integrator_client": _TAKEN,
            "add_integrator_client": {**_FREE, "description": "Front desk"},
            "change_integrator_client": {**_TAKEN, "description": "Back office"},
            "delete_integrator_client": _TAKEN,
            "run_report": {"report_id": "rep-1"},
        },
        state=state,
        advance=isp.advance,
    )


CASE = ConnectorCase(connector=Akixi, serve=served("akixi", _sandbox))
