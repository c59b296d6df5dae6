"""What ``--top-k`` adds to each form of output: further labels with their scores."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgetext.prediction import Prediction

# The name of the field in JSON.
FIELD = "top"


class Ranking:
    """The most probable labels of each prediction.

    Lines and CSV already have a label and its score, and get those from rank 2 on. With a threshold that label may be
    ``edgetext.UNCERTAIN``, so they get the one of rank 1 too. JSON always gets all.
    """

    def __init__(self, count: int, with_first: bool) -> None:
        self._count = count
        self._skipped = 0 if with_first else 1
        ranks = range(self._skipped + 1, count + 1)
        # The names of the cells that ``cells`` returns.
        self.columns = [f"{kind}_{rank}" for rank in ranks for kind in ("label", "score")]

    def cells(self, prediction: Prediction, decimals: int) -> list[str]:
        """Return the labels and their scores in turn."""
        ranked = prediction.top(self._count)[self._skipped :]
        return [cell for label, score in ranked for cell in (label, f"{score:.{decimals}f}")]

    def field(self, prediction: Prediction) -> dict[str, Any]:
        """Return the JSON field with the labels and their scores, by its name."""
        return {FIELD: [{"label": label, "score": score} for label, score in prediction.top(self._count)]}
