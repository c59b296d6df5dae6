"""Keep native libraries' notices off the user's screen.

TensorFlow and LiteRT write to the process's standard error from C++, past every logging setting, when they are
loaded ("Could not find cuda drivers", "Created TensorFlow Lite XNNPACK delegate"). They say nothing that a user of
ours can act on. Set EDGETEXT_DEBUG=1 to see them.
"""

from __future__ import annotations

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def muted_stderr() -> Iterator[None]:
    """Discard what is written to file descriptor 2 within the block; exceptions pass as usual.

    This holds for the whole process, other threads included, so it is for commands, not for libraries.
    """
    if os.environ.get("EDGETEXT_DEBUG") or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def import_tensorflow() -> None:
    """Import tensorflow, set to the CPU, with plain kernels and quiet, unless the environment says otherwise.

    Raises:
        ImportError: It is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    # oneDNN's kernels round differently from one processor to the next.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    with muted_stderr():
        import tensorflow  # noqa: F401
