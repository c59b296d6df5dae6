"""Lines as fastText reads them: ``__label__x`` and the text."""

from __future__ import annotations

from edgetext.tables.encoding import decode, find_encoding
from edgetext.tables.lines import Lines, read_line
from edgetext.tables.records import Fault, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from edgetext.tables.records import RecordOrFault

PREFIX = "__label__"
NAMES = ["label", "text"]


def is_fasttext(head: bytes, encoding: str | None = None) -> bool:
    """Return whether a file begins as fastText's lines do; ``encoding`` is what the user says."""
    return decode(head[:64], find_encoding(head, encoding)[0], True).startswith(PREFIX)


def read_fasttext(stream: BinaryIO, encoding: str) -> Iterator[RecordOrFault]:
    """Yield label and text of each line; blank lines are skipped. The label may be empty."""
    lines = Lines(stream, encoding)
    while line := read_line(lines, encoding):
        if isinstance(line, Fault):
            if line.kind == "encoding":
                label, text, _ = split_line(line.values.strip())
                line.values = [label, text]
            yield line
        elif content := line.strip():
            label, text, count = split_line(content)
            if count > 1:
                message = f"line {lines.number}: several labels per text are not supported"
                yield Fault("labels", lines.number, message, values=[label, text])
            else:
                yield Record(lines.number, lines.number, [label, text])


def split_line(content: str) -> tuple[str, str, int]:
    """Return the first label of a line, the text without labels, and the number of labels."""
    first, _, rest = content.partition(" ")
    if first.startswith(PREFIX) and PREFIX not in rest and "\t" not in first:
        return first[len(PREFIX) :], rest.strip(), 1
    words = content.split()
    labels = [word for word in words if word.startswith(PREFIX)]
    text = " ".join(word for word in words if not word.startswith(PREFIX))
    return labels[0][len(PREFIX) :] if labels else "", text, len(labels)
