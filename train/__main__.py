"""Train a classifier on the movie reviews and write a run folder.

Examples:
  python -m train                              the default run, from the published recipe
  python -m train --data aclImdb_v1.tar.gz --out runs/mine --epochs 100 --patience 5
  python -m train.look                         look at the data first
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgetext.errors import describe
from edgetext.quiet import import_tensorflow
from train import data
from train.presets import PRESETS
from train.settings import Settings

DEFAULT_RUN = Path(__file__).resolve().parent / "default"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data.add_argument(parser)
    parser.add_argument("--preset", choices=PRESETS, default="tutorial", help="the network (default: %(default)s)")
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
        ("seed", "of the initial weights and the order of the batches"),
        ("patience", "stop after so many epochs without a lower validation loss and restore the best weights"),
        ("validation", "training reviews set aside to validate"),
    ):
        default = getattr(defaults, name)
        shown = "never stop early" if default is None else default
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, metavar="N", type=int, default=default, help=f"{about} (default: {shown})")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = parse(argv)
    try:
        settings = Settings(args.epochs, args.batch_size, args.seed, args.patience, args.validation)
        import_tensorflow()  # before the pipeline does it less quietly
        from train.pipeline import train

        replaced = args.out.exists()
        metrics = train(args.preset, settings, args.data, args.out)
    except ImportError as error:
        print(f"error: {error.name} is not installed: pip install -e '.[train]'", file=sys.stderr)
        return 2
    except (data.DataError, ValueError, OSError) as error:
        print(f"error: {describe(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    validation, test = metrics["validation"], metrics["test"]
    print(f"validation accuracy {validation['accuracy']:.2%}, loss {validation['loss']:.4f}: choose by this one")
    print(f"test accuracy {test['accuracy']:.2%}, loss {test['loss']:.4f} on {test['reviews']:,} reviews")
    shown = args.out.relative_to(Path.cwd()) if args.out.is_relative_to(Path.cwd()) else args.out
    if replaced:
        print(f"kept what was there as {shown}.previous")
    print(f"wrote {shown}; next: python export/to_tflite.py" + ("" if args.out == DEFAULT_RUN else f" --run {shown}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
