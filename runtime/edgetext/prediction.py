"""``Prediction``: the result of classifying one text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The label of a text whose score is below the requested threshold.
UNCERTAIN = "uncertain"


class Prediction:
    """The result of classifying one text.

    Attributes:
        label: The most probable label; of two that are equally probable, the first in the bundle's order.
            ``UNCERTAIN`` if its probability is below the classifier's threshold; ``top(1)`` still returns it.
        score: The probability of the most probable label, 0 to 1.
        probabilities: The probability of each label, in the bundle's order. They sum to 1, except for rounding: a
            TensorFlow Lite model that computes in int8 to the end rounds each to 1/256, down to 0 where many share.
        engine: The name of the engine that computed them.
    """

    __slots__ = ("engine", "label", "probabilities", "score")

    def __init__(self, label: str, score: float, probabilities: dict[str, float], engine: str) -> None:
        self.label = label
        self.score = score
        self.probabilities = probabilities
        self.engine = engine

    def top(self, k: int) -> list[tuple[str, float]]:
        """Return the ``k`` most probable labels, or all if there are fewer, with their probabilities.

        The most probable comes first; equally probable ones are in the bundle's order.

        Raises:
            ValueError: If ``k`` is less than 1.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        return sorted(self.probabilities.items(), key=lambda item: -item[1])[:k]

    def as_dict(self) -> dict[str, Any]:
        """Return the four attributes by name, ready for JSON."""
        return {name: getattr(self, name) for name in ("label", "score", "probabilities", "engine")}

    def __repr__(self) -> str:
        return (
            f"Prediction(label={self.label!r}, score={self.score:.4f}, "
            f"probabilities={self.probabilities!r}, engine={self.engine!r})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.label, self.score, self.probabilities, self.engine)

    def __eq__(self, other: object) -> bool:
        return self.as_dict() == other.as_dict() if isinstance(other, Prediction) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal by value, and holds a dict
