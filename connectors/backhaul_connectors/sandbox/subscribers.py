"""One subscriber as every system knows him, for tests and for people who look around."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backhaul_connectors.sandbox.control_errors import ControlError
from backhaul_connectors.sandbox.erp_seed import CONTRACT_ID, CUSTOMER_ID, LOGIN_ID
from backhaul_connectors.sandbox.face import VendorFace
from backhaul_connectors.sandbox.people import cpf_index
from backhaul_connectors.sandbox.phones import international, subscriber_of
from backhaul_connectors.sandbox.state import SandboxState

__all__ = ["Subscribers"]


class Subscribers:
    """Subscribers by index: subscriber ``i`` has login ``i`` of the population, counted from 0."""

    def __init__(self, state: SandboxState, faces: Sequence[VendorFace]) -> None:
        self._state = state
        self._faces = faces

    def routes(self) -> list[Route]:
        """Return the control routes."""
        return [
            Route("/subscribers", self.find, methods=["GET"]),
            Route("/subscribers/{index:int}", self.show, methods=["GET"]),
        ]

    async def show(self, request: Request) -> JSONResponse:
        """Return one subscriber."""
        return JSONResponse(self._subscriber(int(request.path_params["index"])))

    async def find(self, request: Request) -> JSONResponse:
        """Return the subscriber who was seeded with this ``?login=``, ``?cpf=``, ``?number=`` or ``?serial=``."""
        population = self._state.world.population
        query = request.query_params
        if "login" in query:
            index = population.login_index(query["login"])
        elif "cpf" in query:
            index = cpf_index(query["cpf"])
        elif "number" in query:
            index = subscriber_of(population.seed, query["number"])
        elif "serial" in query:
            index = population.serial_index(query["serial"])
        else:
            raise ControlError("give one of login, cpf, number, serial")
        if index is None or index >= population.logins:
            raise ControlError("there is no such subscriber", 404)
        return JSONResponse(self._subscriber(index))

    def _subscriber(self, index: int) -> dict[str, object]:
        """Return what ties the systems together, as it is now; null or empty where somebody removed it."""
        world = self._state.world
        if index >= world.population.logins:
            raise ControlError(f"there is no subscriber {index}; there are {world.population.logins}", 404)
        login = world.population.login(index)
        customer_id, contract_id, login_id = CUSTOMER_ID + index, CONTRACT_ID + index, LOGIN_ID + index
        customer = world.customers.row(customer_id) if customer_id in world.customers else {}
        phones = [text for name in ("telefone_celular", "fone") if (text := customer.get(name, ""))]
        own = {
            "index": index,
            "name": customer.get("razao"),
            "cpf": customer.get("cnpj_cpf"),
            "phones": phones,
            "numbers": [international(text) for text in phones],
            "login": login,
            "provider": {
                "customer_id": str(customer_id) if customer else None,
                "contract_id": str(contract_id) if contract_id in world.contracts else None,
                "login_id": str(login_id) if login_id in world.logins else None,
                "active": login_id in world.logins and world.logins.cell(login_id, "ativo") == "S",
                "acs_devices": [
                    world.registered.cell(row, "serial_number")
                    for row in world.registered.find("id_login", str(login_id)) or []
                ],
            },
            "acs": {"serials": [world.devices.serial(slot) for slot in world.devices.find_by_login(login)]},
        }
        return {**own, **{face.vendor: known for face in self._faces if (known := face.subscriber(index))}}
