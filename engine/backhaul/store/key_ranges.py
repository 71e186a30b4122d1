"""The range of texts that begin with a prefix, in the order of code points, which is the databases' too."""

from __future__ import annotations

__all__ = ["end_of_prefix"]

_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def end_of_prefix(prefix: str) -> str | None:
    """Return the first text after all those that begin with `prefix`; None when there is none."""
    head = prefix.rstrip(chr(_LAST))
    if not head:
        return None
    following = ord(head[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return head[:-1] + chr(following)
