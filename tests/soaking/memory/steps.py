"""``python -m train`` that also writes when each of its steps begins; ``python -m tests.soaking.memory`` runs it."""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

# The functions, as named in the modules that call them, and the step that they are; what calls them is another one.
STEPS = (
    ("train.job", "read_and_report", "read and divide the table"),
    ("train.pipeline", "survey_dataset", "count words"),
    ("train.pipeline", "choose_encoding", "choose the vocabulary"),
    ("train.pipeline", "encode_dataset", "encode"),
    ("train.pipeline", "choose_tables", "count n-grams"),
    ("train.pipeline", "choose_variant", "compare encodings"),
    ("train.fitting.edge", "find_scales", "count features by label"),
    ("train.fitting.edge", "fit", "fit"),
    ("train.pipeline", "find_top_ngrams", "list n-grams"),
)
OTHER = "load TensorFlow, measure, write"


class Steps:
    """Writes a line of JSON when a step begins or goes on: the time, the processor time used so far, and the step."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._step = file, ""
        self.begin(OTHER)

    def begin(self, step: str) -> str:
        """Begin a step; return the one before."""
        before, self._step = self._step, step
        print(json.dumps([time.monotonic(), time.process_time(), step]), file=self._file, flush=True)
        return before

    def note(self, function: Callable[..., Any], step: str) -> Callable[..., Any]:
        """Return a function as a step."""

        @functools.wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            before = self.begin(step)
            try:
                return function(*args, **kwargs)
            finally:
                self.begin(before)

        return noted


def summarize(log: str, memory: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """Return what each step took.

    Args:
        log: What ``Steps`` wrote.
        memory: Times, rising, and the memory at each.

    Returns:
        For each step, in the order in which they began: ``step``, ``cpu_seconds``, and ``anonymous_mb``, the maximum.
    """
    begun = [json.loads(line) for line in log.splitlines()]
    found: dict[str, dict[str, Any]] = {}
    for (start, before, step), (end, after, _) in itertools.pairwise(begun):
        row = found.setdefault(step, {"step": step, "cpu_seconds": 0.0, "anonymous_mb": 0.0})
        row["cpu_seconds"] = round(row["cpu_seconds"] + after - before, 3)
        row["anonymous_mb"] = max([row["anonymous_mb"], *(value for moment, value in memory if start <= moment < end)])
    return list(found.values())


def main(argv: Sequence[str]) -> int:
    """Train; the first argument is the file to write to, the others are those of ``python -m train``."""
    from train.tensorflow_setup import import_tensorflow

    with Path(argv[0]).open("w", encoding="utf-8") as file:
        steps = Steps(file)
        import_tensorflow()
        for name, function, step in STEPS:
            module = importlib.import_module(name)
            setattr(module, function, steps.note(getattr(module, function), step))
        from train.__main__ import main as train

        code = train([*argv[1:]])
        steps.begin("")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
