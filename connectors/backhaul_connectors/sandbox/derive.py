"""Deterministic numbers from (seed, index): what lets a million subscribers live without being stored."""

from __future__ import annotations

import random
from functools import lru_cache

__all__ = ["Affine", "mix", "next_prime"]

_MASK = 0xFFFF_FFFF_FFFF_FFFF


@lru_cache(maxsize=1024)  # one row asks several times for its own index
def mix(seed: int, index: int) -> int:
    """Return 64 well-mixed bits for one index (the splitmix64 finaliser)."""
    z = (index * 0x9E37_79B9_7F4A_7C15 + seed * 0xD1B5_4A32_D192_ED03 + 0x632B_E59B_D9B4_E019) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return z ^ (z >> 31)


def next_prime(above: int) -> int:
    """Return the smallest prime greater than ``above``."""
    candidate = max(above + 1, 2)
    while any(candidate % factor == 0 for factor in range(2, int(candidate**0.5) + 1)):
        candidate += 1
    return candidate


class Affine:
    """A seeded bijection on ``0..modulus-1``: numbers that look unordered, and the way back."""

    def __init__(self, seed: int, at_least: int) -> None:
        rng = random.Random(seed)
        self.modulus = next_prime(at_least)
        self._factor = rng.randrange(1, self.modulus)
        self._offset = rng.randrange(self.modulus)
        self._inverse = pow(self._factor, -1, self.modulus)

    def forward(self, index: int) -> int:
        """Return the number that stands for an index."""
        return (index * self._factor + self._offset) % self.modulus

    def back(self, number: int) -> int:
        """Return the index that a number stands for."""
        return (number - self._offset) * self._inverse % self.modulus
