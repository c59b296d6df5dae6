"""Hostile texts, damaged files, long runs and sudden ends, which edgetext has to withstand.

Each part of ``python -m tests.soaking`` is a module with a function ``run(quick, seed)`` that yields an ``Outcome`` for
each promise. The tests in tests/withstand try the quick amount, ``make soak`` the whole, which SECURITY.md reports.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent

# The number of failures that an outcome describes.
SHOWN = 5


class SoakError(Exception):
    """Something that a part needs is missing or fails."""


class Outcome(NamedTuple):
    """The result of trying one promise.

    Attributes:
        promise: What must hold, a sentence without its full stop.
        tried: How many times it was tried.
        unit: What was tried, in the plural, such as ``"damaged files"``.
        failed: How many times it did not hold.
        failures: Descriptions of the first failures.
        measured: What was measured, for people; empty if nothing was.
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
        """Return the outcome as a row of a results file."""
        return {"part": part, **self._asdict(), "failures": list(self.failures)}


def outcome(
    promise: str, tried: int, unit: str, failures: Iterable[str], measured: str = "", **figures: float
) -> Outcome:
    """Return an outcome; ``failures`` describes all failures."""
    found = list(failures)
    return Outcome(promise, tried, unit, len(found), tuple(found[:SHOWN]), measured, figures)


def last_line(text: str) -> str:
    """Return the last line that a command wrote to standard error, without ``error:`` in front."""
    lines = text.strip().splitlines() or [""]
    return lines[-1].removeprefix("error: ")


def natural(text: str) -> int:
    """Convert an option's value to an integer of at least 0; a type for argparse."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be an integer of at least 0, not {text!r}")
    return int(text)


def write_results(path: str | None, results: dict[str, Any]) -> None:
    """Write a results file for benchmarks/report.py; do nothing if ``path`` is None.

    Raises:
        OSError: If it cannot be written.
    """
    if path is not None:
        Path(path).write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
