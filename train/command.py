"""How the commands that train, export and measure end: what a user can mend becomes one line.

They import it from here because this package is the only one that all of them import. A device's command does the same
by its own means, which start faster: see ``edgetext.command.main``.
"""

from __future__ import annotations

import os
import sys

from edgetext.command.messages import INTERRUPTED, MISTAKE, OK, print_error, print_note
from edgetext.errors import EdgetextError, was_interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def finish(
    work: Callable[[], int],
    *,
    extra: str,
    mistakes: tuple[type[Exception], ...] = (),
    interrupted: str = "interrupted",
    told_all: bool = False,
) -> int:
    """Do a command's work, and turn what a user can mend into one line on standard error.

    With ``EDGETEXT_DEBUG`` set, mistakes are raised, so that Python shows where they were found.

    Args:
        work: Gives the exit code.
        extra: What to install where a package is missing: an extra of the workshop's.
        mistakes: What counts as a mistake of the user's beside ``EdgetextError``, whose message may be empty if it
            was told already, and ``OSError``.
        interrupted: What to say after an interruption.
        told_all: Whether the output is all that there is to the work: then it is none of our business how much of it
            is read, and the exit code is 0.

    Returns:
        What ``work`` returns; 2 for a mistake, or if nobody reads the output to its end; 130 after an interruption.
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
        if told_all:
            return OK
        print_note("error: nobody reads the output any more: the work was left off")
    except kinds as error:
        if was_interrupted(error):
            print_note(interrupted)
            return INTERRUPTED
        if _is_debugging():
            raise
        if isinstance(error, ModuleNotFoundError) and error.name:
            print_note(f"error: {error.name} is not installed: pip install -e '.[{extra}]'")
        elif str(error):
            print_error(error)
    return MISTAKE


def _is_debugging() -> bool:
    return bool(os.environ.get("EDGETEXT_DEBUG"))
