"""``Part``: a part of a text with its effect; ``Columns``: all parts of a text."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

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


class Columns(NamedTuple):
    """The attributes of all parts, except their texts: an object for each part takes as long as everything else."""

    kinds: list[str]
    starts: list[int]
    ends: list[int]
    effects: list[float]

    def add(self, kinds: list[str], starts: list[int], ends: list[int], effects: list[float]) -> None:
        """Add parts."""
        self.kinds.extend(kinds)
        self.starts.extend(starts)
        self.ends.extend(ends)
        self.effects.extend(effects)

    def make_parts(self, text: str, effects: Sequence[float] | None = None) -> list[Part]:
        """Return the parts of the text, or only the first, with these effects."""
        texts = [text[start:end] for start, end in zip(self.starts, self.ends)]
        # No Python code runs per part: Part._make would take four times as long.
        effects = self.effects if effects is None else effects
        return list(map(_NEW_PART, zip(self.kinds, texts, self.starts, self.ends, effects)))


_NEW_PART = partial(tuple.__new__, Part)
