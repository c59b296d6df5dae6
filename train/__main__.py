"""Train a classifier on the movie reviews and write a run folder.

Examples:
  python -m train                              the default run, of the preset edge
  python -m train --data aclImdb_v1.tar.gz --out runs/mine --epochs 100 --patience 5
  python -m train.look                         look at the data first
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgetext.errors import describe
from edgetext.quiet import import_tensorflow
from train import data
from train.presets import DEFAULT_PRESET, PRESETS

DEFAULT_RUN = Path(__file__).resolve().parent / "default"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    listing = "\n".join(f"  {name:10s} {preset.about}" for name, preset in PRESETS.items())
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description=f"{__doc__}\npresets:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data.add_argument(parser)
    parser.add_argument("--preset", choices=PRESETS, default=DEFAULT_PRESET, help="the network (default: %(default)s)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=DEFAULT_RUN,
        help="the run folder to write (default: train/default of this checkout)",
    )
    for name, about in (
        ("epochs", "passes over the training reviews, at most"),
        ("batch_size", "reviews in a step"),
        ("seed", "of the initial weights, the order of the batches, and whatever else is drawn"),
        ("patience", "stop after so many epochs without a lower validation loss and restore the best weights"),
        ("validation", "training reviews set aside to validate"),
    ):
        defaults = {key: getattr(preset.settings, name) for key, preset in PRESETS.items()}
        if set(defaults.values()) == {None}:
            shown = "never stop early"
        else:
            shown = ", ".join(f"{value} for {key}" for key, value in defaults.items())
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, metavar="N", type=int, help=f"{about} (default: {shown})")
    parser.add_argument(
        "--buckets",
        metavar="N",
        type=int,
        help="for edge: rows of the table of bigrams, a power of two (default: 262144)",
    )
    parser.add_argument(
        "--choice",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="for edge: try another value of a number in train/choices.py; may be repeated",
    )
    parser.add_argument(
        "--no-test", action="store_true", help="leave the test reviews alone: for trying things, which is to choose"
    )
    return parser.parse_args(argv)


def make_job(args: argparse.Namespace) -> Any:
    """Put together what to train.

    Raises:
        ValueError: A value is out of range, or the preset does not have it.
    """
    from train.pipeline import Job

    preset = PRESETS[args.preset]
    names = ("epochs", "batch_size", "seed", "patience", "validation")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    changed = args.choice + ([] if args.buckets is None else [f"buckets={args.buckets}"])
    choices = preset.choices
    if choices is not None:
        choices = choices.changed(changed)
    elif changed:
        raise ValueError(f"preset {args.preset} has nothing to choose: --buckets and --choice are for edge")
    return Job(args.preset, replace(preset.settings, **given), choices, args.data, args.out, not args.no_test)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = parse(argv)
    try:
        import_tensorflow()  # before the pipeline does it less quietly
        from train.pipeline import train

        replaced = args.out.exists()
        metrics = train(make_job(args))
    except ImportError as error:
        print(f"error: {error.name} is not installed: pip install -e '.[train]'", file=sys.stderr)
        return 2
    except (data.DataError, ValueError, OSError) as error:
        print(f"error: {describe(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    for key, about in (
        ("validation", "validation"),
        ("validation_sentences", "validation sentences"),
        ("test", "test"),
    ):
        if found := metrics.get(key):
            print(
                f"{about}: accuracy {found['accuracy']:.2%}, loss {found['loss']:.4f}, calibration error "
                f"{found['ece']:.3f}, {found['positive']:.1%} called positive, of {found['reviews']:,}"
            )
    shown = args.out.relative_to(Path.cwd()) if args.out.is_relative_to(Path.cwd()) else args.out
    if replaced:
        print(f"kept what was there as {shown}.previous")
    print(
        f"wrote {shown}; next: python export/to_safetensors.py" + ("" if args.out == DEFAULT_RUN else f" --run {shown}")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
