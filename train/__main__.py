"""Train a classifier on your own labelled text, or on the movie reviews, and write a run folder.

Examples:
  python -m train --data tickets.csv --text-column body --label-column queue       writes runs/tickets
  python -m train                              the default run: the preset edge on the movie reviews
  python -m train --preset accurate            another preset on the same reviews, writes runs/accurate
  python -m train --data aclImdb_v1.tar.gz --out runs/mine --epochs 100 --patience 5
  python -m train.look                         look at the reviews first
"""

from __future__ import annotations

import argparse
import io
import shlex
import sys
from pathlib import Path

from edgetext.command import OK
from edgetext.command.arguments.parser import Parser, refuse_empty
from edgetext.keras_imdb import LOWERCASES
from edgetext.tables.options import NAMES, show_option
from train.atomic_folder import check_replaceable
from train.command import finish
from train.models.choices import WORD_NGRAMS
from train.models.file_sizes import TARGETS
from train.models.presets import DEFAULT_PRESET, PRESETS
from train.reviews.layout import add_data_argument
from train.run_folder import DEFAULT_RUN, RUN_FOLDER
from train.tables.options import add_table_arguments
from train.tables.table import is_archive, is_table, refuse, stem

RUNS = Path("runs")
TEACHERS = ("auto", "none", "vectors")
TOKENIZERS = ("words", "keras-imdb")  # rule sets; a run records the version too


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = parse(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the terminal may be unable to show a label
    return finish(
        lambda: run(args), extra="train", mistakes=(ValueError,), interrupted="interrupted: nothing was written"
    )


def run(args: argparse.Namespace) -> int:
    """Train what the command line asks for, and print what was measured and written."""
    # Packages that are missing are reported by `finish`; mistakes are found before TensorFlow, which takes seconds.
    from train.job import make_job
    from train.tensorflow_setup import import_tensorflow

    job = make_job(args)
    check_replaceable(job.out, RUN_FOLDER, keep_previous=True)
    import_tensorflow()
    from train.metrics import print_metrics
    from train.pipeline import train

    metrics, replaced = train(job)
    print_metrics(metrics)
    shown = job.out.relative_to(Path.cwd()) if job.out.is_relative_to(Path.cwd()) else job.out
    if replaced:
        print(f"kept the previous run as {job.out.resolve() if job.out.is_symlink() else shown}.previous")
    option = "" if job.out == DEFAULT_RUN else f" --run {shlex.quote(str(shown))}"
    if option and replaced:
        option += " --replace"  # there may be a bundle of the previous run
    print(f"wrote {shown}; next: python export/to_safetensors.py{option}")
    return OK


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    listing = "\n".join(f"  {name:10s} {preset.about}" for name, preset in PRESETS.items())
    parser = Parser(
        prog="python -m train",
        description=f"{__doc__}\npresets:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    refuse_empty(parser, Path)
    add_data_argument(parser, "; or a table of labelled text, see below")
    parser.add_argument("--preset", choices=PRESETS, default=DEFAULT_PRESET, help="the network (default: %(default)s)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="the run folder to write (default: train/default of this checkout; runs/PRESET for a preset other than "
        "edge; for a table runs/NAME, after the file)",
    )
    _add_settings(parser)
    parser.add_argument(
        "--teacher",
        choices=TEACHERS,
        help="whether to learn from unlabelled texts, by a teacher on document vectors: none, vectors, or auto, if "
        "that helps on validation (default: auto)",
    )
    _add_rules(parser)
    _add_sizes(parser)
    _add_table_options(parser)
    about_test = "hold the test texts back, but do not evaluate on them (use while tuning)"
    parser.add_argument("--no-test", action="store_true", help=about_test)
    args = parser.parse_args(argv)
    table = args.data is not None and is_table(Path(args.data))
    if args.out is None:
        shipped = DEFAULT_RUN if args.preset == DEFAULT_PRESET else RUNS / args.preset
        args.out = RUNS / stem(Path(args.data)) if table else shipped
    if not table:
        _check_reviews(parser, args)
    return args


def _add_settings(parser: argparse.ArgumentParser) -> None:
    for name, about in (
        ("epochs", "maximum number of passes over the training texts"),
        ("batch_size", "number of texts in a step"),
        ("seed", "seed of the initial weights, the order of the batches, and everything else that is random"),
        ("patience", "stop after N epochs without a lower validation loss, and restore the best weights"),
    ):
        defaults = {key: getattr(preset.settings, name) for key, preset in PRESETS.items()}
        if set(defaults.values()) == {None}:
            shown = "never stop early"
        else:
            shown = ", ".join(f"{value} for {key}" for key, value in defaults.items())
            if name in ("epochs", "batch_size"):
                shown += "; edge and accurate on a table: chosen from the number of texts"
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, metavar="N", type=int, help=f"{about} (default: {shown})")


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tokenizer",
        choices=TOKENIZERS,
        help="how text is split into words: words (text of any script as people type it) or keras-imdb (at spaces and "
        "ASCII punctuation; lower-cases A to Z) (default: words, for tutorial keras-imdb)",
    )
    parser.add_argument(
        "--marks",
        choices=("on", "off"),
        help="with --tokenizer words: whether !, ? and emoticons are words (default: off for the reviews; with a "
        "table, on if cross-validation finds them useful)",
    )
    parser.add_argument(
        "--characters",
        choices=("auto", "on", "off"),
        help="with --tokenizer words: whether character n-grams stand for unknown words, and for words in scripts "
        "without spaces (default: off for the reviews; with a table auto, on if cross-validation finds them useful)",
    )


def _add_sizes(parser: argparse.ArgumentParser) -> None:
    sizes = parser.add_argument_group(
        "sizes", "for the presets edge and accurate; with a table, sizes that are not given are chosen from the texts"
    )
    for name, about in (
        ("vocabulary", "number of ids in the vocabulary"),
        ("max_length", "maximum number of ids of a text; longer texts are truncated"),
        ("buckets", "number of buckets that n-grams of words are hashed into, a power of two"),
    ):
        default = _show_defaults(name)
        option = f"--{name.replace('_', '-')}"
        sizes.add_argument(option, metavar="N", type=int, help=f"{about} (default: {default} for the reviews)")
    sizes.add_argument(
        "--ngrams",
        dest="word_ngrams",
        choices=WORD_NGRAMS,
        type=int,
        help="words of the longest n-grams that have a weight: 2 for bigrams, 3 for trigrams too (default: "
        f"{_show_defaults('word_ngrams')})",
    )
    sizes.add_argument(
        "--target-size",
        metavar="SIZE",
        help="choose the largest model whose int8 files are at most SIZE, such as 100KB, with vocabulary and n-grams",
    )
    sizes.add_argument(
        "--target",
        choices=TARGETS,
        help="the files that --target-size limits: all int8 files, of which TFLite is the largest, or the block for C "
        "in the layout small (default: all)",
    )
    sizes.add_argument(
        "--choice",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="override a value in train/models/choices.py; may be repeated",
    )


def _show_defaults(name: str) -> str:
    """Return what a choice is in each preset that has choices; one value if it is the same in all."""
    values = {preset.name: getattr(preset.choices, name) for preset in PRESETS.values() if preset.choices is not None}
    if len(set(values.values())) == 1:
        return str(next(iter(values.values())))
    return ", ".join(f"{value} with {preset}" for preset, value in values.items())


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    group = add_table_arguments(parser)
    group.add_argument(
        "--unlabelled",
        metavar="FILE",
        type=Path,
        nargs="+",
        action="extend",
        help="files of texts without labels, to learn from as well: tables, of which labels are ignored, or lines of "
        "text; rows of the table whose label is empty are such texts too",
    )
    group.add_argument(
        "--lowercase",
        choices=LOWERCASES,
        help="with --tokenizer keras-imdb: which letters to lower-case, ascii (A to Z only) or unicode (all) "
        "(default: ascii); words lower-cases all",
    )
    group.add_argument(
        "--class-weights",
        choices=("auto", "balanced", "none"),
        help="weights of classes (default: auto, which chooses powers of the balanced weights by macro F1 in "
        "cross-validation, if the rarest class has less than two thirds of an even share; for tutorial none)",
    )


def _check_reviews(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse the options that are for tables only, and parse ``--validation`` as a number."""
    reading = (
        "text_column",
        "label_column",
        "test",
        "split_seed",
        "drop_label",
        "probabilities",
        "strict",
        "unlabelled",
    )
    for name in (*reading, *NAMES, "lowercase", "class_weights"):
        value = getattr(args, name)
        if value is not None and not (name == "header" and value):
            path = None if args.data is None else Path(args.data)
            if path is not None and not path.is_dir() and not is_archive(path):
                parser.error(refuse(path))
            parser.error(f"{show_option(name)} is for --data FILE, a table of labelled text")
    if args.validation is not None:
        if not args.validation.isascii() or not args.validation.isdigit():
            parser.error(f"--validation must be a number of movie reviews, not {args.validation!r}")
        args.validation = int(args.validation)


if __name__ == "__main__":
    sys.exit(main())
