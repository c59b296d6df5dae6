"""Labelling files in this process, or in several.

A file that holds more than its share of the rows is labelled by all workers together, which get its batches; of the
others each worker labels one at a time, from reading to writing, because passing batches between processes takes time.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

import pyarrow

from edgetext.arrow import ArrowClassifier
from edgetext.command.output import Stopped
from edgetext.command.parquet.files import File, Label, added_columns, in_turn, label_file, reporting
from edgetext.command.parquet.progress import Progress

# In a worker: the rows that are labelled of each file, and whether to stop. This is shared memory with one writer for
# each value and no lock: a worker that is killed while it holds one would block all others for ever.
_shared: Any = None


def label_here(files: Sequence[File], label: Label, progress: Progress) -> int:
    """Label files one after the other; return the number of those that cannot be read, which are reported."""
    failed = 0
    for file in files:
        with reporting(file.source, progress.clear) as faults:
            label_file(file, label, progress.add)
        failed += len(faults)
    return failed


def label_in_workers(files: Sequence[File], classify: ArrowClassifier, workers: int, progress: Progress) -> int:
    """Label files in several processes; return the number of those that cannot be read, which are reported.

    Raises:
        BrokenProcessPool: If a worker dies.
        Stopped: If a signal asks this process to end.
    """
    share = sum(file.rows for file in files) / workers
    large = [file for file in files if file.rows > share]
    small = sorted((file for file in files if file.rows <= share), key=lambda file: -file.rows)
    # Forking a process with threads, which pyarrow has, can block.
    context = get_context("spawn")
    rows, stop = context.RawArray("q", len(small)), context.RawValue("b")
    with ProcessPoolExecutor(workers, context, _start_worker, (rows, stop)) as executor:
        try:
            failed = label_here(large, partial(_label_batches, classify, executor, 2 * workers), progress)
            done = sum(file.rows for file in large)
            running = {
                _submit(executor, label_file, file, in_turn(classify), partial(_count, number)): file
                for number, file in enumerate(small)
            }
            while running:
                finished = wait(running, 1, FIRST_COMPLETED).done
                progress.show(done + sum(rows))
                for future in finished:
                    with reporting(running.pop(future).source, progress.clear) as faults:
                        future.result()
                    failed += len(faults)
        except BaseException:
            stop.value = True
            executor.shutdown(cancel_futures=True)
            for file in small:  # of a worker that was killed
                file.temporary.unlink(missing_ok=True)
            raise
    return failed


def _label_batches(
    classify: ArrowClassifier, executor: ProcessPoolExecutor, most: int, batches: Iterable[pyarrow.RecordBatch]
) -> Iterator[pyarrow.RecordBatch]:
    """Yield what workers make of batches, in order; at most ``most`` are with workers."""
    waiting: deque[Future[pyarrow.RecordBatch]] = deque()
    for batch in batches:
        waiting.append(_submit(executor, added_columns, classify, batch))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _submit(executor: ProcessPoolExecutor, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Submit work to the workers, and start them if they are not running yet.

    Ctrl-C, which all processes of a terminal get, is for the process that waits for the workers: they start with SIGINT
    blocked, and then ignore it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        return executor.submit(function, *arguments)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        return executor.submit(function, *arguments)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(*shared: Any) -> None:
    """Prepare a worker process."""
    global _shared
    _shared = shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker if the process that gives it work is killed; it would wait forever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _count(file: int, rows: int) -> None:
    """Count rows of a file in a worker; Stopped if the workers shall stop."""
    done, stop = _shared
    if stop.value:
        raise Stopped
    done[file] += rows
