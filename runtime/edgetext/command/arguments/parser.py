"""The parser of all commands: a wrong command line gives one line and exit code 2."""

from __future__ import annotations

import argparse

from edgetext.command import MISTAKE
from edgetext.command.messages import print_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """argparse's parser, with errors of one line, in which a list of all options would hide what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and exit with 2, even if standard error is closed or full."""
        print_note(f"error: {message} (see --help)")
        raise SystemExit(MISTAKE)


def refuse_empty(parser: argparse.ArgumentParser, *kinds: type | None) -> None:
    """Have a parser refuse an empty value, which a shell leaves of an unset variable; an empty path would mean ".".

    Args:
        parser: The parser, before it has arguments.
        kinds: The ``type`` of the options; None is that of those without one.
    """
    for kind in kinds:
        parser.register("type", kind, lambda value, make=kind or str: make(_non_empty(value)))


def _non_empty(value: str) -> str:
    if not value:
        raise argparse.ArgumentTypeError("is empty: is a variable unset?")
    return value
