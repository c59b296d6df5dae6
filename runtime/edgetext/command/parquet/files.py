"""Parquet files: which are to be labelled, and reading, labelling and writing one."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, ENOSPC
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
from pyarrow import parquet

from edgetext.arrow import ArrowClassifier
from edgetext.command.messages import print_error
from edgetext.errors import InputError, describe

ROWS = 4_096  # that are labelled at a time
# What a row group of the output has at most, in rows and bytes, so that memory does not depend on the files.
GROUP_ROWS, GROUP_BYTES = 2**17, 2**26
RECORD = b"edgetext"  # the key of the schema's metadata that says what a file was made from

# Turns batches that have the column of texts into batches of the added columns, in the same order.
Label = Callable[[Iterable[pyarrow.RecordBatch]], Iterator[pyarrow.RecordBatch]]


def find_pairs(source: Path, target: Path, added: Sequence[str]) -> list[tuple[Path, Path]]:
    """Return the files to read, and where their results go; ``added`` are the names of the columns to add."""
    if not source.is_dir():
        if target.is_dir():
            raise InputError(f"{target} is a folder: name a file for the results of {source}")
        pairs = [(source, target)]
    else:
        if target.is_file():
            raise InputError(f"{target} is a file: name a folder for the results of {source}")
        names = [path.relative_to(source) for path in sorted(_find_files(source))]
        if not names:
            raise InputError(f"{source}: no file there is called *.parquet")
        for part in {part for name in names for part in name.parent.parts}:
            column, is_value, _ = part.partition("=")
            if is_value and column in added:
                problem = f"the folder {part!r} is read as a column {column!r}, which is to be added"
                raise InputError(f"{source}: {problem}: choose another --prefix")
        pairs = [(source / name, target / name) for name in names]
    if target.exists() and not target.is_file() and not target.is_dir():
        raise InputError(f"{target} is neither a file nor a folder: --out names what to write")
    inside = source.resolve() == target.resolve() or source.resolve() in target.resolve().parents
    if inside:
        raise InputError(f"{target} is the input or in it: write the results to another place")
    return pairs


def _find_files(folder: Path) -> Iterator[Path]:
    """Yield the Parquet files in a folder and those in it; raise OSError if one cannot be read."""

    def fail(error: OSError) -> None:
        raise error

    for path, folders, files in os.walk(folder, onerror=fail):
        # As in Spark: names that begin like this are of what engines keep beside the data.
        folders[:] = [name for name in folders if name[0] not in "._"]
        for name in files:
            if name[0] not in "._" and name.lower().endswith(".parquet"):
                yield Path(path, name)


def find_left(source: Path, target: Path, pairs: list[tuple[Path, Path]]) -> list[str]:
    """Return the results in a folder that are of no file of the input, such as of one that was removed since."""
    if not source.is_dir():
        return []
    left = set(target.rglob("*.parquet")).difference(result for _, result in pairs)
    readable = (path for path in left if path.is_file() and os.access(path, os.R_OK))
    return sorted(str(path) for path in readable if _read_record(path) is not None)


class File(NamedTuple):
    """A file to label."""

    source: Path
    target: Path
    temporary: Path  # where the result is written, until it is complete
    column: str  # that holds the texts
    rows: int
    codec: str  # how it is compressed
    schema: pyarrow.Schema  # of the result


def plan(pairs: list[tuple[Path, Path]], classify: ArrowClassifier, record: dict[str, Any]) -> tuple[list[File], int]:
    """Return the files that are not labelled yet, and the number of those that cannot be, which are reported."""
    files, failed = [], 0
    for source, target in pairs:
        with reporting(source) as faults, source.open("rb") as opened, parquet.ParquetFile(opened) as file:
            status = source.stat()
            made_from = {**record, "size": status.st_size, "changed": status.st_mtime_ns}
            text = json.dumps(made_from, sort_keys=True).encode()
            schema = classify.schema(file.schema_arrow)
            schema = schema.with_metadata({**(schema.metadata or {}), RECORD: text})
            if not _is_finished(target, text):
                rows, column = file.metadata.num_rows, classify.column
                files.append(File(source, target, _temporary(target), column, rows, _codec(file), schema))
        failed += len(faults)
    return files, failed


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.partial")


@contextmanager
def reporting(source: Path, before: Callable[[], object] = lambda: None) -> Iterator[list[Exception]]:
    """Print an error with a file, and put it into the list, so that the other files are still labelled.

    Args:
        source: The file.
        before: Is called before something is printed.
    """
    faults: list[Exception] = []
    try:
        yield faults
    except (ValueError, OSError, InputError, pyarrow.ArrowException) as error:
        faults.append(error)
        before()
        is_told = isinstance(error, InputError) or getattr(error, "filename", None)
        print_error(error if is_told else InputError(f"{source}: {_explain(source, error)}"))


def _explain(source: Path, error: Exception) -> str:
    """Return why a file cannot be read."""
    with suppress(OSError), source.open("rb") as file:
        if file.read(4) not in (b"PAR1", b"PARE"):  # the second if it is encrypted
            return "not a Parquet file; for CSV use --csv COLUMN, for JSON lines --jsonl FIELD"
    return describe(error).splitlines()[0]


def _is_finished(target: Path, record: bytes) -> bool:
    """Return whether a file was made from the same input by the same model; InputError if it is none of ours."""
    if not target.exists():
        return False
    found = _read_record(target)
    if found is None:
        raise InputError(f"{target} exists and is no result of this command: choose another --out, or remove it")
    return found == record


def _read_record(path: Path) -> bytes | None:
    """Return what a file records that it was made from; None if it is no result of this command."""
    with path.open("rb") as file:
        try:
            found: bytes | None = (parquet.read_schema(file).metadata or {}).get(RECORD)
        except (pyarrow.ArrowException, OSError):  # OSError also if it is damaged
            return None
    return found


def _codec(file: Any) -> str:
    """Return how the first column of a file is compressed."""
    groups = file.metadata.num_row_groups and file.metadata.num_columns
    codec = str(file.metadata.row_group(0).column(0).compression).lower() if groups else "snappy"
    return "none" if codec == "uncompressed" else codec


def added_columns(classify: ArrowClassifier, batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """Label a batch; return the added columns only, because sending the others to another process takes time."""
    labelled = classify(batch)
    return labelled.select(labelled.schema.names[batch.num_columns :])


def in_turn(classify: ArrowClassifier) -> Label:
    """Return what labels batches in this process, one after the other; it can be pickled."""
    return partial(map, partial(added_columns, classify))


def label_file(file: File, label: Label, count: Callable[[int], object]) -> None:
    """Label a file, completely or not at all.

    Args:
        file: The file.
        label: Labels batches.
        count: Is called with the number of rows of each batch that is labelled.

    Raises:
        OSError, pyarrow.ArrowException: If it cannot be read, or the result not be written.
        ValueError: If a text is not UTF-8.
    """
    file.target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            parquet.ParquetFile(file.source, pre_buffer=False) as source,
            file.temporary.open("wb") as output,
            parquet.ParquetWriter(output, file.schema, compression=file.codec) as writer,
        ):
            group: list[pyarrow.RecordBatch] = []
            rows = size = 0
            for batch in _label_batches(source, file, label):
                count(batch.num_rows)
                group.append(batch)
                rows, size = rows + batch.num_rows, size + batch.nbytes
                if rows >= GROUP_ROWS or size >= GROUP_BYTES:
                    writer.write_table(pyarrow.Table.from_batches(group, file.schema))
                    group.clear()
                    rows = size = 0
            if group:
                writer.write_table(pyarrow.Table.from_batches(group, file.schema))
        os.replace(file.temporary, file.target)
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT, EFBIG):  # reported without a file, and not of the one that is read
            raise OSError(error.errno, error.strerror, str(file.target)) from None
        raise
    finally:
        file.temporary.unlink(missing_ok=True)


def _label_batches(source: Any, file: File, label: Label) -> Iterator[pyarrow.RecordBatch]:
    """Yield the batches of a file, in order, with the added columns."""
    waiting: deque[pyarrow.RecordBatch] = deque()  # those that ``label`` has taken and not returned

    def take_texts() -> Iterator[pyarrow.RecordBatch]:
        for batch in source.iter_batches(ROWS):
            waiting.append(batch)
            yield batch.select([file.column])

    for added in label(take_texts()):
        batch = waiting.popleft()
        yield pyarrow.RecordBatch.from_arrays([*batch.columns, *added.columns], schema=file.schema)
