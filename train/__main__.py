"""Train a classifier on the movie reviews, or on labelled text of your own, and write a run folder.

Examples:
  python -m train                              the default run, of the preset edge, on the movie reviews
  python -m train --data tickets.csv --text-column body --label-column queue       writes runs/tickets
  python -m train --data aclImdb_v1.tar.gz --out runs/mine --epochs 100 --patience 5
  python -m train.look                         look at the data first
"""

from __future__ import annotations

import argparse
import io
import shlex
import sys
from pathlib import Path
from typing import Any

from edgetext.command.messages import OK
from edgetext.text import LOWERCASES
from train.command import finish
from train.job import make_job
from train.models.presets import DEFAULT_PRESET, PRESETS
from train.reviews.options import add_data_argument
from train.tables.source import add_arguments
from train.tables.table import is_table, stem
from train.tensorflow_setup import import_tensorflow

DEFAULT_RUN = Path(__file__).resolve().parent / "default"
RUNS = Path("runs")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    listing = "\n".join(f"  {name:10s} {preset.about}" for name, preset in PRESETS.items())
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description=f"{__doc__}\npresets:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_argument(parser, "; or a table of labelled text, see below")
    parser.add_argument("--preset", choices=PRESETS, default=DEFAULT_PRESET, help="the network (default: %(default)s)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="the run folder to write (default: train/default of this checkout; of a table runs/NAME, after the file)",
    )
    for name, about in (
        ("epochs", "passes over the training texts, at most"),
        ("batch_size", "texts in a step"),
        ("seed", "of the initial weights, the order of the batches, and whatever else is drawn"),
        ("patience", "stop after so many epochs without a lower validation loss and restore the best weights"),
    ):
        defaults = {key: getattr(preset.settings, name) for key, preset in PRESETS.items()}
        if set(defaults.values()) == {None}:
            shown = "never stop early"
        else:
            shown = ", ".join(f"{value} for {key}" for key, value in defaults.items())
            if name in ("epochs", "batch_size"):
                shown += "; edge goes by the number of texts in a table"
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, metavar="N", type=int, help=f"{about} (default: {shown})")
    sizes = parser.add_argument_group("sizes", "for edge; of a table all are chosen from the texts unless given")
    for name, about in (
        ("vocabulary", "ids in the vocabulary"),
        ("max_length", "ids in a row: longer texts are cut"),
        ("buckets", "rows of the table of bigrams, a power of two"),
    ):
        default = getattr(PRESETS[DEFAULT_PRESET].choices, name)
        option = f"--{name.replace('_', '-')}"
        sizes.add_argument(option, metavar="N", type=int, help=f"{about} (default: {default} for the reviews)")
    sizes.add_argument(
        "--choice",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="try another value of a number in train/models/choices.py; may be repeated",
    )
    own = add_arguments(parser)
    own.add_argument(
        "--target-size",
        metavar="SIZE",
        help="choose the largest tables with which no int8 file is larger than SIZE, such as 100KB",
    )
    own.add_argument(
        "--lowercase",
        choices=LOWERCASES,
        help="which letters to lower-case: ascii, A to Z alone, or unicode, all (default: ascii)",
    )
    own.add_argument(
        "--class-weights",
        choices=("auto", "balanced", "none"),
        help="what a text of a rare class counts (default: auto, more where the rarest class has less than a fifth of "
        "an even share)",
    )
    parser.add_argument(
        "--no-test", action="store_true", help="leave the test texts alone: for trying things, which is to choose"
    )
    args = parser.parse_args(argv)
    table = args.data is not None and is_table(Path(args.data))
    if args.out is None:
        args.out = RUNS / stem(Path(args.data)) if table else DEFAULT_RUN
    if not table:
        _check_reviews(parser, args)
    return args


def _check_reviews(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what is for tables only, and read ``--validation`` as a number."""
    for name in ("text_column", "label_column", "test", "split_seed", "strict", "encoding", "delimiter"):
        if getattr(args, name) is not None:
            parser.error(f"--{name.replace('_', '-')} is for --data FILE, a table; the movie reviews have their own")
    for name in ("target_size", "lowercase", "class_weights"):
        if getattr(args, name) is not None:
            parser.error(f"--{name.replace('_', '-')} is for --data FILE, a table of labelled text")
    if args.validation is not None:
        if not args.validation.isascii() or not args.validation.isdigit():
            parser.error(f"--validation takes a number of the movie reviews, not {args.validation!r}")
        args.validation = int(args.validation)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = parse(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a label need not be in the terminal's encoding
    return finish(
        lambda: work(args), extra="train", mistakes=(ValueError,), interrupted="interrupted: nothing was written"
    )


def work(args: argparse.Namespace) -> int:
    """Train what the command line asks for, and say what came of it."""
    job = make_job(args)  # whose mistakes are told at once, for TensorFlow takes seconds
    import_tensorflow()  # before the pipeline does it less quietly
    from train.pipeline import train

    replaced = args.out.exists()
    metrics = train(job)
    tell(metrics)
    shown = args.out.relative_to(Path.cwd()) if args.out.is_relative_to(Path.cwd()) else args.out
    if replaced:
        print(f"kept what was there as {shown}.previous")
    print(
        f"wrote {shown}; next: python export/to_safetensors.py"
        + ("" if args.out == DEFAULT_RUN else f" --run {shlex.quote(str(shown))}")
    )
    return OK


def tell(metrics: dict[str, Any]) -> None:
    """Print what was measured."""
    for key, about in (
        ("validation", "validation"),
        ("validation_sentences", "validation sentences"),
        ("test", "test"),
    ):
        if found := metrics.get(key):
            positive = f", {found['positive']:.1%} called positive" if key.endswith("sentences") else ""
            print(
                f"{about}: accuracy {found['accuracy']:.2%}, macro F1 {found['macro_f1']:.3f}, loss "
                f"{found['loss']:.4f}, calibration error {found['ece']:.3f}{positive}, of {found['texts']:,}"
            )


if __name__ == "__main__":
    sys.exit(main())
