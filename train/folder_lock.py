"""Locking a folder's name, so that commands that change the same folder at the same time wait for each other."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

from edgetext.command.messages import print_note

_PATIENCE_SECONDS = 1.5  # longer than writing a folder usually takes

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)


@contextlib.contextmanager
def locked(target: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock of a folder, which need not exist, during the block; wait for it first, with a note after a while.

    The lock is held on the file ``.tmp-NAME-lock`` beside the folder, which exists meanwhile. The system releases the
    lock of a process that is killed, and the file that stays then is harmless. Missing parents of the folder are made,
    and removed at the end if they are empty.

    Raises:
        OSError: If the file or a parent cannot be made.
    """
    parent, name = os.path.split(os.path.realpath(target))
    made = list(_missing(parent))
    path = os.path.join(parent, f".tmp-{name}-lock")
    waiting = f"note: waiting for another export or training that writes {os.fspath(target)}"
    note = threading.Timer(_PATIENCE_SECONDS, print_note, [waiting])
    try:
        note.start()
        try:
            file = _open_locked(path)
        finally:
            note.cancel()
        try:
            yield
        finally:
            _remove(path)  # first, so that nobody locks a file that is about to be removed
            os.close(file)
            if sys.platform == "win32":  # which does not remove a file that is open
                _remove(path)
    finally:
        for folder in made:
            with contextlib.suppress(OSError):  # it is not empty
                os.rmdir(folder)


def _missing(folder: str) -> Iterator[str]:
    """Yield the missing folders of a path, the deepest first."""
    while not os.path.lexists(folder):
        yield folder
        folder = os.path.dirname(folder)


def _open_locked(path: str) -> int:
    """Return a descriptor of the file, locked."""
    while True:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), os.stat(path)):
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # the process that held the lock has removed the file


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)
