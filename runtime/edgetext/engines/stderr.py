"""Muting the messages of native libraries.

TensorFlow and LiteRT write to the process's standard error from C++ when they are loaded, whatever the logging settings
("Could not find cuda drivers", "Created TensorFlow Lite XNNPACK delegate"). Users cannot act on these messages. Set
EDGETEXT_DEBUG=1 to see them.
"""

from __future__ import annotations

import os
import sys


class muted_stderr:  # lower case, as it is used like a function
    """Discard what is written to file descriptor 2 within a ``with`` block.

    This affects the whole process, other threads included, so it is for commands, not for libraries.
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
