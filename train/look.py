"""Show the movie reviews as the network sees them: counts, lengths, and one review as words, ids and padded ids.

Examples:
  python -m train.look                             # the first review of the training split
  python -m train.look --review train/pos/0_9.txt
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from edgetext.command import OK
from edgetext.command.arguments.parser import Parser
from edgetext.encoder import Encoder
from edgetext.text import PAD_ID
from train.command import finish
from train.dataset import DataError, LabelledText
from train.encoding.vocabulary import build_vocabulary, survey_texts
from train.models.presets import DEFAULT_PRESET, PRESETS, Preset
from train.reviews.layout import LABELS, SPLITS, add_data_argument


def show_split(name: str, reviews: Sequence[LabelledText], encoder: Encoder) -> None:
    """Print a split's counts by label, the lengths of its reviews in tokens, and the mean share of known words."""
    if not reviews:
        print(f"{name}: no reviews")
        return
    counts = Counter(review.label for review in reviews)
    labels = ", ".join(f"{counts[label]:,} {label}" for label in LABELS if counts[label]) or "unlabelled"
    tokenize = encoder.preprocessing.rules.tokenize
    lengths = sorted(len(tokenize(review.text)) for review in reviews)
    ranks = {percent: max(0, round(percent / 100 * len(lengths)) - 1) for percent in (10, 50, 90, 99, 100)}
    print(f"{name}: {len(reviews):,} reviews, {labels}")
    print(
        f"  tokens: mean {sum(lengths) / len(lengths):.0f}; "
        + ", ".join(f"{percent} % have at most {lengths[rank]:,}" for percent, rank in ranks.items())
    )
    known = sum(encoder.known(encoder.truncate(review.text)) for review in reviews) / len(reviews)
    print(f"  known words: {known:.1%} of a review")


def show_review(review: LabelledText, encoder: Encoder) -> None:
    """Print a review in each form that it takes on its way into the network."""
    ids, padded = encoder.ids(review.text), encoder.encode(review.text)
    print(f"\n{review.id}: {review.label or 'unlabelled'}\n\ntext\n{review.text}")
    print(f"\nids, {len(ids)} of them: 1 is the start, 2 a word outside the vocabulary")
    print(*ids)
    print(f"\nids decoded\n{encoder.vocabulary.decode(ids)}")
    padding = padded.count(PAD_ID)
    print(f"\npadded to {len(padded)} ids, {padding} of them padding: the input of the network")
    print(*padded)


def show(source: str | None, preset: Preset, chosen: str | None) -> int:
    """Print the splits, the vocabulary, and the review that is chosen by its id, or the first.

    Raises:
        DataError: If the reviews cannot be read, or there is no such review.
    """
    from train.reviews.dataset import load_split  # its packages may be missing

    splits = {name: load_split(name, source) for name in SPLITS}
    reviews = {review.id: review for split in splits.values() for review in split}
    first = next(iter(reviews))
    if chosen is not None and chosen not in reviews:
        raise DataError(f"no review is called {chosen!r}; one is called {first!r}")
    rules = preset.preprocessing.rules
    words = survey_texts((review.text for review in splits["train"]), rules).words
    vocabulary = build_vocabulary(words, preset.vocabulary_size, rules=rules)
    encoder = Encoder(vocabulary, preset.preprocessing)
    for name, split in splits.items():
        show_split(name, split, encoder)
    print(f"vocabulary: {len(vocabulary):,} ids; the most frequent words are {', '.join(vocabulary.tokens[4:14])}")
    show_review(reviews[chosen or first], encoder)
    return OK


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = Parser(
        prog="python -m train.look", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_argument(parser)
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default=DEFAULT_PRESET,
        help="the preset whose preprocessing is shown (default: %(default)s)",
    )
    parser.add_argument(
        "--review", metavar="ID", help="the review to show, such as train/pos/0_9.txt (default: the first)"
    )
    args = parser.parse_args(argv)

    return finish(lambda: show(args.data, PRESETS[args.preset], args.review), extra="train", output_only=True)


if __name__ == "__main__":
    sys.exit(main())
