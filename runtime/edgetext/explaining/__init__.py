"""``Explanation``: which parts of a text decided its label, and by how much.

The networks of words and n-grams add up a weight for each, so the effect of each part is exact: the effects and the
bias add up to the logit.
"""

from __future__ import annotations

from edgetext.explaining.parts import KINDS, Columns, Part
from edgetext.prediction import SHOWN, as_count, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["KINDS", "NOTHING_KNOWN", "Columns", "Explanation", "Part", "check_label", "choose_labels"]


NOTHING_KNOWN = "The model knows no word of this text and gives the shares of the labels in training."


class Explanation:
    """Why a text gets a label rather than another one.

    Attributes:
        text: The text.
        label: The label that is explained.
        against: The label that it is compared with.
        logit: The difference of the two labels' logits, which is the logarithm of the quotient of their probabilities:
            above 0 if ``label`` is the more probable one.
        bias: What the model adds to every text. For a text of which nothing is known it is the logit.
    """

    __slots__ = ("_columns", "against", "bias", "label", "logit", "text")

    def __init__(self, text: str, label: str, against: str, logit: float, bias: float, columns: Columns) -> None:
        self.text = text
        self.label = label
        self.against = against
        self.logit = logit
        self.bias = bias
        self._columns = columns

    @property
    def parts(self) -> list[Part]:
        """All parts that the model read: its words, then pairs, triples and characters, each in the order of the text.

        Their effects and ``bias`` add up to ``logit``, except for rounding.
        """
        return self._columns.make_parts(self.text)

    @property
    def knows_words(self) -> bool:
        """Whether the model knows something of the text; else it gives the shares of the labels in training."""
        return any(self._columns.effects) or "word" in self._columns.kinds

    def strongest(self, count: int) -> list[Part]:
        """Return at most ``count`` parts, those with the largest effects for or against the label first.

        Raises:
            TypeError: If ``count`` is not a whole number.
            ValueError: If ``count`` is less than 1.
        """
        kinds, starts, ends, effects = self._columns
        from heapq import nlargest

        count, sizes = as_count("count", count), list(map(abs, effects))
        least = min(nlargest(count, sizes), default=0.0)
        found = [
            Part(kinds[place], self.text[starts[place] : ends[place]], starts[place], ends[place], effects[place])
            for place, size in enumerate(sizes)
            if size >= least and size
        ]
        return sorted(found, key=lambda part: -abs(part.effect))[:count]

    def by_word(self) -> list[Part]:
        """Return the words in the order of the text, each with its share of everything that it is part of.

        The effect of a pair, triple or run is divided among its words equally. These effects and ``bias`` add up to
        ``logit``, too.
        """
        kinds, starts, ends, effects = self._columns
        count = kinds.count("word") + kinds.count("unknown")
        first_at = dict(zip(starts[:count], range(count)))
        last_at = dict(zip(ends[:count], range(count)))
        shared, beyond = effects[:count], Columns([], [], [], [])
        for kind, start, end, effect in list(zip(*self._columns))[count:]:
            first, last = first_at.get(start), last_at.get(end, count - 1)
            if first is None:  # a run beyond the words that are read
                beyond.add([kind], [start], [end], [effect])
                continue
            for place in range(first, last + 1):
                shared[place] += effect / (last + 1 - first)
        words = self._columns.make_parts(self.text, shared)
        return words + beyond.make_parts(self.text)

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes by name, the parts as dictionaries too, ready for JSON."""
        return {
            **{name: getattr(self, name) for name in ("label", "against", "logit", "bias")},
            "parts": [part._asdict() for part in self.parts],
        }

    def to_html(self) -> str:
        """Return the text as a fragment of HTML, its words coloured by their effects, without scripts; see ``html``."""
        from edgetext.explaining.html import write_html

        note = None if self.knows_words else NOTHING_KNOWN
        return write_html(self.text, self.by_word(), self.label, self.against, note)

    def __repr__(self) -> str:
        parts = ", ".join(map(repr, self.strongest(3)))
        return (
            f"Explanation(label={self.label!r}, against={self.against!r}, logit={self.logit:.4f}, strongest=[{parts}])"
        )


def choose_labels(labels: Sequence[str], logits: Sequence[float], label: str | None) -> tuple[int, int]:
    """Return the indices of the label to explain and of the one to compare it with: the most probable other one.

    Raises:
        ValueError: If there is no such label.
    """
    order = sorted(range(len(labels)), key=lambda index: -logits[index])
    chosen = order[0] if label is None else labels.index(check_label(labels, label))
    return chosen, next(index for index in order if index != chosen)


def check_label(labels: Sequence[str], label: str) -> str:
    """Return a label; raise ValueError if it is none of ``labels``."""
    if label not in labels:
        known = shorten([repr(label) for label in labels[:SHOWN]], len(labels))
        raise ValueError(f"the model has no label {label!r}; it has {known}")
    return label
