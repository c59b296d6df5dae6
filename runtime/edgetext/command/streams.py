"""Streams of texts: read within bounds, scored in order, and written as complete results.

A process holds one batch of records at a time, and no record is larger than ``MAX_LINE_BYTES``, so memory depends
neither on the length of a stream nor on its content. Commands with texts as arguments do not need this module.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import stat
import sys

from edgetext.classifier import BATCH_SIZE
from edgetext.command import MISTAKE, OK
from edgetext.command.messages import print_error, print_note
from edgetext.command.output import Output, Stop, Stopped
from edgetext.command.text_lines import TextLines
from edgetext.errors import EngineError, InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO, Union

    from edgetext.classifier import Classifier
    from edgetext.command import Options, RecordOrError
    from edgetext.command.structured import JSONObjects, Table
    from edgetext.command.summary import Summary

    Form = Union[TextLines, JSONObjects, Table]

# A batch is also full when it has this many characters.
BATCH_CHARACTERS = 2**20
# From this many bytes of text on, the engine native saves more time than making its model takes.
NATIVE_BYTES = 2**21


class _Waiting(io.RawIOBase):
    """A non-blocking descriptor, read as if it blocked: otherwise its first pause would be taken for its end."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            count: int | None = self._raw.readinto(buffer)
            if count is not None:
                return count
            select.select([self._raw], [], [])


def score(options: Options, stream: BinaryIO) -> int:
    """Score all records of a stream and print the results in order; errors go to standard error.

    Returns:
        The exit code; 128 plus the signal's number if a signal ended the stream.

    Raises:
        EdgetextError: If nothing can be scored.
        OSError: If the stream cannot be read, or the output cannot be written.
    """
    _refuse_own_output(stream)
    classifier = _load(options, os.fstat(stream.fileno()))
    _import_all(options)
    stop = Stop()
    summary = _open_summary(options, classifier, stop, stream)
    try:
        with stop:
            # A file is read in batches. Somebody may be waiting for the answers to a pipe, so it is read text by text.
            live = not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            form = _choose_form(options, _blocking(stream), classifier, live)
            data = options.json or not isinstance(form, TextLines)
            output = Output(sys.stdout, stop, "\n" if data else os.linesep)
            return _score(classifier, form, 1 if live else BATCH_SIZE, output, summary)
    except Stopped:
        return 128 + stop.signal
    finally:
        if summary is not None:
            summary.write()


def _load(options: Options, input_status: os.stat_result) -> Classifier:
    """Load the classifier; that of the engine ``native``, if it is there, in place of ``builtin`` for a large file."""
    classifier = options.load_classifier()
    is_large = stat.S_ISREG(input_status.st_mode) and input_status.st_size >= NATIVE_BYTES
    if options.engine == "auto" and classifier.engine.name == "builtin" and is_large and not options.explain:
        try:
            return options.load_classifier("native")
        except EngineError:  # it is not installed, or cannot run this model
            pass
    return classifier


def _open_summary(options: Options, classifier: Classifier, stop: Stop, stream: BinaryIO) -> Summary | None:
    """Open the file of ``--summary``, unless it is the input or the output; None without that option."""
    if options.summary is None:
        return None
    from edgetext.command.summary import Summary

    for other in (stream, sys.stdout):
        if os.path.isfile(options.summary) and os.path.samestat(os.stat(options.summary), os.fstat(other.fileno())):
            raise InputError(f"--summary {options.summary} is the input or the output: choose another file")
    return Summary(options.summary, options.summary_every, classifier, stop)


def _refuse_own_output(stream: BinaryIO) -> None:
    """Refuse an input that is the output as well: it would grow, and be read, without end."""
    try:
        source, target = os.fstat(stream.fileno()), os.fstat(sys.stdout.fileno())
    except OSError:  # a stream in memory, given by a program
        return
    if stat.S_ISREG(source.st_mode) and os.path.samestat(source, target):
        raise InputError("the input is the output as well: write the results to another file")


def _import_all(options: Options) -> None:
    """Import now what is used later, because a signal that raises an exception within an import can be lost."""
    import itertools  # noqa: F401  # for classify_many

    codecs.lookup(options.encoding or "utf-8")
    if options.json or options.is_table():
        from edgetext.command import structured  # noqa: F401  # and json with it
    if options.explain:
        from edgetext.command import explained  # noqa: F401
        from edgetext.explaining import effects  # noqa: F401


def _blocking(stream: BinaryIO) -> BinaryIO:
    """Return a stream whose reads block."""
    try:
        if os.get_blocking(stream.fileno()):
            return stream
    except (AttributeError, OSError):  # not known on Windows
        return stream
    return io.BufferedReader(_Waiting(stream.raw))  # type: ignore[attr-defined]


def _choose_form(options: Options, stream: BinaryIO, classifier: Classifier, live: bool) -> Form:
    """Choose how to read the input and how to write the results."""
    width, ranking = options.set_up_output(classifier)
    if not options.is_table():
        how = {"label_only": options.label_only, "live": live}
        lines = TextLines(stream, options.json, width, ranking, encoding=options.encoding, **how)
        if options.explain:
            lines.explain = classifier.explain
        return lines
    from edgetext.command.structured import JSONObjects, Table

    dialect = options.make_dialect()
    if options.jsonl is not None:
        return JSONObjects(stream, options.jsonl, dialect, options.prefix, ranking, live)
    column = options.csv if options.csv is not None else options.tsv
    assert column is not None
    table = Table(stream, column, dialect, options.prefix, ranking, live)
    table.check_labels(classifier.labels)
    return table


def _score(classifier: Classifier, form: Form, size: int, output: Output, summary: Summary | None) -> int:
    unread = empty = 0
    labels: dict[str, None] = {}  # of empty texts
    for note in form.notes:
        print_note(f"note: {note}")
    output.write([form.header])
    for batch in _batches(form, size):
        texts = [record.text for record in batch if not isinstance(record, InputError)]
        predictions = map(classifier.classify, texts) if size == 1 else classifier.classify_many(texts, size)
        results, scored = [], []
        for record in batch:
            if isinstance(record, InputError):
                print_error(record)
                results.append(form.unread)
                unread += 1
            else:
                prediction = next(predictions)
                results.append(form.write(record, prediction))
                scored.append(prediction)
                if not record.text.strip():
                    empty += 1
                    labels[prediction.label] = None
        if summary is not None:
            summary.add(scored)
        output.write(results)
    if empty:
        subject = "1 empty text was" if empty == 1 else f"{empty:,} empty texts were"
        print_note(f"note: {subject} labelled {' or '.join(labels)}, the model's answer to a text without words")
    for note in form.advise():
        print_note(f"note: {note}")
    return MISTAKE if unread else OK


def _batches(records: Iterable[RecordOrError], size: int) -> Iterator[list[RecordOrError]]:
    """Group records into batches, with fewer records where they are long."""
    batch: list[RecordOrError] = []
    characters = 0
    for record in records:
        batch.append(record)
        characters += _length(record)
        if len(batch) == size or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _length(record: RecordOrError) -> int:
    """Return the number of characters of a record."""
    if isinstance(record, InputError):
        return 0
    source = record.source or ""
    return len(record.text) + (len(source) if isinstance(source, str) else sum(map(len, source)))
