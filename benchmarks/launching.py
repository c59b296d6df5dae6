"""Starting the processes in which latency.py measures: every model has its own, and the models take turns.

The standard library and edgetext only, Python 3.9 included.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.timing import KINDS, Task
from edgetext import EdgetextError
from edgetext.bundle.manifest import ModelFile

ONCE, TIMING = (str(Path(__file__).resolve().with_name(name)) for name in ("once.py", "timing.py"))
CLASSIFY = common.ROOT / "runtime" / "classify.py"


class LaunchError(EdgetextError):
    """A process failed; the message is the line with which it said why."""


class Subject:
    """A model file that is being measured.

    Attributes:
        error: The line that says why it cannot be measured here; None as long as it can.
    """

    def __init__(self, python: Sequence[str], model: ModelFile, task: Task, *, plain: bool = False) -> None:
        """Prepare the commands that measure it.

        Args:
            python: The words that start the interpreter.
            model: The model file.
            task: What to time.
            plain: Whether it is what the command takes when it is given a text and no option.
        """
        self.model = model
        self.error: str | None = None
        folder = [] if task.model is None else [task.model]
        target = [str(CLASSIFY)] if CLASSIFY.is_file() else ["-m", "edgetext"]
        options = ["--engine", task.engine, "--recipe", task.recipe, *(["--model", *folder] if folder else [])]
        if plain:
            options = []
        self._once = [*python, ONCE, task.engine, task.recipe, *folder]
        self._empty = [*python, "-c", "pass"]
        self._classify = [*python, *target, *options, "great movie"]
        self._timing = [*python, TIMING, task.to_json()]
        self._launches: list[dict[str, Any]] = []
        self._windows: list[dict[str, Any]] = []

    def launch(self, *, counted: bool) -> None:
        """Start it once in each of the ways that are timed whole; the first time, which does not count, it may fail.

        Raises:
            common.BenchmarkError: The interpreter cannot be started.
        """
        if self.error is None:
            try:
                measured = json.loads(run(self._once))
                for name, command in (("empty_ms", self._empty), ("startup_ms", self._classify)):
                    started = time.perf_counter()
                    run(command)
                    measured[name] = 1e3 * (time.perf_counter() - started)
                if counted:
                    self._launches.append(measured)
            except LaunchError as error:
                self.error = str(error)

    def time(self) -> None:
        """Time a window of each kind.

        Raises:
            common.BenchmarkError: The interpreter cannot be started.
        """
        if self.error is None:
            try:
                self._windows.append(json.loads(run(self._timing)))
            except LaunchError as error:
                self.error = str(error)

    def row(self) -> dict[str, Any]:
        """Give its row of the results.

        Returns:
            ``engine``, ``recipe``, ``file``, ``size`` in bytes, and either ``error``, a line, or the ``runtime``, the
            ``environment``, and the medians of what was measured.
        """
        about = {name: getattr(self.model, name) for name in ("engine", "recipe", "file", "size")}
        if self.error is not None:
            return {**about, "error": self.error}
        windows = self._windows
        one = {name: _median(self._launches, name) for name in ("load_ms", "first_us", "peak_mb")}
        start, empty = (
            statistics.median(launch[name] for launch in self._launches) for name in ("startup_ms", "empty_ms")
        )
        return {
            **about,
            "runtime": self._launches[0]["runtime"],
            "environment": windows[0]["environment"],
            **one,
            "startup": {
                "median_ms": round(start, 1),
                "empty_ms": round(empty, 1),
                "ratio": round(start / empty, 2),
                "runs": len(self._launches),
            },
            **{kind: _join([window[kind] for window in windows]) for kind in KINDS},
            "texts_per_second": {
                size: round(statistics.median(window["texts_per_second"][size] for window in windows))
                for size in windows[0]["texts_per_second"]
            },
        }


def _median(measured: Sequence[dict[str, Any]], name: str) -> float | None:
    """Give the median of what was measured under a name, to four digits; None if it was not."""
    values = [one[name] for one in measured if one[name] is not None]
    return float(f"{statistics.median(values):.4g}") if values else None


def _join(windows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Give the medians over the rounds, the rounds' own medians, which show the noise, and the number of calls."""
    return {
        **{name: _median(windows, name) for name in ("median_us", "p95_us", "p99_us", "ratio")},
        "rounds_us": [window["median_us"] for window in windows],
        "calls": sum(window["calls"] for window in windows),
    }


def run(command: Sequence[str]) -> str:
    """Run a command and give what it prints.

    Raises:
        LaunchError: It fails.
        common.BenchmarkError: It cannot be started.
    """
    # Byte-code is kept, as it is for a user: compiling every module at every start would be timed instead.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", env=variables, check=False
        )
    except OSError as error:
        raise common.BenchmarkError(f"{command[0]}: {error.strerror}") from None
    if done.returncode < 0:
        raise LaunchError(f"its process died of {signal.Signals(-done.returncode).name}")
    if done.returncode > 0:
        raise LaunchError(common.last_line(done.stderr) or f"its process ended with exit code {done.returncode}")
    return done.stdout
