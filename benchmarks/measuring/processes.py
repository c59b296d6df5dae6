"""Starting the processes in which everything is timed: each subject has its own, and the subjects take turns.

Standard library and edgetext only; Python 3.9.
"""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from typing import Protocol as TypingProtocol

from benchmarks.measuring.command import ROOT, open_folder, progress
from benchmarks.measuring.results import BenchmarkError, without_folders
from benchmarks.measuring.texts import Texts

PROGRAM = str(Path(__file__).resolve().with_name("program.py"))
CLASSIFY = ROOT / "runtime" / "classify.py"
FIRST_TEXT = "great movie"
# Texts whose mean is taken where single ones cannot be timed.
GROUP = 10
Value = TypeVar("Value")


class Protocol(NamedTuple):
    """How often each process that is timed as a whole is started, and how many processes time a subject's texts."""

    launches: int = 10
    rounds: int = 3


class Files(NamedTuple):
    """Files of the same texts: as a JSON list, and with each text behind its length for the program in C."""

    json: str
    plain: str


def write_texts(stem: Path, texts: Sequence[str]) -> Files:
    """Write texts for the measured processes; U+10FFFF replaces lone surrogates, as in edgetext's ONNX engine."""
    files = Files(f"{stem}.json", f"{stem}.txt")
    texts = [re.sub("[\ud800-\udfff]", "\U0010ffff", text) for text in texts]
    Path(files.json).write_text(json.dumps(texts), encoding="utf-8")
    encoded = [text.encode() for text in texts]
    Path(files.plain).write_bytes(b"".join(b"%d\n%b" % (len(text), text) for text in encoded))
    return files


class Measured(TypingProtocol):
    """What ``measure`` measures.

    Attributes:
        row: What the results record.
    """

    row: dict[str, Any]

    def ask(self, task: str) -> Any:
        """Return what is known about the subject before it is measured, by the task ``about``."""

    def launch(self, first: Files, *, counted: bool, load: bool) -> None:
        """Time its start to the answer to one text."""

    def time(self, files: Files) -> None:
        """Time its answers to texts."""

    def result(self) -> dict[str, Any]:
        """Return the row of the results: ``error``, or the medians of what was measured."""


class Subject:
    """A model in a runtime, measured in separate processes.

    Attributes:
        row: What the results record.
        program: The command that does the tasks of program.py, with files of the kind ``form``.
        python: The Python whose bare start is the comparison.
        once: The command that classifies ``FIRST_TEXT`` and ends; None lets ``program`` do that.
        error: Why the subject does not work; None as long as it does.
    """

    def __init__(
        self, row: dict[str, Any], program: Sequence[str], python: str, *, once: Any = None, form: str = "json"
    ) -> None:
        self.row, self.program, self.python, self.once, self.form = row, program, python, once, form
        self.error: str | None = None
        self._starts: list[dict[str, Any]] = []
        self._windows: list[dict[str, Any]] = []

    def ask(self, task: str, *arguments: str) -> Any:
        """Have the program do a task; return what it prints, None if the subject does not work."""
        output = self._attempt([*self.program, task, *arguments])
        try:
            return None if output is None else json.loads(output)
        except ValueError:
            self.error = "its program printed no JSON"
            return None

    def score(self, files: Files) -> list[Any] | None:
        """Return a label and the probability of every label for each text; None if the subject does not work."""
        found = self.ask("score", getattr(files, self.form))
        return found and found["answers"]

    def launch(self, first: Files, *, counted: bool, load: bool) -> None:
        """Time a bare Python and a whole process that classifies one text; then load the model in another process."""
        measured = {"bare_ms": self._timed([self.python, "-c", "pass"])}
        measured["median_ms"] = self._timed(self.once or [*self.program, "score", getattr(first, self.form)])
        if load:
            measured.update(self.ask("load", first.json) or {})
        if counted and self.error is None:
            self._starts.append(measured)

    def time(self, files: Files) -> None:
        """Time every text by itself in one process."""
        if times := self.ask("time", getattr(files, self.form)):
            window = {name: summarize(values) for name, values in times.items() if isinstance(values, list)}
            for name, base in (("text_to_label", "split"), ("explanation", "text_to_label")):
                if name in window and base in window:
                    window[name]["ratio"] = window[name]["median_us"] / window[base]["median_us"]
            self._windows.append({"texts_per_second": {"median": times.get("texts_per_second")}, **window})

    def _timed(self, words: Sequence[str]) -> float:
        started = time.perf_counter()
        self._attempt(words)
        return 1e3 * (time.perf_counter() - started)

    def _attempt(self, command: Sequence[str]) -> str | None:
        if self.error is None:
            try:
                return run(command)
            except BenchmarkError as error:
                self.error = without_folders(str(error))
        return None

    def result(self) -> dict[str, Any]:
        """Return the row of the results: ``error``, or the medians of what was measured."""
        if self.error is not None or not self._starts:
            return {**self.row, "error": self.error or "it was not measured"}
        start = _medians(self._starts)
        # Of pairs that ran one after the other: a machine that is busy for a while slows down both.
        ratio = round(statistics.median(one["median_ms"] / one["bare_ms"] for one in self._starts), 2)
        startup = {"median_ms": start.pop("median_ms"), "bare_ms": start.pop("bare_ms"), "ratio": ratio}
        times = {name: _medians([one[name] for one in self._windows]) for name in self._windows[0]}
        return {**self.row, "startup": startup, **start, **times}


def summarize(times: Sequence[int]) -> dict[str, float]:
    """Return the median and the 95th percentile of nanoseconds, and the groups' median mean, in microseconds."""
    ordered = sorted(times)
    middle, last = statistics.median(ordered), ordered[round(0.95 * (len(ordered) - 1))]
    mean = statistics.median(map(statistics.fmean, in_groups(times)))
    return {"mean_us": mean / 1e3, "median_us": middle / 1e3, "p95_us": last / 1e3}


def in_groups(values: Sequence[Value]) -> list[Sequence[Value]]:
    """Return values in groups of ``GROUP``; the rest is a group only if there is no other."""
    return [values[start : start + GROUP] for start in range(0, max(len(values) - GROUP, 0) + 1, GROUP)]


def _medians(measured: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each number, to four digits."""
    values = {name: [one[name] for one in measured if isinstance(one[name], (int, float))] for name in measured[0]}
    return {name: float(f"{statistics.median(found):.4g}") for name, found in values.items() if found}


def measure(
    subjects: Sequence[Measured], texts: Texts, protocol: Protocol, *, load: bool = True
) -> list[dict[str, Any]]:
    """Measure start-up and latency of all subjects in turns; the first start of each does not count."""

    def take_turns(count: int, what: str, step: Callable[[Measured, int], None]) -> None:
        for number in range(count):
            for subject in subjects:
                progress(f"{what} {number + 1} of {count}: {subject.row}")
                step(subject, number)

    with open_folder(None) as folder:
        first = write_texts(folder / "first", [FIRST_TEXT])
        timed = write_texts(folder / "timed", [text.text for text in texts.texts])
        take_turns(1, "looking", lambda subject, number: subject.row.update(subject.ask("about") or {}))
        starts = protocol.launches + 1
        take_turns(starts, "start", lambda subject, number: subject.launch(first, counted=number > 0, load=load))
        take_turns(protocol.rounds, "round", lambda subject, number: subject.time(timed))
    progress("")
    return [subject.result() for subject in subjects]


def run(command: Sequence[str], folder: Path | None = None, **variables: str) -> str:
    """Run a command and return what it prints; the error for a failure is its last line on standard error."""
    # Byte code is kept, as it is for a user; otherwise compiling every module at every start would be timed.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | variables
    options: dict[str, Any] = {"encoding": "utf-8", "errors": "replace", "env": env, "cwd": folder}
    try:
        done = subprocess.run(command, capture_output=True, check=False, **options)
    except OSError as error:
        raise BenchmarkError(f"{command[0]}: {error.strerror}") from None
    if done.returncode < 0:
        raise BenchmarkError(f"its process died of {signal.Signals(-done.returncode).name}")
    if done.returncode > 0:
        reason = re.sub("^error: ", "", done.stderr.strip().rpartition("\n")[2])
        raise BenchmarkError(reason or f"its process ended with exit code {done.returncode}")
    return done.stdout
