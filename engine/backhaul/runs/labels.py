"""Labels of items: what stands in the brackets of a step's key, ``link[SN001]``."""

from __future__ import annotations

import re

from backhaul.runs.datasets import ScratchIndex

__all__ = ["Labels"]


# What parts keys, and what not every database takes: control characters and half characters.
_UNFIT = re.compile(r"[/\[\]\x00-\x1f\x7f\ud800-\udfff]")


class Labels:
    """Makes labels that are unique within one ``each``: a text that was taken before gets the item's index, too."""

    def __init__(self) -> None:
        self._seen = ScratchIndex()

    def of(self, text: str, index: int) -> str:
        """Return the label of the item with this text and index."""
        label = _UNFIT.sub(_escaped, text)
        while not self._seen.add_new(label):
            label = f"{label}~{index}"
        return label

    def close(self) -> None:
        """Give the space back."""
        self._seen.close()


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))
