from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backhaul_connectors.sandbox.akixi.directory import Directory, Scope
from backhaul_connectors.sandbox.axialys.accounts import AccountBook
from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.ispcrm.users import UserBook
from backhaul_connectors.sandbox.options import WorldOptions
from backhaul_connectors.sandbox.people import cpf, cpf_index
from backhaul_connectors.sandbox.phones import fixed_line, international, mobile, subscriber_of
from backhaul_connectors.sandbox.population import Population
from sandbox.client import Isp


def test_a_subscriber_is_the_same_person_in_every_system(isp: Isp) -> None:
    known = isp.control("GET", "subscribers/12")
    mobile_written, line_written = known["phones"]
    page = isp.erp_page("cliente", "cliente.telefone_celular", "=", mobile_written)
    (customer,) = page["registros"]
    assert (customer["id"], customer["razao"]) == (known["provider"]["customer_id"], known["name"])
    assert isp.erp_page("cliente", "cliente.fone", "=", line_written)["registros"] == [customer]
    assert isp.erp_page("cliente", "cliente.cnpj_cpf", "=", known["cpf"])["registros"] == [customer]
    (login,) = isp.erp_page("radusuarios", "radusuarios.login", "=", known["login"])["registros"]
    assert (login["id"], login["id_cliente"]) == (known["provider"]["login_id"], customer["id"])
    assert known["axialys"]["number"] == known["numbers"][1]
    assert known["akixi"]["device_number"] == f"+{known['numbers'][1]}"
    assert known["akixi"]["device_description"] == known["name"]
    assert known["crm"]["username"] == known["login"]
    for serial in known["acs"]["serials"]:
        assert isp.control("GET", f"acs/devices/{serial}")["pppoe_login"] == known["login"]


def test_a_subscriber_is_found_by_what_anybody_may_know(isp: Isp) -> None:
    known = isp.control("GET", "subscribers/9")
    for query in (
        f"login={known['login']}",
        f"cpf={known['cpf']}",
        f"cpf={known['cpf'].replace('.', '').replace('-', '')}",
        f"number=%2B{known['numbers'][0]}",
        f"number={known['numbers'][1]}",
        f"number={known['phones'][0]}",
    ):
        assert isp.control("GET", f"subscribers?{query}")["index"] == 9
    assert isp.http.get("/_sandbox/subscribers?cpf=000.000.000-00").status_code == 404
    assert isp.http.get("/_sandbox/subscribers?number=33199001234").status_code == 404
    assert isp.http.get("/_sandbox/subscribers").status_code == 400
    assert isp.http.get("/_sandbox/subscribers/309").status_code == 404


def test_a_subscriber_that_people_removed_is_shown_as_gone(isp: Isp) -> None:
    known = isp.control("GET", "subscribers/3")
    isp.control("DELETE", f"crm/users/{known['crm']['radius_id']}")
    isp.control("DELETE", f"provider/logins/{known['login']}")
    now = isp.control("GET", "subscribers/3")
    assert now["provider"]["login_id"] is None
    assert "crm" not in now


@given(st.integers(0, 2**32), st.integers(0, 5_000_000))
def test_numbers_and_cpfs_lead_back_to_their_subscriber(seed: int, index: int) -> None:
    for written in (mobile(seed, index), fixed_line(seed, index)):
        assert subscriber_of(seed, written) == index
        assert subscriber_of(seed, international(written)) == index
        assert subscriber_of(seed, f"+{international(written)}") == index
    assert mobile(seed, index) != fixed_line(seed, index)
    assert cpf_index(cpf(index + 101)) == index


@given(st.text(max_size=20))
def test_a_text_that_is_no_number_is_nobodys(text: str) -> None:
    assert subscriber_of(1, text) is None or len([c for c in text if c.isdigit()]) >= 9
    assert cpf_index(text) is None or len([c for c in text if c.isdigit()]) == 11


@pytest.mark.parametrize("index", [0, 123_456, 999_999])
def test_a_million_subscribers_are_computed_not_stored(index: int) -> None:
    options = WorldOptions(devices=1_000_000, seed=5)
    population = Population(options)
    clock = WorldClock(source=lambda: 1_900_000_000.0)
    accounts, users, directory = AccountBook(population), UserBook(population, clock), Directory(population)
    account = accounts.of(index)
    assert accounts.find(account.account_id) == account
    assert accounts.with_number(account.number) == account
    user = users.find(population.login(index))
    assert user is not None
    assert users.get(user.radius_id) == user
    number = directory.line_of(index)
    assert directory.device_label(Scope(500, 1, number)) == user.name == account.name
    assert len(accounts) == len(users) + 4 == population.logins + 4


def test_credentials_of_every_vendor_are_shown(isp: Isp) -> None:
    credentials = isp.control("GET", "credentials")
    assert credentials["akixi"]["api_key"] == "sandbox-akixi-key"
    assert credentials["crm"]["token"] == "sandbox-crm-token"
    assert credentials["axialys"]["api_key"] == "sandbox-axialys-key"
