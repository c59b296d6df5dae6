"""The options that say how a table is written, the same in all commands."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from edgetext.tables.dialect import Dialect

# The names of the options as attributes, and those that only tables with columns have.
NAMES = ("encoding", "header", "delimiter", "quote", "escape")
OF_COLUMNS = NAMES[1:]
# Words for marks that are hard to type.
_MARKS = {"tab": "\t", "none": ""}


def add_dialect_arguments(group: argparse._ActionsContainer) -> None:
    """Add the options to a parser or a group."""
    group.add_argument(
        "--encoding",
        metavar="NAME",
        help="encoding of the input, such as windows-1252 (default: UTF-8, or what a byte order mark says)",
    )
    group.add_argument(
        "--no-header",
        dest="header",
        action="store_false",
        help="the first row is data; the names of columns are numbers from 1",
    )
    group.add_argument("--delimiter", metavar="C", help="separator of CSV columns; 'tab' for a tab (default: detected)")
    group.add_argument("--quote", metavar="C", help="quotation mark around fields, or 'none' (default: detected)")
    group.add_argument(
        "--escape", metavar="C", help="character before a mark within a field (default: marks are doubled)"
    )


def make_dialect(options: object, table: str | None = None) -> Dialect:
    """Return what parsed options say of how a table is written.

    Args:
        options: Has the attributes ``NAMES``.
        table: The format; None if it is not known yet.
    """
    from edgetext.tables.dialect import Dialect  # slow to import: ``--help`` does without

    encoding, header, *marks = (getattr(options, name) for name in NAMES)
    delimiter, quote, escape = (_MARKS.get(mark, mark) for mark in marks)
    return Dialect(table, encoding, delimiter, quote, escape, None if header else False)


def show_option(name: str) -> str:
    """Return an attribute's name as it is typed."""
    return "--no-header" if name == "header" else f"--{name.replace('_', '-')}"
