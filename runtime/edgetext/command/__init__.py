"""The command ``edgetext``.

Here are the exit codes of all commands, the options with what they ask for, and the first of the forms of input and
output: texts given as arguments. Lines are in ``streams``, JSON lines and CSV in ``structured``.

A form yields its records, and its method ``write`` returns the output for a record and its prediction, line end
included; ``header`` comes before the first record. In place of a record that cannot be read it yields an InputError, so
that the rest of the stream is still scored, and ``unread`` is written.
"""

from __future__ import annotations

import os
import sys

from edgetext.classifier import Classifier
from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Union

    from edgetext.command.ranking import Ranking
    from edgetext.explaining import Explanation
    from edgetext.prediction import Prediction
    from edgetext.tables.dialect import Dialect

    RecordOrError = Union["Record", InputError]

# 2 is argparse's own exit code for a wrong command line, 130 the shell's for an interrupt (128 + SIGINT).
OK, DIFFERENT, MISTAKE, INTERRUPTED = 0, 1, 2, 130


class Options:
    """The options; the class holds the defaults. ``edgetext.command.arguments`` describes them."""

    texts: Sequence[str] = ()
    file: str | None = None
    jsonl: str | None = None
    csv: str | None = None
    tsv: str | None = None
    parquet: str | None = None
    out: str | None = None
    workers: int = 1
    serve: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header: bool = True
    prefix: str = ""
    json: bool = False
    label_only: bool = False
    explain: bool = False
    model: str | None = None
    engine: str = "auto"
    recipe: str | None = None
    threads: int = 1
    threshold: float | None = None
    min_accuracy: float | None = None
    summary: str | None = None
    summary_every: int | None = None
    top_k: int | None = None
    info: bool = False
    doctor: bool = False
    verify: bool = False
    drift: str | None = None
    top_words: str | bool = False  # a label, or True for all

    def load_classifier(self, engine: str | None = None) -> Classifier:
        """Load the classifier that the options ask for, or one with another engine."""
        settings = {name: getattr(self, name) for name in ("recipe", "threads", "threshold", "min_accuracy")}
        return Classifier.load(self.model, engine or self.engine, quiet=True, **settings)

    def may_abstain(self) -> bool:
        """Return whether a text may be labelled ``UNCERTAIN``."""
        return self.threshold is not None or self.min_accuracy is not None

    def is_table(self) -> bool:
        """Return whether the input is a table: JSON, CSV or TSV."""
        return self.jsonl is not None or self.csv is not None or self.tsv is not None

    def make_dialect(self) -> Dialect:
        """Return what the options say about how the table is written."""
        from edgetext.tables.dialect import CSV, JSON, TSV
        from edgetext.tables.options import make_dialect

        return make_dialect(self, JSON if self.jsonl is not None else CSV if self.csv is not None else TSV)

    def set_up_output(self, classifier: Classifier) -> tuple[int | None, Ranking | None]:
        """Set up standard output, and print notes about the classifier if there are any.

        Returns:
            The width of the terminal, None if the output is not one; and the ranking that ``--top-k`` asks for.
        """
        ranking = None
        if self.top_k is not None:
            from edgetext.command.ranking import Ranking

            ranking = Ranking(min(self.top_k, len(classifier.labels)), with_first=self.may_abstain())
        output = sys.stdout
        if self.is_table() or self.json:
            # Data for programs is UTF-8 with plain line ends, whatever the terminal is set to.
            output.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
            width = None
        else:
            output.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
            width = os.get_terminal_size(output.fileno()).columns if output.isatty() else None
        if classifier.encoder.note:
            from edgetext.command.messages import print_note

            print_note(f"note: {classifier.encoder.note}")
        if classifier.limits is not None:
            from edgetext.command.messages import print_limits

            print_limits(classifier.limits)
        return width, ranking


class Record:
    """A text of a stream, and the JSON line or CSV row that contained it; None for a plain text."""

    __slots__ = ("line", "source", "text")

    def __init__(self, line: int, text: str, source: str | list[str] | None = None) -> None:
        self.line = line  # from 1; the last of the lines of a CSV record
        self.text = text
        self.source = source


class Arguments:
    """Texts given on the command line; an empty one is taken for a mistake, such as an unset variable.

    The output is JSON, or label, score, the labels of a ranking, engine and text, separated by tabs, or the label only.

    Attributes:
        explain: Explains the label of a text, to write that too; None does not.
    """

    header = ""
    explain: Callable[[str], Explanation] | None = None

    def __init__(
        self,
        texts: Sequence[str],
        as_json: bool = False,
        width: int | None = None,
        ranking: Ranking | None = None,
        *,
        label_only: bool = False,
    ) -> None:
        """Read from arguments; ``width`` is the number of columns to which the text of a line is shortened."""
        self._texts = texts
        self._as_json = as_json
        self._label_only = label_only
        self.unread = "\n" if label_only else ""
        self._width = width
        self._ranking = ranking

    def __iter__(self) -> Iterator[RecordOrError]:
        for number, text in enumerate(self._texts, 1):
            try:
                # What was typed is UTF-8, even if the locale made Python decode it as something else.
                text = os.fsencode(text).decode("utf-8")
            except UnicodeError:
                yield InputError(f"text {number} is not UTF-8")
                continue
            yield Record(number, text) if text.strip() else InputError(f"text {number} is empty")

    def write(self, record: Record, prediction: Prediction) -> str:
        """Return a line of output."""
        if self._as_json:
            from edgetext.command.fields import dump, fields

            explained = {} if self.explain is None else {"explanation": self.explain(record.text).as_dict()}
            return dump({"text": record.text, **fields(prediction, self._ranking), **explained}) + "\n"
        if self._label_only:
            return f"{prediction.label}\n"
        # A terminal would obey control characters, and tabs and line ends would be taken for separators.
        text = record.text
        if not text.isprintable():
            text = text.translate({ord(char): " " for char in set(text) if not char.isprintable()})
        further = self._ranking.cells(prediction, 4) if self._ranking else []
        start = "\t".join([prediction.label, f"{prediction.score:.4f}", *further, prediction.engine, ""])
        if self._width is not None:
            most = max(self._width - len(start.expandtabs()) - 1, 10)
            text = text if len(text) <= most else f"{text[: most - 1]}\u2026"
        line = f"{start}{text}\n"
        if self.explain is None:
            return line
        from edgetext.command.explained import may_colour, show_explanation

        return line + show_explanation(self.explain(record.text), colour=may_colour(self._width is not None))
