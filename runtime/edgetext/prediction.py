"""``Prediction``: the result of classifying one text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# The label of a text whose score is too low.
UNCERTAIN = "uncertain"

# The most labels that a repr shows.
SHOWN = 5


class Prediction:
    """The result of classifying one text.

    Attributes:
        label: The most probable label; of two that are equally probable, the first in the bundle's order.
            ``UNCERTAIN`` if the classifier's threshold or limits say so; ``top(1)`` still returns it.
        score: The probability of the most probable label, 0 to 1.
        probabilities: The probability of each label, in the bundle's order. They sum to 1, except for rounding: a
            TensorFlow Lite model that computes in int8 to the end rounds each to 1/256, down to 0 where many share.
        engine: The name of the engine that computed them.
        known: The share of the text's words that are in the model's vocabulary, 0 to 1; 0.0 for a text without words.
            Only words that the model reads count, not those after the maximum length. The lower it is, the less the
            text had to do with the score.
    """

    __slots__ = ("engine", "known", "label", "probabilities", "score")

    def __init__(
        self, label: str, score: float, probabilities: dict[str, float], engine: str, known: float = 1.0
    ) -> None:
        self.label = label
        self.score = score
        self.probabilities = probabilities
        self.engine = engine
        self.known = known

    def top(self, k: int) -> list[tuple[str, float]]:
        """Return the ``k`` most probable labels, or all if there are fewer, with their probabilities.

        The most probable comes first; equally probable ones are in the bundle's order.

        Raises:
            TypeError: If ``k`` is not a whole number.
            ValueError: If ``k`` is less than 1.
        """
        return sorted(self.probabilities.items(), key=lambda item: -item[1])[: as_count("k", k)]

    def as_dict(self) -> dict[str, Any]:
        """Return copies of the five attributes by name, ready for JSON.

        Returns:
            ``label`` str, ``score`` float from 0 to 1, ``probabilities`` dict of a float for each label, in the
            bundle's order, ``engine`` str and ``known`` float from 0 to 1: the fields that ``classify.py --json`` adds
            to each text.
        """
        own = {"label": self.label, "score": self.score, "probabilities": dict(self.probabilities)}
        return {**own, "engine": self.engine, "known": self.known}

    def __repr__(self) -> str:
        probabilities = [f"{label!r}: {probability:.4f}" for label, probability in self.top(SHOWN)]
        return (
            f"Prediction(label={self.label!r}, score={self.score:.4f}, "
            f"probabilities={{{shorten(probabilities, len(self.probabilities))}}}, engine={self.engine!r}, "
            f"known={self.known:.4f})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.label, self.score, self.probabilities, self.engine, self.known)

    def __eq__(self, other: object) -> bool:
        return self.as_dict() == other.as_dict() if isinstance(other, Prediction) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by value, and holds a dict


def shorten(items: Sequence[str], count: int) -> str:
    """Return the first ``SHOWN`` of ``count`` items for a repr, and how many there are in all."""
    return ", ".join([*items[:SHOWN], *([f"... ({count} in all)"] if count > SHOWN else [])])


def as_count(name: str, value: Any) -> int:
    """Return an argument that is a whole number of at least 1, of any type of integers.

    Raises:
        TypeError: If it is not a whole number.
        ValueError: If it is less than 1.
    """
    try:
        count: int = value.__index__()
    except (AttributeError, TypeError):
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}")
    return count


def check_share(name: str, value: Any) -> None:
    """Check an argument that is a share, such as the lowest score at which a prediction gets a label; None is allowed.

    Raises:
        TypeError: If it is not a number.
        ValueError: If it is not from 0 to 1.
    """
    if value is None:
        return
    if type(value).__name__ in ("bool", "bool_") or not hasattr(value, "__float__"):  # bool_ is numpy's
        raise TypeError(f"{name} must be a number from 0 to 1, not {value!r}")
    if not 0.0 <= value <= 1.0:  # false for NaN too
        raise ValueError(f"{name} must be from 0 to 1, not {value}")
