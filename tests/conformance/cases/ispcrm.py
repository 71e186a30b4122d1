"""The case of `ispcrm`."""

from __future__ import annotations

from backhaul.sdk import Json
from backhaul.testing import ConnectorCase, ServedSandbox
from backhaul_connectors.ispcrm import IspCrm
from conformance.isp import Isp, served

__all__ = ["CASE"]


async def _paging(isp: Isp) -> None:
    """Have the list paged: how the vendor pages is not documented, so the sandbox does not by itself."""
    await isp.change("/settings", {"crm": {"paging": "laravel", "page_size": 5}})


def _sandbox(isp: Isp) -> ServedSandbox:
    async def state() -> Json:
        summary = await isp.shown("/requests/summary")
        return [one for one in summary["items"] if one["effect"] in {"write", "delete", "once"}]

    return ServedSandbox(
        settings={"base_url": f"{isp.url}/crm", "token": isp.credentials["token"]},
        examples={
            "get_user": {"id": "20"},
            "create_user": {"fields": {"username": "mira_k", "name": "Mira K", "profile_id": 10}},
        },
        state=state,
        advance=isp.advance,
    )


CASE = ConnectorCase(connector=IspCrm, serve=served("crm", _sandbox, _paging))
