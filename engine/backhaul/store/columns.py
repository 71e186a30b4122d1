"""Column types: how times, JSON values and ordered texts lie in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

from backhaul.json_values import Json, dump, load

__all__ = ["JsonText", "OrderedText", "UtcMicroseconds", "from_microseconds", "to_microseconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# PostgreSQL sorts text by the rules of a language unless told otherwise; key ranges need the order of code points.
OrderedText = Text().with_variant(Text(collation="C"), "postgresql")


def to_microseconds(moment: datetime) -> int:
    """Return the microseconds from 1970-01-01 UTC to an aware time.

    Raises:
        TypeError: the time is naive.
    """
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """Return the aware UTC time that `to_microseconds` made `value` of."""
    return _EPOCH + timedelta(microseconds=value)


class UtcMicroseconds(TypeDecorator[datetime]):
    """An aware UTC time as whole microseconds since 1970.

    SQLModel's own type writes ISO text on SQLite, which costs five times as much per value as this on the journal's
    hot path and three times the bytes; integers are exact and sort on every database.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return what is stored."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the time that was stored."""
        return None if value is None else from_microseconds(value)


class JsonText(TypeDecorator[Json]):
    """A JSON value as compact text on every database; None is NULL.

    Text, because PostgreSQL's JSONB refuses NUL characters, forgets the order of keys and costs parsing on each write.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Json, dialect: Dialect) -> str | None:
        """Return what is stored."""
        return None if value is None else dump(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Json:
        """Return the value that was stored."""
        return None if value is None else load(value)
