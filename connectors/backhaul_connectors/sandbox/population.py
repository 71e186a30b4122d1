"""Who exists at the start: serial numbers, logins and initial links, computed from an index and back."""

from __future__ import annotations

import random
from enum import IntEnum

from backhaul_connectors.sandbox.derive import Affine, mix
from backhaul_connectors.sandbox.options import WorldOptions

__all__ = ["GONE_MAKER", "MAKERS", "LoginKind", "Population", "RowKind", "plain_serial"]

MAKERS = (
    ("ACME", "ACME", ("AX-1", "AX-3 Wi-Fi 6")),
    ("BRNT", "Brasanet", ("BN-100", "BN-240")),
    ("FCTO", "Fictel", ("F670", "F680")),
    ("NOVA", "Novaluz", ("NL-G1", "NL-G2")),
    ("TMBK", "Timbako", ("T5", "T7")),
)
"""Four-letter serial prefix (in alphabetical order), manufacturer, models. All invented."""

GONE_MAKER = ("ZETA", "Zetalink", ("Z-OLD",))
"""The maker of the devices that a mass delete has already removed from the ACS."""


class LoginKind(IntEnum):
    """What the ACS knows as a device's PPPoE login, at the start."""

    OWN = 0
    BRIDGE = 1
    UNKNOWN = 2
    INACTIVE = 3
    DUPLICATE = 4


class RowKind(IntEnum):
    """What the ERP's ``acs_device`` holds for a device, at the start."""

    NONE = 0
    RIGHT = 1
    WRONG = 2
    UNLINKED = 3
    ALIAS = 4


class Population:
    """The seeded start of the world. Device and login indexes are dense from 0.

    Device ``i`` belongs with login ``i``; the shares in ``WorldOptions`` bend that. Serial numbers rise with the
    index, so the ACS needs no sorted copy of them, and both directions are arithmetic. Indexes from
    ``devices`` to ``devices + gone - 1`` are devices that only the ERP still remembers.
    """

    def __init__(self, options: WorldOptions) -> None:
        self.options = options
        self.seed = options.seed
        self.devices = options.devices
        self.gone = round(options.devices * options.gone)
        self.logins = options.devices + round(options.devices * options.spare_logins)
        self._block = max(1, -(-self.devices // len(MAKERS)))
        self._step = max(1, min(0x1_0000, 0xFFFF_FFFF // (max(self._block, self.gone) + 1)))
        self._numbers = Affine(options.seed, self.logins * 3 // 2 + 50)
        self._wrong_shift = self.logins // 2 + 1
        self._gone_rows: dict[int | None, list[int]] = {}
        for index in range(self.devices, self.devices + self.gone):
            self._gone_rows.setdefault(self.row_link(index), []).append(index)
        rng = random.Random(options.seed)
        self.login_kinds = _draw(
            rng,
            self.devices,
            {
                LoginKind.BRIDGE: options.bridge,
                LoginKind.UNKNOWN: options.unknown_login,
                LoginKind.INACTIVE: options.inactive_login,
                LoginKind.DUPLICATE: options.duplicate_login,
            },
        )
        self.row_kinds = _draw(
            rng,
            self.devices,
            {
                RowKind.RIGHT: options.registered,
                RowKind.WRONG: options.wrong_login,
                RowKind.UNLINKED: options.unlinked,
                RowKind.ALIAS: options.serial_alias,
            },
        )

    # Serial numbers

    def maker(self, index: int) -> tuple[str, str, tuple[str, ...]]:
        """Return prefix, manufacturer and models of a device index."""
        return GONE_MAKER if index >= self.devices else MAKERS[index // self._block]

    def serial(self, index: int) -> str:
        """Return the serial number: four letters and eight upper-case hex digits."""
        offset = index - self.devices if index >= self.devices else index % self._block
        value = offset * self._step + mix(self.seed, index) % self._step
        return f"{self.maker(index)[0]}{value:08X}"

    def serial_index(self, serial: str) -> int | None:
        """Return the device index of exactly this serial number, or None."""
        if len(serial) != 12:
            return None
        try:
            offset = int(serial[4:], 16) // self._step
        except ValueError:
            return None
        if serial[:4] == GONE_MAKER[0]:
            index, end = self.devices + offset, self.devices + self.gone
        else:
            block = next((n for n, maker in enumerate(MAKERS) if maker[0] == serial[:4]), None)
            if block is None:
                return None
            index, end = block * self._block + offset, self.devices
        return index if 0 <= index < end and self.serial(index) == serial else None

    def alias(self, index: int) -> str:
        """Return the other form in which the ERP wrote this serial number (three forms occur)."""
        serial = self.serial(index)
        match mix(self.seed, index) % 3:
            case 0:
                return serial.lower()
            case 1:
                return f"{serial[:4]}-{serial[4:]}"
            case _:
                return serial[:4].encode().hex().upper() + serial[4:]

    # Logins

    def login(self, index: int) -> str:
        """Return the login text of a login index, such as ``casa12.ppp``."""
        place = "loja" if mix(self.seed, index) % 9 == 0 else "casa"
        return f"{place}{self._numbers.forward(index)}.ppp"

    def login_index(self, login: str) -> int | None:
        """Return the login index of exactly this text, or None."""
        index = self._numbered_index(login)
        return index if index is not None and self.login(index) == login else None

    def devices_of_login(self, login: str) -> tuple[int, ...]:
        """Return the device indexes that may start with this PPPoE login (a superset)."""
        index = self._numbered_index(login)
        return () if index is None else tuple(i for i in (index, index + 1) if i < self.devices)

    def _numbered_index(self, login: str) -> int | None:
        digits = login.removesuffix(".ppp").lstrip("abcdefghijklmnopqrstuvwxyz")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            return None
        index = self._numbers.back(int(digits))
        return index if index < self.logins else None

    def login_active(self, index: int) -> bool:
        """Tell whether the login starts with ``ativo`` S."""
        return index >= self.devices or self.login_kinds[index] != LoginKind.INACTIVE

    def device_login(self, index: int) -> str | None:
        """Return the PPPoE login that the ACS knows for a device at the start."""
        match self.login_kinds[index]:
            case LoginKind.BRIDGE:
                return None
            case LoginKind.UNKNOWN:
                return f"antigo{self._numbers.forward(index)}.ppp"
            case LoginKind.DUPLICATE if index > 0:
                return self.login(index - 1)
            case _:
                return self.login(index)

    # Rows of acs_device

    def has_row(self, index: int) -> bool:
        """Tell whether the ERP starts with a row for this device index (gone devices included)."""
        if index >= self.devices:
            return True
        if self.login_kinds[index] in (LoginKind.BRIDGE, LoginKind.UNKNOWN):
            return False
        return self.row_kinds[index] != RowKind.NONE

    def row_link(self, index: int) -> int | None:
        """Return the login index that the initial row points to; None if it is unlinked."""
        if index >= self.devices:
            return (index * 7) % self.logins if self.logins else None
        if self.row_kinds[index] == RowKind.UNLINKED:
            return None
        own = index - 1 if self.login_kinds[index] == LoginKind.DUPLICATE and index > 0 else index
        if self.row_kinds[index] == RowKind.WRONG:
            return (own + self._wrong_shift) % self.logins
        return own

    def row_serial(self, index: int) -> str:
        """Return the serial number as the initial row has it."""
        if index < self.devices and self.row_kinds[index] == RowKind.ALIAS:
            return self.alias(index)
        return self.serial(index)

    def rows_of_login(self, login_index: int) -> tuple[int, ...]:
        """Return the device indexes whose initial row may point to a login (a superset)."""
        back = (login_index - self._wrong_shift) % self.logins if self.logins else 0
        near = [i for i in dict.fromkeys((login_index, login_index + 1, back, back + 1)) if i < self.devices]
        return (*near, *self._gone_rows.get(login_index, ()))

    def aliases(self) -> dict[str, int]:
        """Return the device index of every serial number that the ERP starts with in another form."""
        rows = (i for i, kind in enumerate(self.row_kinds) if kind == RowKind.ALIAS and self.has_row(i))
        return {self.alias(index): index for index in rows}


def plain_serial(text: str) -> str:
    """Return one form for all aliases of a serial number: upper case, no separators, ASCII prefix.

    Source: ixc_acs.md trap 10 (prefix as ASCII letters or as hex, any case, with or without separators).
    """
    plain = "".join(c for c in text if c.isalnum()).upper()
    if len(plain) == 16:
        try:
            prefix = bytes.fromhex(plain[:8]).decode("ascii")
        except ValueError:
            return plain
        if prefix.isalpha():
            return prefix.upper() + plain[8:]
    return plain


def _draw(rng: random.Random, count: int, shares: dict[IntEnum, float]) -> bytes:
    """Return one kind per device; kind 0 takes what the shares leave."""
    rest = max(0.0, 1.0 - sum(shares.values()))
    return bytes(rng.choices([0, *map(int, shares)], [rest, *shares.values()], k=count))
