"""What concerns the whole process: the messages of native libraries, and locks when it is forked."""

from __future__ import annotations

import os
import sys
from threading import Lock


class muted_stderr:  # lower case, as it is used like a function
    """Discard what is written to file descriptor 2 within a ``with`` block.

    TensorFlow and LiteRT write to it from C++ when they are loaded, whatever the logging settings ("Could not find cuda
    drivers", "Created TensorFlow Lite XNNPACK delegate"). Users cannot act on these messages; EDGETEXT_DEBUG=1 shows
    them. This affects the whole process, other threads included, so it is for commands, not for libraries.
    """

    def __enter__(self) -> None:
        self._saved: int | None = None
        if os.environ.get("EDGETEXT_DEBUG") or sys.stderr is None:
            return
        sys.stderr.flush()
        self._saved = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)

    def __exit__(self, *error: object) -> None:
        if self._saved is not None:
            os.dup2(self._saved, 2)
            os.close(self._saved)


def fork_safe_lock() -> Lock:
    """Return a lock that is never held during a fork: the child would wait for a thread that it does not have."""
    lock = Lock()
    if hasattr(os, "register_at_fork"):  # Windows has no fork
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock
