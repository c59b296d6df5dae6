"""The options of the command, as ``--help`` shows them."""

from __future__ import annotations

import argparse
import os
import sys

from edgetext import __version__
from edgetext.command import Options
from edgetext.command.arguments.parser import Parser
from edgetext.tables.options import add_dialect_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXAMPLES = """\
examples:
  %(prog)s "great movie" "a waste of two hours"
  %(prog)s --file reviews.txt --json > scores.jsonl       one text per line
  tail -f feed.jsonl | %(prog)s --jsonl body              other fields are passed through
  %(prog)s --csv review --file reviews.csv > scored.csv
  %(prog)s --parquet body --file tickets/ --out labelled/ --workers 4
  %(prog)s --serve 8080     then: curl -H 'Content-Type: text/plain' -d 'great movie' localhost:8080
  %(prog)s --explain "not a great movie"
  %(prog)s --min-accuracy 0.95 --file reviews.txt         'uncertain' where the label is too often wrong
  %(prog)s --model bundles/mine --info
  %(prog)s --model bundles/mine --top-words
  if [ "$(%(prog)s --label-only -- "$text")" = positive ]; then echo yes; fi

columns of an output line, separated by tabs:
  label  score  engine  text
  label                                                              with --label-only
  label  score  label_2  score_2  label_3  score_3  engine  text     with --top-k 3

a text that begins with '-' must follow '--':
  %(prog)s -- "-- not a great movie"

exit codes:
  0    every text was scored
  1    with --drift: the texts do not look like the validation texts
  2    wrong arguments, a missing bundle or engine, or some texts could not be read (the others were scored)
  130  interrupted; 143 and 129: ended by SIGTERM or SIGHUP; the output still ends with a complete result
"""


class _CommandParser(Parser):
    def _print_message(self, message: str, file: Any = None) -> None:
        """Print as argparse does, but raise OSError if ``--help`` or ``--version`` cannot be written."""
        if message and file is not None and file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _CommandParser(
        # The name that was typed, except for `python -m edgetext`.
        prog="edgetext" if os.path.basename(sys.argv[0]) == "__main__.py" else None,
        description="Classify texts with a small model. Without TEXT, read standard input, one text per line.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,  # the defaults are in Options
    )
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="a text to classify")
    source = parser.add_argument_group("input and output")
    source.add_argument(
        "--file",
        metavar="PATH",
        help="read this file instead of standard input; lines longer than 16 MiB are refused in both",
    )
    forms = source.add_mutually_exclusive_group()
    forms.add_argument("--jsonl", metavar="FIELD", help="read JSON lines, or an array, with the text in FIELD")
    forms.add_argument("--csv", metavar="COLUMN", help="read CSV with the text in COLUMN")
    forms.add_argument("--tsv", metavar="COLUMN", help="read tab-separated columns with the text in COLUMN")
    forms.add_argument(
        "--parquet",
        metavar="COLUMN",
        help="read the Parquet file that --file names, or all in that folder, with the text in COLUMN, and write them "
        "with labels and scores to --out; needs pyarrow",
    )
    add_dialect_arguments(source)
    source.add_argument(
        "--out",
        metavar="PATH",
        help="with --parquet: the file or folder to write; what was finished before is not done again",
    )
    source.add_argument(
        "--workers", metavar="N", type=int, help=f"with --parquet: processes that score (default: {Options.workers})"
    )
    source.add_argument(
        "--prefix",
        help="prefix for the names of added fields, if the input has a 'label' already",
    )
    source.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object per text: text, label, score, probabilities, engine, known (the share of its words "
        "that the model knows)",
    )
    source.add_argument(
        "--label-only",
        action="store_true",
        help="print the label of each text and nothing else; an empty line if it cannot be read",
    )
    source.add_argument(
        "--explain",
        action="store_true",
        help="show which words, pairs of words and so on decided the label, and by how much; with --json, all of them",
    )
    source.add_argument(
        "--top-k",
        metavar="K",
        type=int,
        help="add the K most probable labels: after the score in lines, as label_2, score_2 and so on in CSV, "
        "as a list 'top' in JSON",
    )
    source.add_argument(
        "--threshold",
        metavar="P",
        type=float,
        help="print the label 'uncertain' if the score is below P, 0 to 1; with this or --min-accuracy, the list of "
        "--top-k in lines and CSV begins with label_1, score_1",
    )
    source.add_argument(
        "--min-accuracy",
        metavar="A",
        type=float,
        help="print the label 'uncertain' where it is not shown that at least this share of such labels is right, "
        "such as 0.95: by the validation texts, with thresholds for each label; --info says how many are answered",
    )
    source.add_argument(
        "--summary",
        metavar="FILE",
        help="at the end of a stream, append counts of labels, scores and known words to FILE, as a JSON line",
    )
    source.add_argument(
        "--summary-every", metavar="N", type=int, help="with --summary: append such a line every N texts, too"
    )
    source.add_argument(
        "--serve",
        metavar="ADDRESS",
        help="answer texts over HTTP, as --json does: a port of 127.0.0.1, HOST:PORT, unix:PATH, or systemd for its "
        "sockets",
    )
    model = parser.add_argument_group("model")
    model.add_argument(
        "--model",
        metavar="PATH",
        help="the bundle, or a single .tflite or .onnx file (default: the bundle that ships with edgetext)",
    )
    model.add_argument(
        "--engine",
        help="auto, builtin, native, tflite or onnx (default: auto, the first that works here, and native for files "
        "from 2 MiB on where it is installed and builtin is the first)",
    )
    model.add_argument("--recipe", metavar="NAME", help="use the model file of this recipe; --info lists them")
    model.add_argument(
        "--threads",
        metavar="N",
        type=int,
        help=f"threads that tflite and onnx use; builtin uses one (default: {Options.threads})",
    )
    about = parser.add_argument_group("about").add_mutually_exclusive_group()
    about.add_argument("--info", action="store_true", help="show bundle metadata and measured accuracy, then exit")
    about.add_argument(
        "--doctor", action="store_true", help="show which engines work here and how to install the others, then exit"
    )
    about.add_argument(
        "--verify", action="store_true", help="compare the checksums of every file of the bundle, then exit with 0 or 2"
    )
    about.add_argument(
        "--drift",
        metavar="FILE",
        help="say whether the texts counted in FILE, which --summary wrote, look like the validation texts, then exit "
        "with 0 if they do, and else with 1",
    )
    about.add_argument(
        "--top-words",
        metavar="LABEL",
        nargs="?",
        const=True,
        help="show the words and pairs of words with the largest weights for LABEL, or for each label, then exit",
    )
    about.add_argument("--version", action="version", version=f"edgetext {__version__}")
    return parser
