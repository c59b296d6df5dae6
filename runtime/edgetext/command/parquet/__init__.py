"""Parquet files: rows get labels and scores, with ``edgetext.arrow``; a file to a file, or a folder to a folder.

Each file is written completely or not at all, and records what it was made from, so that a command that is run again
does only what is left to do.
"""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from edgetext.command import MISTAKE, OK, Options
from edgetext.command.messages import print_limits, print_note
from edgetext.command.output import Stop, Stopped
from edgetext.errors import EngineError

try:
    import pyarrow  # noqa: F401  # the modules below need it
except ModuleNotFoundError:
    raise EngineError("--parquet needs pyarrow: pip install pyarrow") from None

from edgetext.arrow import LABEL, SCORE, ArrowClassifier
from edgetext.command.parquet.files import find_left, find_pairs, in_turn, plan
from edgetext.command.parquet.progress import Progress
from edgetext.command.parquet.workers import label_here, label_in_workers
from edgetext.prediction import shorten


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
    chosen = {name: getattr(options, name) for name in ("threshold", "min_accuracy", "prefix")}
    record = {"model": classifier.model.sha256, "engine": classifier.engine.name, "column": options.parquet, **chosen}
    added = [options.prefix + name for name in (LABEL, SCORE)]
    pairs = find_pairs(Path(str(options.file)), Path(str(options.out)), added)
    files, failed = plan(pairs, classify, record)
    if left := find_left(Path(str(options.file)), Path(str(options.out)), pairs):
        print_note(f"note: the input has no file for these results, which stay: {shorten(left, len(left))}")
    if finished := len(pairs) - len(files) - failed:
        print_note(f"note: {finished:,} of {len(pairs):,} files had been labelled already")
    stop, progress = Stop(), Progress(sum(file.rows for file in files))
    try:
        with stop:
            if options.workers == 1:
                failed += label_here(files, in_turn(classify), progress)
            else:
                failed += label_in_workers(files, classify, options.workers, progress)
    except Stopped:
        return 128 + stop.signal
    except BrokenProcessPool:
        raise EngineError("a worker process died, as for lack of memory: run the command again") from None
    return MISTAKE if failed else OK
