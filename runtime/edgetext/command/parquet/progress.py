"""How many rows are labelled, for people."""

from __future__ import annotations

import sys
import time


class Progress:
    """A line on standard error, if that is a terminal: the rows that are done, their rate and the time that is left."""

    def __init__(self, total: int) -> None:
        """Start the clock; ``total`` is the number of rows to label."""
        self._total, self._rows = total, 0
        self._started = self._shown = time.monotonic()
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def add(self, rows: int) -> None:
        """Count rows that are done."""
        self.show(self._rows + rows)

    def show(self, rows: int) -> None:
        """Show that ``rows`` are done, at most once a second."""
        self._rows = rows
        now = time.monotonic()
        if self._is_terminal and rows and (now - self._shown >= 1 or rows == self._total):
            self._shown, rate = now, rows / (now - self._started)
            left = (self._total - rows) / rate
            line = f"{rows:,} of {self._total:,} rows, {rate:,.0f} rows/s, {left:,.0f} s left"
            self._print(f"\r\033[K{line}" + ("\n" if rows == self._total else ""))

    def clear(self) -> None:
        """Remove the line."""
        if self._is_terminal:
            self._print("\r\033[K")

    def _print(self, text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)
