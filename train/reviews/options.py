"""The option that every command over the movie reviews has."""

from __future__ import annotations

import argparse

DATA_VARIABLE = "EDGETEXT_DATA"


def add_data_argument(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Add ``--data``.

    Args:
        parser: The command's parser.
        more: What else the option accepts, for its help text.
    """
    parser.add_argument(
        "--data",
        metavar="PATH",
        help=f"the archive aclImdb_v1.tar.gz or its unpacked folder (default: ${DATA_VARIABLE}, else downloaded){more}",
    )
