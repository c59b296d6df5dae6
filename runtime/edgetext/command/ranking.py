"""What ``--top-k`` adds to each form of output: the next labels, with their scores.

Only commands with that option import this module.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgetext.classifier import Prediction

# The name of the field that JSON gets.
FIELD = "top"


class Ranking:
    """The most probable labels of each prediction.

    Lines and CSV have a label and its score already, and get those of rank 2 and on. With a threshold that label may be
    ``edgetext.UNCERTAIN``, so that they get the one of rank 1 too. JSON always gets all.

    Attributes:
        columns: The names of what ``cells`` gives.
    """

    def __init__(self, count: int, with_first: bool) -> None:
        """Take how many labels to tell of, and whether lines and CSV tell of the first one too."""
        self._count = count
        self._skipped = 0 if with_first else 1
        ranks = range(self._skipped + 1, count + 1)
        self.columns = [f"{kind}_{rank}" for rank in ranks for kind in ("label", "score")]

    def cells(self, prediction: Prediction, decimals: int) -> list[str]:
        """Give the labels and their scores, one after the other."""
        ranked = prediction.top(self._count)[self._skipped :]
        return [cell for label, score in ranked for cell in (label, f"{score:.{decimals}f}")]

    def field(self, prediction: Prediction) -> dict[str, Any]:
        """Give the labels and their scores as the field of JSON, by its name."""
        return {FIELD: [{"label": label, "score": score} for label, score in prediction.top(self._count)]}
