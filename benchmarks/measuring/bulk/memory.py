"""Running a command and watching the memory of the processes that it starts; Linux only."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.measuring.results import BenchmarkError

# Seconds between two looks at the processes.
INTERVAL = 0.2


class Watched(NamedTuple):
    """How long a command took, and the most anonymous memory that one of its workers held."""

    seconds: float
    worker_mb: float


def run(command: Sequence[str], worker: str, **variables: str) -> Watched:
    """Run a command; what it prints is discarded.

    Args:
        command: The command.
        worker: What the command line of a worker contains; empty if the command's own process does the work.
        **variables: Environment variables to add.

    Raises:
        BenchmarkError: If it fails, with the last line on standard error that is not part of a traceback.
    """
    started, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, text=True, env={**os.environ, **variables}
        )
        while process.poll() is None:
            workers = [process.pid] if not worker else (one for one in _tree(process.pid) if worker in _words(one))
            peak = max([peak, *map(_anonymous, workers)])
            time.sleep(INTERVAL)
        seconds = time.perf_counter() - started
        errors.seek(0)
        if process.returncode:
            reasons = [line for line in errors.read().splitlines() if line.strip() and not line[0].isspace()]
            raise BenchmarkError(f"{command[1]}: {reasons[-1] if reasons else f'exit code {process.returncode}'}")
    return Watched(seconds, peak / 1e6)


def _tree(root: int) -> Iterator[int]:
    """Yield a process and all that it started."""
    yield root
    for task in _list(f"/proc/{root}/task"):
        for child in _read(f"/proc/{root}/task/{task}/children").split():
            yield from _tree(int(child))


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # the process has ended
        return []


def _read(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read()
    except OSError:  # the process has ended
        return ""


def _words(process: int) -> str:
    return _read(f"/proc/{process}/cmdline").replace("\0", " ")


def _anonymous(process: int) -> int:
    """Return the anonymous memory that a process holds, in bytes: without files and shared memory."""
    found = re.search(r"^RssAnon:\s+(\d+) kB$", _read(f"/proc/{process}/status"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
