"""The command: ``edgetext``, ``python -m edgetext`` and ``runtime/classify.py`` are all this."""

from __future__ import annotations

import argparse
import contextlib
import os
import stat
import sys
from itertools import islice

from edgetext import __version__
from edgetext.errors import EdgetextError, InputError, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from edgetext.classifier import Classifier
    from edgetext.records import Form

# Exit codes: 2 is argparse's own for a wrong command line, 130 the shell's for an interrupt (128 + SIGINT).
OK, MISTAKE, INTERRUPTED = 0, 2, 130

# More threads than any device has cores; some hundred thousand bring the whole machine down.
MAX_THREADS = 256

EXAMPLES = """\
examples:
  %(prog)s "great movie" "a waste of two hours"
  %(prog)s --file reviews.txt --json > scores.jsonl       one text a line
  tail -f feed.jsonl | %(prog)s --jsonl body              other fields are passed through
  %(prog)s --csv review --file reviews.csv > scored.csv
  %(prog)s --model bundles/mine --engine onnx --info

exit codes:
  0    every text was scored
  2    wrong arguments, a missing bundle or engine, or some texts could not be read (the others were scored)
  130  interrupted
"""


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        # The name that was typed, but for `python -m edgetext`.
        prog="edgetext" if os.path.basename(sys.argv[0]) == "__main__.py" else None,
        description="Score texts with a small classifier. Reads standard input, a text a line, when no text is given.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="a text to score")
    source = parser.add_argument_group("input and output")
    source.add_argument("--file", metavar="PATH", help="read this file instead of standard input")
    forms = source.add_mutually_exclusive_group()
    forms.add_argument("--jsonl", metavar="FIELD", help="the input is JSON lines, with the text in FIELD")
    forms.add_argument("--csv", metavar="COLUMN", help="the input is CSV with a header, with the text in COLUMN")
    source.add_argument(
        "--delimiter", metavar="C", default=",", help="between CSV columns; 'tab' for a tab (default: comma)"
    )
    source.add_argument(
        "--prefix", default="", help="put before the names of added fields, for inputs that have a 'label'"
    )
    source.add_argument(
        "--json", action="store_true", help="print a JSON object a text: text, label, score, probabilities, engine"
    )
    model = parser.add_argument_group("model")
    model.add_argument("--model", metavar="DIR", help="the bundle (default: the one that comes with edgetext)")
    model.add_argument(
        "--engine", default="auto", help="auto, tflite or onnx (default: auto, the first that works here)"
    )
    model.add_argument("--recipe", metavar="NAME", help="use this model file of the bundle; --info lists them")
    model.add_argument(
        "--threads", metavar="N", type=int, default=1, help="threads of the engine (default: %(default)s)"
    )
    about = parser.add_argument_group("about")
    about.add_argument("--info", action="store_true", help="tell what the bundle is and how accurate, and stop")
    about.add_argument("--version", action="version", version=f"edgetext {__version__}")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; None takes those of the process.

    Returns:
        The exit code.

    Raises:
        SystemExit: From argparse, for a wrong command line, ``--help`` and ``--version``.
    """
    parser = make_parser()
    try:
        try:
            args = parser.parse_args(argv)
            _check(parser, args)
            return _run(parser, args)
        finally:
            # Here and not at Python's exit, where a failure could only be shown, not handled.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; that is no mistake.
        _abandon_output()
        return OK
    except (EdgetextError, OSError) as error:
        if _was_interrupted(error):
            return INTERRUPTED
        if os.environ.get("EDGETEXT_DEBUG"):
            raise
        _complain(error)
        if isinstance(error, OSError):
            _abandon_output()
        return MISTAKE
    except KeyboardInterrupt:
        _abandon_output()
        return INTERRUPTED


def _check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse combinations that make no sense."""
    if args.delimiter == "tab":
        args.delimiter = "\t"
    if len(args.delimiter) != 1 or args.delimiter in '"\r\n':
        parser.error("--delimiter takes one character, or 'tab'")
    if not 1 <= args.threads <= MAX_THREADS:
        parser.error(f"--threads must be from 1 to {MAX_THREADS}")
    if args.texts and (args.file or args.jsonl is not None or args.csv is not None):
        parser.error("give texts as arguments or as an input, not both")
    if args.csv is not None and args.json:
        parser.error("--csv writes CSV; for JSON convert the input to JSON lines and use --jsonl")


def _run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    if sys.stdout is None:
        raise InputError("standard output is closed")
    if args.info:
        from edgetext.info import print_info

        print_info(args.model, as_json=args.json)
        return OK
    if not args.texts and not args.file and (sys.stdin is None or sys.stdin.isatty()):
        parser.error('no text: give one as an argument ("great movie"), or --file, or pipe lines in')

    from edgetext.classifier import BATCH_SIZE, Classifier
    from edgetext.quiet import muted_stderr

    with _open_input(args) as stream:
        with muted_stderr():
            classifier = Classifier.load(args.model, args.engine, recipe=args.recipe, threads=args.threads)
        # A file is read in batches; what comes down a pipe may be waited for, and is answered text by text.
        is_file = stream is not None and stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        return _score(_choose_form(args, stream), classifier, BATCH_SIZE if is_file else 1)


@contextlib.contextmanager
def _open_input(args: argparse.Namespace) -> Iterator[BinaryIO | None]:
    """Open what the texts come from; None when they are arguments."""
    if args.texts:
        yield None
    elif args.file in (None, "-"):
        if sys.stdin is None:
            raise InputError("standard input is closed")
        yield sys.stdin.buffer
    else:
        with open(args.file, "rb") as file:
            yield file


def _choose_form(args: argparse.Namespace, stream: BinaryIO | None) -> Form:
    """Choose how to read the input and how to write the results, and set standard output up for it."""
    from edgetext.records import Arguments, CSVTable, JSONLines, Lines

    output = sys.stdout
    if args.csv is not None or args.jsonl is not None or args.json:
        # Data for programs is UTF-8 with plain line ends, whatever the terminal is set to.
        output.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        width = None
    else:
        output.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        width = os.get_terminal_size(output.fileno()).columns if output.isatty() else None
    if stream is None:
        return Arguments(args.texts, args.json, width)
    if args.csv is not None:
        return CSVTable(stream, args.csv, args.delimiter, args.prefix)
    if args.jsonl is not None:
        return JSONLines(stream, args.jsonl, args.prefix)
    return Lines(stream, args.json, width)


def _score(form: Form, classifier: Classifier, batch_size: int) -> int:
    """Score all records and print them in order; those that cannot be read go to standard error."""
    unread = wordless = 0
    records = iter(form)
    sys.stdout.write(form.header)
    while batch := list(islice(records, batch_size)):
        texts = [record.text for record in batch if not isinstance(record, InputError)]
        predictions = classifier.classify_many(texts, batch_size)
        for record in batch:
            if isinstance(record, InputError):
                _complain(record)
                unread += 1
            else:
                sys.stdout.write(form.write(record, next(predictions)))
                wordless += not record.text.strip()
        sys.stdout.flush()
    if wordless:
        print(f"note: {wordless} empty texts were scored: what the model answers to nothing", file=sys.stderr)
    return MISTAKE if unread else OK


def _was_interrupted(error: BaseException) -> bool:
    """Tell whether an interrupt is behind an error: native modules turn one that hits their import into ImportError."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _complain(error: Exception) -> None:
    """Print an error as one line."""
    print(f"error: {describe(error)}", file=sys.stderr)


def _abandon_output() -> None:
    """Throw away what standard output still holds, so that Python does not fail over it again at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
