"""The buckets of trigrams, for the engine ``builtin``: only models that have them load this module."""

from __future__ import annotations

from edgetext.text import UNKNOWN_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Trigrams:
    """Finds the buckets of three neighbours.

    The bucket of ids a, b and c is ``(a * m0 + b * m1 + c * m2) % buckets``, or the number of buckets where one of them
    is an unknown word.
    """

    def __init__(self, multipliers: Sequence[int], last_bucket: int) -> None:
        """Take m0, m1 and m2, and the number of buckets less one."""
        self._first, self._second, self._third = multipliers
        self._last_bucket = last_bucket

    def find_few(self, ids: Sequence[int]) -> list[int]:
        """Return the buckets of the trigrams of ids, one by one."""
        return [
            (a * self._first + b * self._second + c * self._third) & self._last_bucket
            if a != UNKNOWN_ID and b != UNKNOWN_ID and c != UNKNOWN_ID
            else self._last_bucket + 1
            for a, b, c in zip(ids, ids[1:], ids[2:])
        ]

    def find_lanes(self, ids: int, pairs: int, mask: int, unknown: int) -> int:
        """Return the buckets of all trigrams at once: in the lane of each id that of it and the next two.

        The last two lanes have no meaning.

        Args:
            ids: The ids, as lanes of 32 bits.
            pairs: In the lane of each id a, with the next id b, ``a * m0 + b * m1``.
            mask: The last bucket in every lane.
            unknown: 1 in the lanes of unknown words, and of words before one.
        """
        unknown |= unknown >> 32
        lanes = (pairs + (ids >> 64) * self._third) & (mask ^ unknown * self._last_bucket)
        return lanes | unknown * (self._last_bucket + 1)
