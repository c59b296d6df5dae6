"""How a table is written: what the user says about it, and what is found in the file."""

from __future__ import annotations

import os
from typing import NamedTuple

from edgetext.errors import InputError
from edgetext.tables.encoding import check_encoding

# The formats; "array" is "json" as one array of objects.
CSV, TSV, JSON, ARRAY, FASTTEXT = "csv", "tsv", "json", "array", "fasttext"
SEPARATORS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}


class Dialect(NamedTuple):
    """How a table is written; None for what is to be detected."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None  # between the columns of CSV and TSV
    quote: str | None = None  # around their fields; empty if marks are part of the text
    escape: str | None = None  # before a mark that is part of the text; empty if it is doubled
    header: bool | None = None  # whether the first row has the names of the columns, which are numbers otherwise

    def check(self) -> None:
        """Raise InputError if a value is not possible; the message begins with the option."""
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise InputError(f"--delimiter must be one character or 'tab', not {self.delimiter!r}")
        for option, value in (("--quote", self.quote), ("--escape", self.escape)):
            if value is not None and (len(value) > 1 or value in ("\r", "\n")):
                raise InputError(f"{option} must be one character or 'none', not {value!r}")
        marks = [value for value in (self.delimiter, self.quote, self.escape) if value]
        if len(set(marks)) < len(marks):
            raise InputError("--delimiter, --quote and --escape must be different characters")
        check_encoding(self.encoding)


# The formats by the ending of a file's name.
ENDINGS = {".csv": CSV, ".tsv": TSV, ".json": JSON, ".jsonl": JSON, ".ndjson": JSON}


def ending(name: str) -> str:
    """Return the ending of a file's name, in lower case and without ``.gz``."""
    return os.path.splitext(name.lower().removesuffix(".gz"))[1]
