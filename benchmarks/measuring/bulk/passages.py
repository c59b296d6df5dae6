"""Texts to score by the million: passages of reviews, as Parquet files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow
from pyarrow import parquet

# The words of a passage, of which the last is its number.
WORDS = 30
GROUP = 2**17  # rows of a row group
SCHEMA = pyarrow.schema([("n", pyarrow.int64()), ("text", pyarrow.string())])


def cut(texts: Sequence[str]) -> list[str]:
    """Return passages of ``WORDS - 1`` words from texts, one after the other; the rest of each text is left out."""
    found = []
    for text in texts:
        words = text.split()
        ends = range(WORDS - 1, len(words) + 1, WORDS - 1)
        found += [" ".join(words[end - WORDS + 1 : end]) for end in ends]
    return found


def write(passages: Sequence[str], rows: int, files: int, path: Path) -> None:
    """Write ``rows`` passages, repeated as often as it takes, each with its number as last word.

    Args:
        passages: The passages.
        rows: How many to write.
        files: How many files; one is written to ``path``, several into the folder ``path``.
        path: The file or folder to make.
    """
    if files > 1:
        path.mkdir()
    for file in range(files):
        numbers = range(rows * file // files, rows * (file + 1) // files)
        target = path / f"{file}.parquet" if files > 1 else path
        with parquet.ParquetWriter(target, SCHEMA) as writer:
            for start in range(0, len(numbers), GROUP):
                part = numbers[start : start + GROUP]
                texts = [f"{passages[number % len(passages)]} {number}" for number in part]
                writer.write_table(pyarrow.table({"n": part, "text": texts}, SCHEMA))


def count_labels(path: Path) -> dict[str, int]:
    """Return how many texts of a file or folder have each label."""
    counts: Counter[str] = Counter()
    for file in path.rglob("*.parquet") if path.is_dir() else [path]:
        with parquet.ParquetFile(file) as opened:
            for batch in opened.iter_batches(columns=["label"]):
                counts.update(batch.column("label").to_pylist())
    return dict(counts)
