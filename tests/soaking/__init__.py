"""What is done to edgetext that it has to withstand: hostile texts, damaged files, long runs, sudden ends.

Each module is a part of `benchmarks/soak.py`, with a function ``run(quick, seed)`` that gives an ``Outcome`` for each
of its promises. Quick is what the tests do; otherwise it is as much as the README tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

# So many failures of an outcome are described.
SHOWN = 5


class Outcome(NamedTuple):
    """What came of a promise.

    Attributes:
        promise: What must hold, a sentence without its full stop.
        tried: How many times it was tried.
        unit: What was tried, in the plural, such as ``"damaged files"``.
        failed: How many times it did not hold.
        failures: The first of these, described.
        measured: What was measured, for people; empty where nothing is.
        figures: The same as numbers, by name.
    """

    promise: str
    tried: int
    unit: str
    failed: int
    failures: Sequence[str]
    measured: str
    figures: dict[str, float]

    def as_row(self, part: str) -> dict[str, Any]:
        """Give it as a row of a results file."""
        return {"part": part, **self._asdict(), "failures": list(self.failures)}


def outcome(
    promise: str, tried: int, unit: str, failures: Iterable[str], measured: str = "", **figures: float
) -> Outcome:
    """Put an outcome together; ``failures`` are all of them."""
    found = list(failures)
    return Outcome(promise, tried, unit, len(found), tuple(found[:SHOWN]), measured, figures)
