"""Keep native libraries' notices off the user's screen.

TensorFlow and LiteRT write to the process's standard error from C++, past every logging setting, when they are
loaded ("Could not find cuda drivers", "Created TensorFlow Lite XNNPACK delegate"). They say nothing that a user of
ours can act on. Set EDGETEXT_DEBUG=1 to see them.
"""

from __future__ import annotations

import os
import sys


class muted_stderr:  # named as a statement is
    """Discard what is written to file descriptor 2 within a ``with`` block; exceptions pass as usual.

    This holds for the whole process, other threads included, so it is for commands, not for libraries.
    """

    def __enter__(self) -> None:
        """Begin to discard, unless EDGETEXT_DEBUG is set."""
        self._kept: int | None = None
        if os.environ.get("EDGETEXT_DEBUG") or sys.stderr is None:
            return
        sys.stderr.flush()
        self._kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def __exit__(self, *error: object) -> None:
        """Go back to what it was."""
        if self._kept is not None:
            os.dup2(self._kept, 2)
            os.close(self._kept)
