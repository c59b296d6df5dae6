"""Find or download the movie reviews, parse them, and print the path of a split's JSON lines.

Example:
  python -m train.data --split test
"""

from __future__ import annotations

import argparse
import sys

from edgetext.command import OK
from edgetext.command.arguments.parser import Parser
from train.command import finish
from train.reviews.layout import SPLITS, add_data_argument


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = Parser(
        prog="python -m train.data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_argument(parser)
    parser.add_argument("--split", choices=SPLITS, default="test", help="which reviews (default: %(default)s)")
    args = parser.parse_args(argv)

    def work() -> int:
        from train.reviews.cache import prepare  # whose packages may be missing

        print(prepare(args.data) / f"{args.split}.jsonl")
        return OK

    return finish(work, extra="train", interrupted="interrupted: nothing was written")


if __name__ == "__main__":
    sys.exit(main())
