"""Invented customers: names, documents, addresses and contact data derived from an index."""

from __future__ import annotations

from dataclasses import dataclass

from backhaul_connectors.sandbox.derive import mix
from backhaul_connectors.sandbox.phones import fixed_line, mobile

__all__ = ["CITIES", "Person", "cpf", "cpf_index", "name_of", "person"]

_FIRST = (
    "Ana", "Beatriz", "Bruno", "Caio", "Camila", "Célia", "Davi", "Débora", "Elaine", "Fábio", "Gabriel",
    "Helena", "Igor", "Íris", "João", "Júlia", "Karina", "Lívia", "Luís", "Marcos", "Mônica", "Nádia",
    "Otávio", "Paula", "Rafael", "Renata", "Sérgio", "Tânia", "Vítor", "Yara",
)  # fmt: skip
_LAST = (
    "Almeida", "Araújo", "Barbosa", "Batista", "Cardoso", "Conceição", "Correia", "Dias", "Esteves",
    "Ferreira", "Gonçalves", "Lacerda", "Magalhães", "Moreira", "Nogueira", "Oliveira", "Peixoto", "Queirós",
    "Ramos", "Sampaio", "Teixeira", "Vasconcelos", "Xavier",
)  # fmt: skip
_STREETS = ("Rua das Acácias", "Rua do Sabiá", "Avenida Inventada", "Travessa da Fonte", "Rua Ipê Amarelo")
_QUARTERS = ("Centro", "Jardim Primavera", "Vila Nova", "São Bento", "Alto da Serra")
_FIRST_CPF = 101
CITIES = ("Vila Exemplo", "Porto Fictício", "Serra do Teste", "Nova Amostra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented customer. ``city`` is an index into ``CITIES``; ``line`` is the fixed line of the phone systems."""

    name: str
    cpf: str
    phone: str
    line: str
    email: str
    street: str
    number: str
    quarter: str
    city: int
    cep: str


def cpf(index: int) -> str:
    """Return a CPF with right check digits, masked as the ERP stores it; starts with 000 below a million."""
    digits = [int(c) for c in f"{index % 1_000_000_000:09d}"]
    for _ in range(2):
        total = sum(d * w for d, w in zip(digits, range(len(digits) + 1, 1, -1), strict=True))
        digits.append((total * 10 % 11) % 10)
    text = "".join(map(str, digits))
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def cpf_index(text: str) -> int | None:
    """Return the index of the customer with this CPF, masked or bare; None if nobody has it."""
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    if len(digits) != 11 or cpf(number := int(digits[:9])).replace(".", "").replace("-", "") != digits:
        return None
    return number - _FIRST_CPF if number >= _FIRST_CPF else None


def name_of(seed: int, index: int) -> str:
    """Return the name of the customer with this index, without building the person."""
    bits = mix(seed, index)
    first, middle = _FIRST[bits % len(_FIRST)], _LAST[(bits >> 8) % len(_LAST)]
    return f"{first} {middle} {_LAST[(bits >> 16) % len(_LAST)]}"


def person(seed: int, index: int) -> Person:
    """Return the customer with this index."""
    bits = mix(seed, index)
    return Person(
        name=name_of(seed, index),
        cpf=cpf(index + _FIRST_CPF),
        phone=mobile(seed, index),
        line=fixed_line(seed, index),
        email=f"cliente{index + 101}@example.net",
        street=_STREETS[(bits >> 32) % len(_STREETS)],
        number=str(1 + (bits >> 36) % 1_900),
        quarter=_QUARTERS[(bits >> 40) % len(_QUARTERS)],
        city=(bits >> 44) % len(CITIES),
        cep=f"00000-{(bits >> 48) % 1_000:03d}",
    )
