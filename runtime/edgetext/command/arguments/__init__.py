"""Parsing the command line.

Only commands with an option import this package, because importing argparse takes longer than all the rest of a
one-shot command.
"""

from __future__ import annotations

from edgetext.command import Options
from edgetext.command.arguments.checks import check
from edgetext.command.arguments.options import make_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(argv: Sequence[str]) -> Options:
    """Parse a command line; raise SystemExit if it is wrong, or is ``--help`` or ``--version``."""
    parser = make_parser()
    options, others = parser.parse_known_args(argv, namespace=Options())
    if others:
        parser.error(f"a text that begins with '-' must follow '--', and there is no option {others[0]}")
    check(parser, options)
    return options
