"""The command ``edgetext``. Here are the exit codes of all commands, and the options with what they ask for."""

from __future__ import annotations

import os
import sys

from edgetext.classifier import Classifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetext.command.ranking import Ranking
    from edgetext.tables.dialect import Dialect


# 2 is argparse's own exit code for a wrong command line, 130 the shell's for an interrupt (128 + SIGINT).
OK, MISTAKE, INTERRUPTED = 0, 2, 130


class Options:
    """The options; the class holds the defaults. ``edgetext.command.arguments`` describes them."""

    texts: Sequence[str] = ()
    file: str | None = None
    jsonl: str | None = None
    csv: str | None = None
    tsv: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header: bool = True
    prefix: str = ""
    json: bool = False
    label_only: bool = False
    model: str | None = None
    engine: str = "auto"
    recipe: str | None = None
    threads: int = 1
    threshold: float | None = None
    top_k: int | None = None
    info: bool = False
    doctor: bool = False
    verify: bool = False

    def load_classifier(self) -> Classifier:
        """Load the classifier that the options ask for."""
        return Classifier.load(
            self.model, self.engine, recipe=self.recipe, threads=self.threads, threshold=self.threshold, quiet=True
        )

    def is_table(self) -> bool:
        """Return whether the input is a table: JSON, CSV or TSV."""
        return self.jsonl is not None or self.csv is not None or self.tsv is not None

    def make_dialect(self) -> Dialect:
        """Return what the options say about how the table is written."""
        from edgetext.tables.dialect import CSV, JSON, TSV
        from edgetext.tables.options import make_dialect

        return make_dialect(self, JSON if self.jsonl is not None else CSV if self.csv is not None else TSV)

    def set_up_output(self, classifier: Classifier) -> tuple[int | None, Ranking | None]:
        """Set up standard output, and print the classifier's note if it has one.

        Returns:
            The width of the terminal, None if the output is not one; and the ranking that ``--top-k`` asks for.
        """
        ranking = None
        if self.top_k is not None:
            from edgetext.command.ranking import Ranking

            ranking = Ranking(min(self.top_k, len(classifier.labels)), with_first=self.threshold is not None)
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
        return width, ranking
