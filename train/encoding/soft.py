"""The probabilities that texts have in place of labels."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import IO, Any, Protocol

import numpy as np

from train.temporary import open_temporary


class Soft(Protocol):
    """What of encoded texts concerns probabilities; see ``train.encoding.encoded.Encoded``."""

    @property
    def targets(self) -> Any:
        """The index of each label."""

    @property
    def probabilities(self) -> Any:
        """Those of each label, or None."""

    @property
    def is_soft(self) -> Any:
        """Which texts have no label, or None."""


class ProbabilityFile:
    """The probabilities of texts in an anonymous file, which is begun at the first text that has them."""

    def __init__(self, labels: int) -> None:
        self._labels = labels
        self._targets, self._is_soft = array("l"), array("b")
        self._file: IO[bytes] | None = None

    def append(self, target: int, probabilities: Sequence[float] | None) -> None:
        """Add those of a text, 1 for its label if there are none."""
        self._targets.append(target)
        self._is_soft.append(probabilities is not None)
        if probabilities is not None and self._file is None:
            self._file = open_temporary()
            for earlier in self._targets[:-1]:
                self._file.write(self._certain(earlier))
        if self._file is not None:
            row = self._certain(target) if probabilities is None else array("f", probabilities).tobytes()
            self._file.write(row)

    def _certain(self, target: int) -> bytes:
        row = array("f", bytes(4 * self._labels))
        row[target] = 1
        return row.tobytes()

    def read(self) -> dict[str, Any]:
        """Return the two fields of ``Encoded``; none if no text has probabilities."""
        if self._file is None:
            return {}
        self._file.flush()
        shape = len(self._targets), self._labels
        with self._file as file:
            return {
                "probabilities": np.memmap(file, np.float32, "r", shape=shape),
                "is_soft": np.array(self._is_soft, bool),
            }


def join_probabilities(first: Soft, second: Soft) -> dict[str, Any]:
    """Return the fields of probabilities of texts followed by others; none if neither have them."""
    parts = [part for part in (first, second) if part.probabilities is not None]
    if not parts:
        return {}
    certain = np.eye(parts[0].probabilities.shape[1], dtype=np.float32)
    rows, masks = [], []
    for part in (first, second):
        has_any = part.probabilities is not None
        rows.append(part.probabilities if has_any else certain[part.targets])
        masks.append(part.is_soft if has_any else np.zeros(len(part.targets), bool))
    return {"probabilities": np.concatenate(rows), "is_soft": np.concatenate(masks)}
