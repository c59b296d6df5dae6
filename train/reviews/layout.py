"""What the archive of the movie reviews contains, and the option that names it."""

from __future__ import annotations

import argparse

DATA_VARIABLE = "EDGETEXT_DATA"
# The labels in the order of the model's outputs: a single output is the probability of the second.
LABELS = ("negative", "positive")
UNSUP = "unsup"
SPLITS = ("train", "test", UNSUP)
# Folder in the archive: split, label, and the number of reviews published in it.
FOLDERS: dict[str, tuple[str, str | None, int]] = {
    **{
        f"{split}/{short}": (split, label, 12_500)
        for split in SPLITS[:2]
        for short, label in zip(("neg", "pos"), LABELS)
    },
    "train/unsup": (UNSUP, None, 50_000),
}
# Files in the archive whose line n is the address of the movie of review n of a folder.
ADDRESSES = {f"{split}/urls_{short}.txt": f"{split}/{short}" for split in SPLITS[:2] for short in ("neg", "pos")}


def add_data_argument(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Add ``--data``; ``more`` ends its help text."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        help=f"the archive aclImdb_v1.tar.gz or its unpacked folder (default: ${DATA_VARIABLE}, else downloaded){more}",
    )
