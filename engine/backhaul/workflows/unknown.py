"""The value that only an effect would produce: *known after apply*, and never invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from backhaul.json_values import Json

__all__ = ["MARK", "Unknown", "UnknownValueError", "first_unknown", "known", "marked"]

MARK = "$known_after_apply"
"""The one key of the mapping that stands for such a value in JSON: ``{"$known_after_apply": "<step>"}``."""

ValueT = TypeVar("ValueT")


class UnknownValueError(Exception):
    """Something needs a value that is known after apply. What it would have computed is not known either."""

    def __init__(self, step: str) -> None:
        self.step = step
        super().__init__(f"it depends on {step}, which is known after apply")


class Unknown:
    """Stands for what a step of a plan would have produced.

    It can be passed on, and read further into, which gives another one. Whatever needs the value itself fails with
    `UnknownValueError`: text, numbers, truth, comparison, iteration.

    Attributes:
        _step: key of the step. The name is not one that data has.
    """

    __slots__ = ("_step",)

    def __init__(self, step: str) -> None:
        self._step = step

    def __repr__(self) -> str:
        return f"Unknown({self._step!r})"

    def to_json(self) -> Json:
        """Return the form that the journal and plan files hold."""
        return {MARK: self._step}

    def fail(self) -> NoReturn:
        """Raise `UnknownValueError`."""
        raise UnknownValueError(self._step)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(self)(self._step)

    def __getitem__(self, key: object) -> Unknown:
        return type(self)(self._step)

    def _needed(self, *_: object, **__: object) -> NoReturn:
        self.fail()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _needed
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _needed
    __pow__ = __rpow__ = __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _needed
    __pos__ = __neg__ = __invert__ = __abs__ = __round__ = _needed
    __lt__ = __le__ = __gt__ = __ge__ = _needed
    __int__ = __float__ = __index__ = __str__ = __format__ = __bool__ = __len__ = _needed
    __iter__ = __aiter__ = __reversed__ = __contains__ = __call__ = __await__ = __enter__ = __aenter__ = _needed
    __eq__ = __ne__ = _needed
    __hash__ = _needed


def known(value: ValueT) -> ValueT:
    """Return the value, or fail when it is known after apply. What it holds may be."""
    if isinstance(value, Unknown):
        value.fail()
    return value


def first_unknown(value: Json) -> str | None:
    """Return the step on which the first unknown part of a value depends, or None when all of it is known."""
    if isinstance(value, Unknown):
        return value._step
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return next((step for part in parts if (step := first_unknown(part)) is not None), None)


def marked(value: Json) -> str | None:
    """Return the step that a value's JSON form names, or None when it is no such form."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(step := value.get(MARK), str):
        return step
    return None
