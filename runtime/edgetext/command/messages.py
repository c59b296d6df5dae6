"""One-line messages on standard error. A command that has none to print does not load this module."""

from __future__ import annotations

import sys

from edgetext.errors import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgetext.validation.thresholds import Limits


def print_error(error: Exception) -> None:
    """Print an error as one line."""
    print_note(f"error: {describe(error)}")


def print_note(line: str) -> None:
    """Print a line on standard error; if that is closed or full, continue without it."""
    if sys.stderr is not None:
        try:
            # A path may contain a line break.
            print(line.replace("\n", "\\n"), file=sys.stderr, flush=True)
        except (OSError, ValueError):
            sys.stderr = None  # as Python sets it when it was closed from the start


def print_limits(limits: Limits) -> None:
    """Print a note if ``--min-accuracy`` rules out some labels, or all."""
    if limits.never:
        from edgetext.validation.thresholds import describe_never

        print_note(f"note: {describe_never(limits)}")
