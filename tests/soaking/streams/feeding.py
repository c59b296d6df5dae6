"""The command as a process, texts for its input, and its output."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.soaking import ROOT

COMMAND = (sys.executable, str(ROOT / "runtime" / "classify.py"))
WORDS = (
    "the",
    "a",
    "film",
    "movie",
    "great",
    "bad",
    "boring",
    "wonderful",
    "plot",
    "i",
    "it",
    "was",
    "not",
    "very",
    "of",
)
CHUNK = 2**16
# Seconds to wait for lines that do not come.
PATIENCE = 60.0


class Fed(NamedTuple):
    """The result of a stream.

    Attributes:
        code: The exit code.
        lines: The number of lines of output.
        errors: The content of standard error.
        peak: The peak resident memory, in KiB; 0 if fewer lines were written than expected.
    """

    code: int
    lines: int
    errors: str
    peak: int


def sentence(rng: random.Random, length: int = 10) -> str:
    """Return a random text of ``length`` words."""
    return " ".join(rng.choices(WORDS, k=length))


def run(
    arguments: Sequence[str], content: bytes, file: Path | None = None, **more: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end.

    Args:
        arguments: Its arguments.
        content: Its input.
        file: Where to write the input for ``--file``; None uses a pipe.
        more: Further arguments of ``subprocess.run``; output is captured unless they say otherwise.
    """
    command = [*COMMAND, *arguments]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "check": False, **more}
    if file is None:
        return subprocess.run(command, input=content, **options)
    file.write_bytes(content)
    return subprocess.run([*command, "--file", str(file)], **options)


@contextmanager
def fed(chunks: Iterable[bytes], arguments: Sequence[str] = (), **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command with a thread that feeds it until it ends, and kill it on exit if it is still running.

    Args:
        chunks: Its input; may be endless.
        arguments: Its arguments.
        more: Further arguments of ``subprocess.Popen``; output is a pipe unless they say otherwise.
    """
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    with subprocess.Popen([*COMMAND, *arguments], stdin=subprocess.PIPE, **options) as process:
        feeder = threading.Thread(target=_feed, args=(process.stdin, chunks), daemon=True)
        feeder.start()
        try:
            yield process
        finally:
            process.kill()
            feeder.join()
            process.stdin = None  # closed by the feeder


def _feed(stdin: IO[bytes], chunks: Iterable[bytes]) -> None:
    with suppress(BrokenPipeError), stdin:
        for chunk in chunks:
            stdin.write(chunk)
            stdin.flush()


def feed(chunks: Iterable[bytes], expected: int, arguments: Sequence[str] = ()) -> Fed:
    """Feed a stream to its end, and measure the memory of its process after ``expected`` lines of output."""
    answered = threading.Event()

    def then_wait() -> Iterator[bytes]:
        yield from chunks
        answered.wait(PATIENCE)

    lines = peak = 0
    with fed(then_wait(), arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while chunk := process.stdout.read1(CHUNK):  # type: ignore[attr-defined]
            lines += chunk.count(b"\n")
            if lines >= expected and not answered.is_set():
                peak = _peak(process.pid)
                answered.set()
        errors = process.stderr.read().decode()
        return Fed(process.wait(), lines, errors, peak)


def _peak(process: int) -> int:
    """Return the peak resident memory of a process, in KiB; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0
