"""The CRM's users: one per login of the ISP, derived on demand, with the changes that were made since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backhaul_connectors.sandbox.clock import WorldClock
from backhaul_connectors.sandbox.derive import Affine, mix
from backhaul_connectors.sandbox.erp_seed import PLANS
from backhaul_connectors.sandbox.people import name_of
from backhaul_connectors.sandbox.population import Population

__all__ = ["FIRST_RADIUS_ID", "PROFILES", "CrmUser", "UserBook"]

FIRST_RADIUS_ID = 20
_CREATED = datetime(2023, 12, 13, 13, 38, 27)
"""The CRM's dates have no zone."""
PROFILES = {10 + place: f"{_mbps} Mbps" for place, _mbps in enumerate((100, 300, 500, 700, 1000, 20))}
"""The plans of the ERP, in its order, as the CRM names them: the page's profile 10 is ``100 Mbps``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmUser:
    """One user. Dates are wall-clock times of the tenant; ``activated_at`` None: never activated."""

    radius_id: int
    username: str
    name: str
    customer_id: str
    profile_id: int
    created_at: datetime
    activated_at: datetime | None
    expiration: datetime | None
    mac: str | None = None

    def status(self, now: datetime) -> str:
        """Return ``new``, ``active`` or ``expired``, derived from activation and expiration (ispcrm.md section 7)."""
        return _status(self.expiration, now, activated=self.activated_at is not None)

    def detail(self, now: datetime) -> dict[str, object]:
        """Return the fields of the vendor page's detail, in its order."""
        return {
            "username": self.username, "customer_id": self.customer_id, "status": self.status(now),
            "expiration": _written(self.expiration), "created_at": _written(self.created_at),
            "activated_at": _written(self.activated_at), "mac": self.mac, "profile_id": self.profile_id,
            "profile_name": PROFILES.get(self.profile_id, f"Profile {self.profile_id}"), "radius_id": self.radius_id,
        }  # fmt: skip


class UserBook:
    """Users by radius id. A seeded user renews every month on a day of his own, so most are active at the start."""

    def __init__(self, population: Population, clock: WorldClock) -> None:
        self._population = population
        self._clock = clock
        self._order = Affine(population.seed ^ 0xC2, max(1_000_000, population.logins))
        started = datetime.fromtimestamp(int(clock.now()), clock.zone).replace(tzinfo=None)
        self._due = [_next_due(started, day) for day in range(1, 29)]
        self._changed: dict[int, CrmUser] = {}
        self._deleted: set[int] = set()
        self._names: dict[str, int] = {}
        self._next = FIRST_RADIUS_ID + population.logins

    def __len__(self) -> int:
        return self._next - FIRST_RADIUS_ID - len(self._deleted)

    def ids(self) -> Iterator[int]:
        """Yield the radius ids of all users, ascending."""
        return (radius_id for radius_id in range(FIRST_RADIUS_ID, self._next) if radius_id not in self._deleted)

    def entry(self, radius_id: int, now: datetime) -> dict[str, str]:
        """Return a user as lists show him; a seeded one without computing the rest."""
        changed = self._changed.get(radius_id)
        name = name_of(self._population.seed, radius_id - FIRST_RADIUS_ID) if changed is None else changed.name
        return {"id": str(radius_id), "name": name, "status": self.status(radius_id, now)}

    def status(self, radius_id: int, now: datetime) -> str:
        """Return a user's status; of a seeded one without computing the rest."""
        changed = self._changed.get(radius_id)
        if changed is not None:
            return changed.status(now)
        activated, expiration = self._service(radius_id - FIRST_RADIUS_ID)
        return _status(expiration, now, activated=activated)

    def now(self, zone: str) -> datetime:
        """Return the tenant's wall-clock time."""
        return datetime.fromtimestamp(self._clock.now(), ZoneInfo(zone)).replace(tzinfo=None)

    def find(self, key: str) -> CrmUser | None:
        """Return the user with this radius id or username."""
        if key.isascii() and key.isdigit() and len(key) < 12:
            return self.get(int(key))
        if key in self._names:
            return self.get(self._names[key])
        index = self._population.login_index(key)
        user = None if index is None else self.get(FIRST_RADIUS_ID + index)
        return user if user is not None and user.username == key else None

    def get(self, radius_id: int) -> CrmUser | None:
        """Return the user with this radius id."""
        if not FIRST_RADIUS_ID <= radius_id < self._next or radius_id in self._deleted:
            return None
        return self._user(radius_id)

    def add(self, user: CrmUser) -> CrmUser:
        """Keep a new user under the next radius id."""
        made = replace(user, radius_id=self._next)
        self._next += 1
        self.put(made)
        return made

    def put(self, user: CrmUser) -> None:
        """Keep the changed values of a user."""
        self._changed[user.radius_id] = user
        self._names[user.username] = user.radius_id

    def remove(self, radius_id: int) -> None:
        """Forget a user; the id is never used again."""
        user = self._changed.pop(radius_id, None)
        if user is not None:
            self._names.pop(user.username, None)
        self._deleted.add(radius_id)

    def new_customer_id(self) -> str:
        """Return the customer id that the next new user gets."""
        return self._customer_id(self._next - FIRST_RADIUS_ID)

    def _user(self, radius_id: int) -> CrmUser:
        return self._changed.get(radius_id) or self._seeded(radius_id - FIRST_RADIUS_ID)

    def _seeded(self, index: int) -> CrmUser:
        """Return the user of a login at the start."""
        seed = self._population.seed
        bits = mix(seed, index)
        created = _CREATED - timedelta(minutes=bits % 500_000)
        activated, expiration = self._service(index)
        return CrmUser(
            radius_id=FIRST_RADIUS_ID + index,
            username=self._population.login(index),
            name=name_of(seed, index),
            customer_id=self._customer_id(index),
            profile_id=10 + (bits >> 20) % len(PLANS),
            created_at=created,
            activated_at=created.replace(hour=0, minute=0, second=0) if activated else None,
            expiration=expiration,
        )

    def _service(self, index: int) -> tuple[bool, datetime | None]:
        """Return whether a login was ever activated, and its expiration, at the start.

        An inactive login is an expired user; one in 60 of the others is new.
        """
        bits = mix(self._population.seed, index)
        due = self._due[bits % 28]
        if not self._population.login_active(index):
            return True, due - timedelta(days=62)
        return (False, None) if bits % 60 == 7 else (True, due)

    def _customer_id(self, index: int) -> str:
        return f"IZ{self._order.forward(index % self._order.modulus):07d}"


def _next_due(now: datetime, day: int) -> datetime:
    """Return the next midnight on a day of the month, never today's."""
    due = now.replace(day=day, hour=0, minute=0, second=0, microsecond=0)
    return due if due > now else (due.replace(day=1) + timedelta(days=32)).replace(day=day)


def _status(expiration: datetime | None, now: datetime, *, activated: bool) -> str:
    if not activated:
        return "new"
    return "expired" if expiration is not None and expiration <= now else "active"


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(sep=" ", timespec="seconds")
