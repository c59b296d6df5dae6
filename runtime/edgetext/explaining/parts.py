"""``Part``: a part of a text with its effect."""

from __future__ import annotations

from typing import NamedTuple

# The kinds of parts. A pair or triple is one of neighbouring words; "beginning" is one of the start of the text and the
# first word or two. "characters" are those of an unknown word, or of neighbouring letters that are words of their own.
KINDS = ("word", "unknown", "pair", "triple", "characters", "beginning")


class Part(NamedTuple):
    """A part of a text with its effect.

    Attributes:
        kind: One of ``KINDS``.
        text: The part as it stands in the text.
        start: Where it begins in the text, in code points from 0.
        end: Where it ends.
        effect: What it adds to the logit; above 0 it speaks for the label.
    """

    kind: str
    text: str
    start: int
    end: int
    effect: float
