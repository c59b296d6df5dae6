"""A fake engine, for testing what is built on top of a Classifier without a model or an interpreter."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class FakeEngine:
    """An engine that answers what a function of the row says.

    Attributes:
        batches: The number of rows of each call so far.
    """

    name = "fake"
    runtime = "fake"
    ragged = False
    takes_text = False
    vocabulary_size: int | None = None

    def __init__(self, answer: Callable[[Sequence[int]], list[float]], columns: int = 1) -> None:
        """Take the function: a row of ids to ``columns`` probabilities."""
        self.answer = answer
        self.columns = columns
        self.batches: list[int] = []

    def predict(self, rows: Sequence[Sequence[int]]) -> list[list[float]]:
        """Score rows of ids; see ``edgetext.engines.protocol.Engine``."""
        self.batches.append(len(rows))
        return [self.answer(row) for row in rows]
