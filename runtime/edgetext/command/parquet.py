"""Parquet files: rows get labels and scores, with ``edgetext.arrow``; a file to a file, or a folder to a folder.

Each file is written completely or not at all, and records what it was made from, so that a command that is run again
does only what is left to do.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from edgetext.command import MISTAKE, OK, Options
from edgetext.command.messages import print_error, print_limits, print_note
from edgetext.command.output import Stop, Stopped
from edgetext.errors import EngineError, InputError, describe

try:
    import pyarrow
    from pyarrow import parquet

    from edgetext.arrow import ArrowClassifier
except ModuleNotFoundError:
    raise EngineError("--parquet needs pyarrow: pip install pyarrow") from None

ROWS = 4_096  # that a worker gets at a time
# What a row group of the output has at most, in rows and bytes, so that memory does not depend on the files.
GROUP_ROWS, GROUP_BYTES = 2**17, 2**26
RECORD = b"edgetext"  # the key of the schema's metadata that says what a file was made from

Submit = Callable[[pyarrow.RecordBatch], "Future[pyarrow.RecordBatch]"]


def label_files(options: Options) -> int:
    """Add labels and scores to the rows of the file or folder that the options name, and return the exit code.

    Raises:
        EdgetextError: If nothing can be labelled.
        OSError: If a folder cannot be read or made.
    """
    assert options.parquet is not None
    settings = {name: getattr(options, name) for name in ("engine", "recipe", "threads", "threshold", "min_accuracy")}
    classify = ArrowClassifier(options.model, options.parquet, prefix=options.prefix, quiet=True, **settings)
    classifier = classify.classifier  # to find out what is wrong with it before anything else
    assert classifier.model is not None
    if classifier.limits is not None:
        print_limits(classifier.limits)
    chosen = {name: getattr(options, name) for name in ("threshold", "min_accuracy")}
    record = {"model": classifier.model.sha256, "engine": classifier.engine.name, "column": options.parquet, **chosen}
    pairs = _find_pairs(Path(str(options.file)), Path(str(options.out)))
    files, failed = _plan(pairs, classify, record)
    if finished := len(pairs) - len(files) - failed:
        print_note(f"note: {finished:,} of {len(pairs):,} files had been labelled already")
    stop = Stop()
    try:
        with stop, ExitStack() as stack:
            submit = _start(classify, options.workers, stack)
            progress = _Progress(files)
            for file in files:
                failed += not _label_file(file, classify.column, submit, 2 * options.workers, progress)
    except Stopped:
        return 128 + stop.signal
    except BrokenProcessPool:
        raise EngineError("a worker process died, as for lack of memory: run the command again") from None
    return MISTAKE if failed else OK


def _find_pairs(source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Return the files to read, and where their results go."""
    if not source.is_dir():
        if target.is_dir():
            raise InputError(f"{target} is a folder: name a file for the results of {source}")
        pairs = [(source, target)]
    else:
        found = sorted(path for path in source.rglob("*.parquet") if path.is_file())
        if not found:
            raise InputError(f"{source}: no file there is called *.parquet")
        pairs = [(path, target / path.relative_to(source)) for path in found]
    if target.exists() and not target.is_file() and not target.is_dir():
        raise InputError(f"{target} is neither a file nor a folder: --out names what to write")
    inside = source.resolve() == target.resolve() or source.resolve() in target.resolve().parents
    if inside:
        raise InputError(f"{target} is the input or in it: write the results to another place")
    return pairs


class _File(NamedTuple):
    """A file to label."""

    source: Path
    target: Path
    rows: int
    codec: str  # how it is compressed
    schema: pyarrow.Schema  # of the result


def _plan(pairs: list[tuple[Path, Path]], classify: ArrowClassifier, record: dict[str, Any]) -> tuple[list[_File], int]:
    """Return the files that are not labelled yet, and the number of those that cannot be, which are reported."""
    files, failed = [], 0
    for source, target in pairs:
        with _reporting(source) as faults, source.open("rb") as opened, parquet.ParquetFile(opened) as file:
            status = source.stat()
            made_from = {**record, "size": status.st_size, "changed": status.st_mtime_ns}
            text = json.dumps(made_from, sort_keys=True).encode()
            schema = classify.schema(file.schema_arrow)
            schema = schema.with_metadata({**(schema.metadata or {}), RECORD: text})
            if not _is_finished(target, text):
                files.append(_File(source, target, file.metadata.num_rows, _codec(file), schema))
        failed += len(faults)
    return files, failed


@contextmanager
def _reporting(source: Path) -> Iterator[list[Exception]]:
    """Print an error with a file, and put it into the list, so that the other files are still labelled."""
    faults: list[Exception] = []
    try:
        yield faults
    except (ValueError, OSError, InputError, pyarrow.ArrowException) as error:
        faults.append(error)
        is_told = isinstance(error, InputError) or getattr(error, "filename", None)
        print_error(error if is_told else InputError(f"{source}: {describe(error).splitlines()[0]}"))


def _is_finished(target: Path, record: bytes) -> bool:
    """Return whether a file was made from the same input by the same model; InputError if it is none of ours."""
    if not target.exists():
        return False
    with suppress(pyarrow.ArrowException):
        found = (parquet.read_schema(target).metadata or {}).get(RECORD)
        if found is not None:
            return bool(found == record)
    raise InputError(f"{target} exists and is no result of this command: choose another --out, or remove it")


def _codec(file: Any) -> str:
    """Return how the first column of a file is compressed."""
    groups = file.metadata.num_row_groups and file.metadata.num_columns
    codec = str(file.metadata.row_group(0).column(0).compression).lower() if groups else "snappy"
    return "none" if codec == "uncompressed" else codec


def _start(classify: ArrowClassifier, workers: int, stack: ExitStack) -> Submit:
    """Return what labels a batch, in this process or in one of several that end with ``stack``."""
    if workers == 1:
        return lambda batch: _label_now(classify, batch)
    # Forking a process with threads, which pyarrow has, can block.
    executor = ProcessPoolExecutor(workers, get_context("spawn"), _ignore_interrupts)
    stack.callback(executor.shutdown, cancel_futures=True)
    return lambda batch: executor.submit(_label, classify, batch)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C, which all processes of a terminal get, to the process that waits for the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _label(classify: ArrowClassifier, batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """Return the added columns only: sending the others back would take time."""
    labelled = classify(batch)
    return labelled.select(labelled.schema.names[batch.num_columns :])


def _label_now(classify: ArrowClassifier, batch: pyarrow.RecordBatch) -> Future[pyarrow.RecordBatch]:
    done: Future[pyarrow.RecordBatch] = Future()
    done.set_result(_label(classify, batch))
    return done


def _label_file(file: _File, column: str, submit: Submit, most: int, progress: _Progress) -> bool:
    """Label a file; return False if it cannot be read, which is reported."""
    with _reporting(file.source) as faults, parquet.ParquetFile(file.source, pre_buffer=False) as source:
        _write(file, progress.counted(_label_batches(source, column, submit, most)))
    if faults:
        progress.clear()
    return not faults


def _label_batches(source: Any, column: str, submit: Submit, most: int) -> Iterator[pyarrow.RecordBatch]:
    """Yield the batches of a file, in order, with the added columns; at most ``most`` are with workers."""
    waiting: deque[tuple[pyarrow.RecordBatch, Future[pyarrow.RecordBatch]]] = deque()
    for batch in source.iter_batches(ROWS):
        waiting.append((batch, submit(batch.select([column]))))
        if len(waiting) > most:
            yield _joined(*waiting.popleft())
    while waiting:
        yield _joined(*waiting.popleft())


def _joined(batch: pyarrow.RecordBatch, added: Future[pyarrow.RecordBatch]) -> pyarrow.RecordBatch:
    found = added.result()
    columns, names = [*batch.columns, *found.columns], [*batch.schema.names, *found.schema.names]
    return pyarrow.RecordBatch.from_arrays(columns, names)


def _write(file: _File, batches: Iterator[pyarrow.RecordBatch]) -> None:
    """Write the result for a file, completely or not at all."""
    file.target.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.target.with_name(f".{file.target.name}.{os.getpid()}.partial")
    try:
        with (
            temporary.open("wb") as output,
            parquet.ParquetWriter(output, file.schema, compression=file.codec) as writer,
        ):
            group: list[pyarrow.RecordBatch] = []
            rows = size = 0
            for batch in batches:
                group.append(batch)
                rows, size = rows + batch.num_rows, size + batch.nbytes
                if rows >= GROUP_ROWS or size >= GROUP_BYTES:
                    writer.write_table(pyarrow.Table.from_batches(group, file.schema))
                    group.clear()
                    rows = size = 0
            if group:
                writer.write_table(pyarrow.Table.from_batches(group, file.schema))
        os.replace(temporary, file.target)
    finally:
        temporary.unlink(missing_ok=True)


class _Progress:
    """A line on standard error, if that is a terminal: the rows that are done, their rate and the time that is left."""

    def __init__(self, files: Sequence[_File]) -> None:
        self._total, self._rows = sum(file.rows for file in files), 0
        self._started = self._shown = time.monotonic()
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def counted(self, batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """Yield batches, and show how far it is."""
        for batch in batches:
            yield batch
            self._rows += batch.num_rows
            now = time.monotonic()
            if self._is_terminal and (now - self._shown >= 1 or self._rows == self._total):
                self._shown, rate = now, self._rows / (now - self._started)
                left = (self._total - self._rows) / rate
                line = f"{self._rows:,} of {self._total:,} rows, {rate:,.0f} rows/s, {left:,.0f} s left"
                self._print(f"\r\033[K{line}" + ("\n" if self._rows == self._total else ""))

    def clear(self) -> None:
        """Remove the line."""
        if self._is_terminal:
            self._print("\r\033[K")

    def _print(self, text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)
