"""How the commands that train, export and measure end: an error that the user can fix is one line.

The device's command does the same with less code, because it has to start fast: see ``edgetext.command.main``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from edgetext.command import INTERRUPTED, MISTAKE, OK
from edgetext.command.messages import print_error, print_note
from edgetext.errors import EdgetextError, was_interrupted

_OURS = ("edgetext", "train", "export", "benchmarks")


def finish(
    work: Callable[[], int],
    *,
    extra: str,
    mistakes: tuple[type[Exception], ...] = (),
    interrupted: str = "interrupted",
    output_only: bool = False,
) -> int:
    """Run a command's work, and report errors that the user can fix as one line on standard error.

    With ``EDGETEXT_DEBUG`` set, such errors are raised, so that Python shows a traceback.

    Args:
        work: Does the work and returns the exit code.
        extra: The extra in the root ``pyproject.toml`` that installs missing packages.
        mistakes: Exceptions to report besides ``EdgetextError``, ``OSError``, and ``ImportError`` of other projects'
            packages. Nothing is printed for an exception without a message.
        interrupted: The message after an interruption.
        output_only: Whether the work only prints: then a reader that closes the output early is not an error.

    Returns:
        What ``work`` returns; 2 for an error, or if the output is closed before its end; 130 after an interruption.
    """
    kinds: tuple[type[Exception], ...] = (EdgetextError, OSError, ImportError, *mistakes)
    try:
        code = work()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print_note(interrupted)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if output_only:
            return OK
        print_note("error: output closed by reader; stopped")
    except kinds as error:
        if was_interrupted(error):
            print_note(interrupted)
            return INTERRUPTED
        package = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
        if os.environ.get("EDGETEXT_DEBUG") or package in _OURS:
            raise
        if _is_missing(error):
            print_note(f"error: {package} is not installed: pip install -e '.[{extra}]'")
        elif str(error):
            print_error(error)
    return MISTAKE


def _is_missing(error: Exception) -> bool:
    """Return whether an error says that a whole package is not installed, rather than a part of one or of Python."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    return bool(name) and "." not in str(name) and name not in sys.stdlib_module_names
