"""``Explanation``: which parts of a text decided its label, and by how much.

The networks of words and n-grams add up a weight for each, so the effect of each part is exact: the effects and the
bias add up to the logit.
"""

from __future__ import annotations

from edgetext.explaining.parts import KINDS, Part
from edgetext.prediction import SHOWN, as_count, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["KINDS", "Explanation", "Part", "check_label", "choose_labels"]


class Explanation:
    """Why a text gets a label rather than another one.

    Attributes:
        text: The text.
        label: The label that is explained.
        against: The label that it is compared with.
        logit: The difference of the two labels' logits, which is the logarithm of the quotient of their probabilities:
            above 0 if ``label`` is the more probable one.
        bias: What the model adds to every text. For a text of which nothing is known it is the logit.
        parts: All parts that the model read: its words, then pairs, triples and characters, each in the order of the
            text. Their effects and ``bias`` add up to ``logit``, except for rounding.
    """

    __slots__ = ("against", "bias", "label", "logit", "parts", "text")

    def __init__(self, text: str, label: str, against: str, logit: float, bias: float, parts: list[Part]) -> None:
        self.text = text
        self.label = label
        self.against = against
        self.logit = logit
        self.bias = bias
        self.parts = parts

    def strongest(self, count: int) -> list[Part]:
        """Return at most ``count`` parts, those with the largest effects for or against the label first.

        Raises:
            TypeError: If ``count`` is not a whole number.
            ValueError: If ``count`` is less than 1.
        """
        parts = [part for part in self.parts if part.effect]
        return sorted(parts, key=lambda part: -abs(part.effect))[: as_count("count", count)]

    def by_word(self) -> list[Part]:
        """Return the words in the order of the text, each with its share of everything that it is part of.

        The effect of a pair, triple or run is divided among its words equally. These effects and ``bias`` add up to
        ``logit``, too.
        """
        words = [part for part in self.parts if part.kind in ("word", "unknown")]
        effects = [word.effect for word in words]
        place_of = {word.start: number for number, word in enumerate(words)}
        for part in self.parts[len(words) :]:
            if part.start not in place_of:  # a run beyond the words that are read
                words.append(part)
                effects.append(part.effect)
                continue
            first = last = place_of[part.start]
            while last + 1 < len(words) and part.start < words[last + 1].end <= part.end:
                last += 1
            for number in range(first, last + 1):
                effects[number] += part.effect / (last + 1 - first)
        shared = [word._replace(effect=effect) for word, effect in zip(words, effects)]
        return sorted(shared, key=lambda word: word.start)

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes by name, the parts as dictionaries too, ready for JSON."""
        return {
            **{name: getattr(self, name) for name in ("label", "against", "logit", "bias")},
            "parts": [part._asdict() for part in self.parts],
        }

    def to_html(self) -> str:
        """Return the text as a fragment of HTML, its words coloured by their effects, without scripts; see ``html``."""
        from edgetext.explaining.html import write_html

        return write_html(self.text, self.by_word(), self.label, self.against)

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
