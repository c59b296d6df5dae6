"""Laying results out: the same paragraphs and tables for a terminal and for a README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Union


class Table(NamedTuple):
    """A table of strings.

    Attributes:
        head: The names of the columns.
        rows: The cells.
        left: How many columns are aligned left; the others are aligned right.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1


Part = Union[str, Table]  # noqa: UP007  # a paragraph or a table; "|" between types needs Python 3.10


def render(parts: Sequence[Part], *, markdown: bool = False) -> str:
    """Return paragraphs and tables as text for a terminal, or as Markdown."""
    return "\n\n".join(part if isinstance(part, str) else _table(part, markdown) for part in parts)


def _table(table: Table, markdown: bool) -> str:
    try:
        from tabulate import tabulate
    except ModuleNotFoundError:  # on a device
        return "\n".join("\t".join(row) for row in (table.head, *table.rows))
    return str(
        tabulate(
            table.rows,
            table.head,
            tablefmt="pipe" if markdown else "simple",
            colalign=["left" if index < table.left else "right" for index in range(len(table.head))],
            disable_numparse=True,
        )
    )


def percent(value: float | None, digits: int = 2) -> str:
    """Return a share as a percentage; empty for None."""
    return "" if value is None else f"{value:.{digits}%}"


def kilobytes(size: float | None) -> str:
    """Return bytes in kB (1,000 bytes); empty for None."""
    return "" if size is None else f"{size / 1000:,.0f} kB"


def megabytes(size: float | None) -> str:
    """Return bytes in MB (1,000,000 bytes); empty for None."""
    return "" if size is None else f"{size / 1e6:,.0f} MB"
