"""Steps of a preparation: each makes a folder, once, and again when what it is made from has changed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

# What appears among sources without being one.
IGNORED = ("__pycache__", "results")


class StepError(Exception):
    """A step failed; the message is one line."""


class Steps:
    """The steps under a folder.

    Attributes:
        folder: Where they make theirs.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def make(self, name: str, inputs: Iterable[str | Path], work: Callable[[Path], None]) -> Path:
        """Make a folder, unless it exists and was made from the same inputs.

        Args:
            name: The folder's name.
            inputs: What it is made from: words, files and folders of files.
            work: Makes it, at the path that it is given; what it made is moved when it is complete.

        Raises:
            StepError: ``work`` failed.
        """
        folder, stamp = self.folder / name, self.folder / f"{name}.stamp"
        digest = _digest(inputs)
        if folder.is_dir() and stamp.is_file() and stamp.read_text("utf-8") == digest:
            return folder
        started = time.monotonic()
        new = self.folder / f".tmp-{name}"
        for old in (new, folder):
            shutil.rmtree(old, ignore_errors=True)
        stamp.unlink(missing_ok=True)
        try:
            work(new)
            new.rename(folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        stamp.write_text(digest, encoding="utf-8")
        print(f"made {name} in {time.monotonic() - started:.0f} s", flush=True)
        return folder


def sources(path: Path) -> Iterator[Path]:
    """List a file, or the files of a folder that are sources."""
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not set(file.relative_to(path).parts) & set(IGNORED):
            yield file


def run(*command: str | Path, fix: str = "") -> str:
    """Run a command and return its output.

    Raises:
        StepError: If it fails; the message ends with the most useful line of its output, and ``fix``.
    """
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        raise StepError(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise StepError(f"{Path(command[0]).name} failed: {_reason(done.stderr.splitlines())}{fix}")
    return done.stdout


def _reason(lines: Sequence[str]) -> str:
    """Choose the first line that reports an error, else the last one."""
    marked = [line for line in lines if line.startswith(("E: ", "ERROR: ", "error: "))]
    return (marked or [line for line in lines if line.strip()][-1:] or ["it said nothing"])[0].strip()


def _digest(inputs: Iterable[str | Path]) -> str:
    digest = hashlib.sha256()
    for item in inputs:
        if isinstance(item, str):
            digest.update(f"{item}\0".encode())
            continue
        for file in sources(item):
            digest.update(f"{file.relative_to(item)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
