"""A fake engine, for testing code that uses a Classifier without a model or an interpreter."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class FakeEngine:
    """An engine whose answers are computed by a function of the ids.

    Attributes:
        batches: The number of texts of each call so far.
    """

    name = "fake"
    runtime = "fake"
    accepts_unpadded = False
    takes_text = False
    vocabulary_size: int | None = None

    def __init__(self, answer: Callable[[Sequence[int]], list[float]], num_outputs: int = 1) -> None:
        """Use a function from ids to ``num_outputs`` probabilities."""
        self.answer = answer
        self.num_outputs = num_outputs
        self.batches: list[int] = []

    def predict(self, encoded: Sequence[Sequence[int]]) -> list[list[float]]:
        """Score encoded texts; see ``edgetext.engines.protocol.Engine``."""
        self.batches.append(len(encoded))
        return [self.answer(ids) for ids in encoded]
