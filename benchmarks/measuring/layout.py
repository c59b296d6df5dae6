"""Laying results out: the same paragraphs and tables for a terminal and for a README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Union


class Table(NamedTuple):
    """A table: the names of the columns, the cells, and how many columns are aligned left; the others are right."""

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
    align = ["left" if index < table.left else "right" for index in range(len(table.head))]
    form = "pipe" if markdown else "simple"
    return str(tabulate(table.rows, table.head, form, colalign=align, disable_numparse=True))


def percent(value: float | None, digits: int = 2) -> str:
    """Return a share as a percentage; empty for None."""
    return "" if value is None else f"{value:.{digits}%}"


def megabytes(size: float | None) -> str:
    """Return bytes in MB (1,000,000 bytes); empty for None."""
    return "" if size is None else f"{size / 1e6:,.0f} MB"
