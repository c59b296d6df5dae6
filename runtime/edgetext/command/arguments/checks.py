"""Values and combinations of options that are refused."""

from __future__ import annotations

from edgetext.classifier import MAX_THREADS
from edgetext.errors import InputError
from edgetext.tables.options import OF_COLUMNS, show_option

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from edgetext.command import Options

# Options that would be ignored are refused: those that --info, --parquet and their like do not use, and those that are
# given without an option that they belong to.
USES = {
    "info": {"model", "json", "min_accuracy"},
    "doctor": {"model", "json"},
    "verify": {"model"},
    "drift": {"model"},
    "top_words": {"model", "json", "recipe"},
    "parquet": {
        "file",
        "out",
        "workers",
        "prefix",
        "model",
        "engine",
        "recipe",
        "threads",
        "threshold",
        "min_accuracy",
    },
    "serve": {"model", "engine", "recipe", "threads", "threshold", "min_accuracy", "top_k"},
}
NEEDS = {
    "prefix": ("jsonl", "csv", "tsv", "parquet"),
    "out": ("parquet",),
    "workers": ("parquet",),
    **dict.fromkeys(OF_COLUMNS, ("csv", "tsv")),
    "summary_every": ("summary",),
}


def check(parser: argparse.ArgumentParser, options: Options) -> None:
    """Refuse values and combinations that are not allowed, by the parser's ``error``."""
    _check_use(parser, options)
    _check_reading(parser, options)
    if not 1 <= options.threads <= MAX_THREADS:
        parser.error(f"--threads must be from 1 to {MAX_THREADS}")
    if not 1 <= options.workers <= MAX_THREADS:
        parser.error(f"--workers must be from 1 to {MAX_THREADS}")
    if options.parquet is not None and "-" in (options.file or "-", options.out or "-"):
        parser.error("--parquet needs --file, a Parquet file or a folder of them, and --out for the results")
    if options.top_k is not None and options.top_k < 1:
        parser.error("--top-k must be at least 1")
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        parser.error("--threshold must be from 0 to 1")
    if options.min_accuracy is not None and not 0 < options.min_accuracy < 1:
        parser.error("--min-accuracy must be above 0 and below 1, such as 0.95")
    if options.min_accuracy is not None and options.threshold is not None:
        parser.error("--min-accuracy chooses the thresholds: leave out --threshold")
    if options.summary_every is not None and options.summary_every < 1:
        parser.error("--summary-every must be at least 1")
    if options.summary is not None and options.texts:
        parser.error("--summary is for an input, not for texts as arguments")
    if options.texts and (options.file is not None or options.is_table()):
        parser.error("give texts as arguments, or an input with --file PATH, not both")
    if (options.csv is not None or options.tsv is not None) and options.json:
        parser.error("--csv writes CSV; for JSON convert the input to JSON lines and use --jsonl")
    if options.explain and (options.is_table() or options.label_only):
        parser.error(
            "--explain explains texts given as arguments or lines: leave out --jsonl, --csv, --tsv, --label-only"
        )
    if options.label_only and (options.json or options.is_table() or options.top_k):
        parser.error("--label-only prints labels and nothing else: leave out --json, --jsonl, --csv, --tsv and --top-k")


def _check_use(parser: argparse.ArgumentParser, options: Options) -> None:
    """Refuse options that would be ignored, and empty ones, which an unset variable of a shell leaves."""
    given = list(vars(options))  # the class holds the defaults
    for name, used in USES.items():
        if name in given and (unused := [_written(other) for other in given if other not in (name, *used)]):
            parser.error(f"leave out {', '.join(unused)}, which {_written(name)} does not use")
    for name, forms in NEEDS.items():
        if name in given and not any(form in given for form in forms):
            parser.error(f"{_written(name)} is only used with {' or '.join(map(_written, forms))}")
    if options.texts == ["-"]:
        parser.error("'-' is not a text; standard input is read if no text is given, or with --file -")
    for name in ("file", "out", "model", "recipe", "top_words", "summary", "drift", "serve"):
        if getattr(options, name) == "":
            parser.error(f"{_written(name)} is empty: is a variable unset?")


def _written(name: str) -> str:
    return "TEXT" if name == "texts" else show_option(name)


def _check_reading(parser: argparse.ArgumentParser, options: Options) -> None:
    """Refuse values of options for reading that are not possible."""
    if options.encoding is not None and options.texts:
        parser.error("--encoding is for an input, not for texts as arguments")
    try:
        if options.is_table():
            options.make_dialect().check()
        elif options.encoding is not None:
            from edgetext.tables.encoding import check_encoding

            check_encoding(options.encoding)
    except InputError as error:
        parser.error(str(error))
