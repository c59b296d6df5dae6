"""Processes that are killed while they save or export a run: the old folder or the new one is there, complete.

A third of them are killed at any moment, a third while they write their files, and a third while they move them to
their place, which takes the shortest time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.soaking import ROOT, Outcome, SoakError, outcome

SHIPPED = ROOT / "train" / "default"
SAVE = "save"
# What is killed, and its description in a promise.
COMMANDS = {
    SAVE: "saves a run",
    "builtin": "runs to_safetensors",
    "tflite": "runs to_tflite",
    "onnx": "runs to_onnx",
}
# Events that ``zygote`` reports; the time of a kill is counted from one of them.
MOMENTS = ("start", "begin", "put")
_DAYS = 2 * 24 * 60 * 60

_CHILD = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/runtime"]
from tests.soaking import zygote
{prelude}
zygote.main()
"""


class Zygote:
    """The process that forks the processes to be killed."""

    def __init__(self, prelude: str = "") -> None:
        """Start the process; ``prelude`` is Python code that it runs first, with which tests break something.

        Raises:
            SoakError: It does not start.
        """
        code = _CHILD.format(root=str(ROOT), prelude=prelude)
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )
        if self._line() != "ready":
            raise SoakError(f"nothing can be exported here: {self._said()}")

    def run(
        self, what: str, run: Path, out: Path, name: str = "", *, kill: tuple[str, float] | None = None
    ) -> dict[str, float]:
        """Run a task, and kill its process.

        Args:
            what: A key of ``COMMANDS``.
            run: The run to save again or to export.
            out: Where to.
            name: What to call a run that is saved.
            kill: One of ``MOMENTS``, and how many seconds later; None lets it end.

        Returns:
            When it came to each of ``MOMENTS`` and to its ``end``, by the clock, and 1 for ``killed``.

        Raises:
            SoakError: It fails before it is killed.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"what": what, "run": str(run), "out": str(out), "name": name}) + "\n")
        self._process.stdin.flush()
        child = int(self._line())
        times: dict[str, float] = {}
        while True:
            word, value = self._line().split(" ")
            if word == "status":
                break
            if word not in times and kill is not None and word == kill[0]:
                time.sleep(kill[1])
                with contextlib.suppress(ProcessLookupError):  # it has ended before
                    os.killpg(child, signal.SIGKILL)
            times.setdefault(word, float(value))
        code = int(value)
        if code not in (0, -signal.SIGKILL):
            raise SoakError(f"{what} ended with {code}: {self._said()}")
        return {**times, "killed": float(code != 0)}

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SoakError(f"the process that saves has ended: {self._said()}")
        return line.rstrip("\n")

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-500:]


State = dict[str, str]


def state(folder: Path) -> State:
    """Return the checksum of each file in a folder; empty if there is no folder."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class Target:
    """A folder that is replaced repeatedly, and the states in which it may be found.

    Attributes:
        out: The folder.
        times: How long the last one took that was not killed; see ``Zygote.run``.
        killed: How many processes were killed before their end.
        news: How often the new folder was found.
    """

    def __init__(self, zygote: Zygote, what: str, runs: dict[str, Path], folder: Path) -> None:
        """Write the old folder, and once the new one, without a kill."""
        self._zygote, self._what, self._runs = zygote, what, runs
        self.out = folder / what / "folder"
        self._previous = self.out.with_name("folder.previous")
        self._kept = folder / what / "kept"
        self._write("older")
        self._write("old")
        shutil.copytree(self.out, self._kept / "old")
        older = state(self._previous)
        if older:
            shutil.copytree(self._previous, self._kept / "previous")
        old = state(self.out)
        self.times = self._write("new")
        self._new = state(self.out)
        # Pairs of the folder and its previous one. The old folder never goes away before the new one is there.
        self._allowed = [(old, older), (self._new, old)] if older else [(old, {}), (self._new, {})]
        if older:
            self._allowed.append((old, old))
        self.killed = self.news = 0

    def _write(self, name: str, kill: tuple[str, float] | None = None) -> dict[str, float]:
        run = SHIPPED if self._what == SAVE else self._runs[name]
        return self._zygote.run(self._what, run, self.out, name, kill=kill)

    def reset(self) -> None:
        """Put the old folder back."""
        for name, place in (("old", self.out), ("previous", self._previous)):
            shutil.rmtree(place, ignore_errors=True)
            if (self._kept / name).is_dir():
                shutil.copytree(self._kept / name, place)

    def kill(self, moment: str, rng: random.Random) -> str:
        """Kill a process some time after one of ``MOMENTS``; return what is wrong with the folders then."""
        self.reset()
        seconds = rng.uniform(0, self.times["end"] - self.times[moment])
        times = self._write("new", (moment, seconds))
        if times["killed"]:
            self.killed += 1
        else:
            self.times = times
        found = (state(self.out), state(self._previous))
        self.news += found[0] == self._new
        return "" if found in self._allowed else f"{seconds:.4f} s after {moment}: {_describe(*found)}"

    def finish(self) -> str:
        """Let one process finish, a day later; return what is wrong then."""
        self.reset()
        for left in self.out.parent.glob(".tmp-*"):
            os.utime(left, (time.time() - _DAYS,) * 2)
        self._write("new")
        if state(self.out) != self._new:
            return "the next one writes something else"
        names = {path.name for path in self.out.parent.iterdir()} - {"kept", "folder", "folder.previous"}
        return f"a day later the next one leaves {', '.join(sorted(names))}" if names else ""


def _describe(out: State, previous: State) -> str:
    return f"the folder has {', '.join(out) or 'nothing'}, the one before {', '.join(previous) or 'nothing'}"


def try_command(
    zygote: Zygote, what: str, runs: dict[str, Path], folder: Path, kills: int, rng: random.Random
) -> Outcome:
    """Kill one of the commands ``kills`` times."""
    target = Target(zygote, what, runs, folder)
    failures = []
    for number in range(3 * kills):  # some end before they are killed
        if target.killed < kills:
            failures.append(target.kill(MOMENTS[number % len(MOMENTS)], rng))
    failures.append(target.finish())
    return outcome(
        f"Killed at any moment, a process that {COMMANDS[what]} leaves the old folder or the new one, complete, and "
        "the next one works",
        target.killed,
        "kills",
        [failure for failure in failures if failure],
        f"{target.news} times the new one was there",
        new=target.news,
    )


def run(quick: bool, seed: int) -> Iterator[Outcome]:
    """Try the promises of this part; see ``tests.soaking``."""
    rng = random.Random(seed)
    zygote = Zygote()
    try:
        with tempfile.TemporaryDirectory() as name:
            runs = {run: Path(name) / "runs" / run for run in ("older", "old", "new")}
            for run, folder in runs.items():
                zygote.run(SAVE, SHIPPED, folder, run)
            for what in list(COMMANDS)[: 2 if quick else None]:
                yield try_command(zygote, what, runs, Path(name), 6 if quick else 50, rng)
    finally:
        zygote.close()
