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
    options = parser.parse_args(argv, namespace=Options())
    check(parser, options)
    return options
