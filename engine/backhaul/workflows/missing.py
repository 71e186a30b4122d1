"""The value of what is not there: it can be asked about and replaced, anything else is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from jinja2 import Undefined
from jinja2.utils import missing as nothing

from backhaul.problems import nearest
from backhaul.workflows.datasets import Dataset
from backhaul.workflows.unknown import known

__all__ = ["Missing", "MissingValueError", "kind_of"]


class MissingValueError(Exception):
    """A missing value was used. `Expression.evaluate` makes an `EvaluationError` of it."""

    def __init__(self, value: Missing) -> None:
        self.value = value
        super().__init__(value.reason())


class Missing(Undefined):
    """What an expression reads where there is nothing.

    Reading further inside of it gives the same missing value, so that ``a.b.c | default(1)`` works whichever of
    the names is missing, and an error names the first one.
    """

    __slots__ = ()

    @property
    def owner(self) -> Any:
        """The value that was read; `is_root` tells whether there is one."""
        return self._undefined_obj

    @property
    def is_root(self) -> bool:
        """Whether the name was looked for in the context itself."""
        return self._undefined_obj is nothing

    @property
    def key(self) -> Any:
        """The name or index that is not there."""
        return self._undefined_name

    def reason(self, path: str = "") -> str:
        """Return what is missing, in words; `path` is the full dotted path when it is known."""
        name = path or str(self.key)
        if self.is_root:
            return f"{name!r} is missing"
        owner = self.owner
        if isinstance(owner, Mapping):
            near = nearest(str(self.key), [str(key) for key in owner])
            return f"{name!r} is missing" + (f" (did you mean {near!r}?)" if near else "")
        if isinstance(owner, list | tuple | str) and isinstance(self.key, int):
            return f"{name!r} is missing: there are {len(owner)} items"
        return f"{name!r} is missing: it is read from {kind_of(owner)}"

    def fail(self, *_: object, **__: object) -> NoReturn:
        """Raise `MissingValueError`."""
        raise MissingValueError(self)

    def __getitem__(self, *_: object, **__: object) -> Missing:  # type: ignore[override]  # Jinja2's never returns
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = fail
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = fail
    __pos__ = __neg__ = __lt__ = __le__ = __gt__ = __ge__ = fail
    __int__ = __float__ = __index__ = __str__ = __bool__ = __len__ = fail
    __iter__ = __contains__ = __call__ = fail
    __eq__ = __ne__ = fail
    __hash__ = fail


def kind_of(value: object) -> str:
    """Return the kind of a value in a person's words, such as ``a text``; what is known after apply has none yet."""
    if known(value) is None:
        return "null"
    if isinstance(value, Missing):
        return "nothing"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        ((int, float), "a number"),
        (str, "a text"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
        (Dataset, "a dataset"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "a value of another kind")
