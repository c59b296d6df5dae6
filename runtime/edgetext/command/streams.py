"""Streams of texts: read within bounds, scored in order, and written in whole results.

A process holds one batch of records at a time, and no record is larger than ``MAX_LINE_BYTES``, so that memory does not
grow with the length of a stream, nor with what is in it. Commands with texts as arguments do without this module.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import stat
import sys

from edgetext.classifier import BATCH_SIZE
from edgetext.command import main as cli
from edgetext.command.output import Output, Stop, Stopped
from edgetext.command.records import Arguments, Record
from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO

    from edgetext.classifier import Classifier
    from edgetext.command.ranking import Ranking
    from edgetext.command.records import RecordOrError
    from edgetext.engines.protocol import Form

# The longest line, and the longest CSV record with all its lines, the last line feed not counted.
MAX_LINE_BYTES = 2**24
TOO_LONG = "longer than 16 MiB: split it"

# A batch is full with so many characters too.
BATCH_CHARACTERS = 2**20

# What is skipped is read in pieces of this size.
PIECE = 2**16


class Lines(Arguments):
    """A text a line, UTF-8, ended by LF or CR LF; a byte order mark at the start is skipped."""

    def __init__(
        self, stream: BinaryIO, as_json: bool = False, width: int | None = None, ranking: Ranking | None = None
    ) -> None:
        """Take a stream; the other arguments are those of Arguments."""
        super().__init__((), as_json, width, ranking)
        self._stream = stream

    def __iter__(self) -> Iterator[RecordOrError]:
        """Read the lines."""
        for number, line in enumerate(bounded(self._stream), 1):
            try:
                yield Record(number, decode(line, number).rstrip("\r\n"))
            except InputError as error:
                yield error


def bounded(stream: BinaryIO) -> Iterator[bytes]:
    """Read lines; of one that is too long only the start is given, which ``decode`` refuses."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line
        if _is_too_long(line):
            while line and not line.endswith(b"\n"):
                line = stream.readline(PIECE)


def decode(line: bytes, number: int) -> str:
    """Decode a line of input; InputError if it is too long, or not UTF-8."""
    if _is_too_long(line):
        raise InputError(f"line {number}: {TOO_LONG}")
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise InputError(f"line {number}: not UTF-8 (byte 0x{byte:02x} at {error.start + 1})") from None


def _is_too_long(line: bytes) -> bool:
    return len(line) > MAX_LINE_BYTES and not line.endswith(b"\n")


class _Waiting(io.RawIOBase):
    """A descriptor that somebody has set not to block, read as if it did: else its first pause would be its end."""

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


def score(options: cli.Options, stream: BinaryIO) -> int:
    """Score all records of a stream and print them in order; those that cannot be read go to standard error.

    Args:
        options: What the command line asks for.
        stream: What to read.

    Returns:
        The exit code; 128 and a signal's number for a stream that it ended.

    Raises:
        EdgetextError: Nothing can be scored.
        OSError: The stream cannot be read, or the output not written.
    """
    classifier = cli.load(options)
    _import_rest(options)
    stop = Stop()
    try:
        with stop:
            # A file is read in batches; what comes down a pipe may be waited for, and is answered text by text.
            size = BATCH_SIZE if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else 1
            form = _choose_form(options, _blocking(stream), classifier)
            data = options.json or not isinstance(form, Lines)
            return _score(classifier, form, size, Output(sys.stdout, stop, "\n" if data else os.linesep))
    except Stopped:
        return 128 + stop.signal


def _import_rest(options: cli.Options) -> None:
    """Import what is used later only: within an import, a signal that raises can be lost."""
    import itertools  # noqa: F401  # for classify_many

    codecs.lookup("utf-8-sig")
    if options.json or options.jsonl is not None or options.csv is not None:
        from edgetext.command import structured  # noqa: F401  # and json with it


def _blocking(stream: BinaryIO) -> BinaryIO:
    """Give a stream whose reads wait."""
    try:
        if os.get_blocking(stream.fileno()):
            return stream
    except (AttributeError, OSError):  # Windows does not know
        return stream
    return io.BufferedReader(_Waiting(stream.raw))  # type: ignore[attr-defined]


def _choose_form(options: cli.Options, stream: BinaryIO, classifier: Classifier) -> Form:
    """Choose how to read the input and how to write the results."""
    width, ranking = cli.set_up_output(options, classifier)
    if options.csv is not None or options.jsonl is not None:
        from edgetext.command.structured import CSVTable, JSONLines
    if options.csv is not None:
        return CSVTable(stream, options.csv, options.delimiter, options.prefix, ranking)
    if options.jsonl is not None:
        return JSONLines(stream, options.jsonl, options.prefix, ranking)
    return Lines(stream, options.json, width, ranking)


def _score(classifier: Classifier, form: Form, size: int, output: Output) -> int:
    unread = wordless = 0
    output.write([form.header])
    for batch in _batches(form, size):
        texts = [record.text for record in batch if not isinstance(record, InputError)]
        predictions = map(classifier.classify, texts) if size == 1 else classifier.classify_many(texts, size)
        results = []
        for record in batch:
            if isinstance(record, InputError):
                cli.complain(record)
                unread += 1
            else:
                results.append(form.write(record, next(predictions)))
                wordless += not record.text.strip()
        output.write(results)
    if wordless:
        cli.tell(f"note: {wordless} empty texts were scored: what the model answers to nothing")
    return cli.MISTAKE if unread else cli.OK


def _batches(records: Iterable[RecordOrError], size: int) -> Iterator[list[RecordOrError]]:
    """Gather records; fewer of them where they are long."""
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
    """Count the characters that a record holds."""
    if isinstance(record, InputError):
        return 0
    source = record.source or ""
    return len(record.text) + (len(source) if isinstance(source, str) else sum(map(len, source)))
