"""The shape of the fictional ISP before anybody touches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

__all__ = ["WorldOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """What the seeded ISP looks like at the start.

    Two independent draws decide about every device. All shares are between 0 and 1.

    The first draw (shares of all devices) says what the ACS knows as the PPPoE login; the rest, 89 % by
    default, has its own active login:

    * ``bridge``: no PPPoE login at all;
    * ``unknown_login``: a login that the ERP does not have;
    * ``inactive_login``: a login that the ERP has with ``ativo`` N;
    * ``duplicate_login``: the login of the device before it (two devices share one login).

    The second draw (shares of the devices that have a login in the ERP) says what ``acs_device`` holds; the
    rest, about 28 % by default, has no row yet:

    * ``registered``: a row linked to the right login;
    * ``wrong_login``: a row linked to another login, as after a changed device;
    * ``unlinked``: a row with ``id_login`` "0";
    * ``serial_alias``: a row linked rightly, its serial number written in another form.

    ``gone`` is the number of rows, as a share of all devices, whose serial number left the ACS in a mass delete.
    ``spare_logins`` is the number of logins, as a share of all devices, that no device uses.
    """

    devices: int = 2_000
    seed: int = 1
    zone: str = "America/Sao_Paulo"
    bridge: float = 0.04
    unknown_login: float = 0.03
    inactive_login: float = 0.03
    duplicate_login: float = 0.01
    registered: float = 0.605
    wrong_login: float = 0.055
    unlinked: float = 0.055
    serial_alias: float = 0.005
    gone: float = 0.01
    spare_logins: float = 0.03

    def __post_init__(self) -> None:
        if not 0 <= self.devices <= 5_000_000:
            raise ValueError(f"devices must be between 0 and 5,000,000, not {self.devices}")
        for name in self.share_names():
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f"the share {name} must be between 0 and 1, not {share}")
        first = self.bridge + self.unknown_login + self.inactive_login + self.duplicate_login
        second = self.registered + self.wrong_login + self.unlinked + self.serial_alias
        if max(first, second) > 1 + 1e-9:
            raise ValueError("the shares of one draw may not exceed 1 together")

    @classmethod
    def share_names(cls) -> tuple[str, ...]:
        """Return the names of all shares, in order."""
        return tuple(field.name for field in fields(cls) if field.name not in ("devices", "seed", "zone"))

    def with_shares(self, shares: Mapping[str, float]) -> WorldOptions:
        """Return the same options with some shares changed. Raises ValueError for a name that does not exist."""
        unknown = sorted(set(shares) - set(self.share_names()))
        if unknown:
            raise ValueError(f"no share {', '.join(unknown)}; there are: {', '.join(self.share_names())}")
        changes: dict[str, Any] = dict(shares)
        return replace(self, **changes)

    @classmethod
    def fresh(cls, *, devices: int, seed: int = 1, zone: str = "America/Sao_Paulo") -> WorldOptions:
        """Return an ISP whose ERP knows no device yet and every device has an active login.

        Its nightly sync is exactly ``devices`` creations.
        """
        nothing = dict.fromkeys(cls.share_names(), 0.0)
        return cls(devices=devices, seed=seed, zone=zone, **nothing)
