"""The sample of encoded texts that a run folder holds, so that exporting needs no dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from heapq import nsmallest
from typing import Any

import numpy as np
import numpy.typing as npt

from train.encoding.encoded import Encoded

# TensorFlow Lite's guide recommends 100 to 500 texts to calibrate with. With five hundred to compare, one changed label
# is 0.2 points, and the file stays at some hundred kilobytes.
SIZES = {"calibration": 100, "heldout": 500}


def draw_sample(name: str, encoded: Encoded, text_ids: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
    """Draw texts for a run folder: the first in the order of the SHA-256 of their ids, which is as good as random.

    Args:
        name: ``"calibration"`` or ``"heldout"``.
        encoded: The texts, encoded.
        text_ids: The ids of the same texts.

    Returns:
        Arrays prefixed with ``name``: ``_texts``, the ids of the texts; ``_ids``, their padded token ids (uint8 to
        uint32); and ``_targets``, the indices of their labels (uint8 or uint16).
    """
    digests = ((hashlib.sha256(text_id.encode()).digest(), place, text_id) for place, text_id in enumerate(text_ids))
    drawn = nsmallest(SIZES[name], digests)
    places = np.array([place for _, place, _ in drawn])
    ids, targets = encoded.take(places), encoded.targets[places]
    return {
        f"{name}_texts": np.array([text_id for *_, text_id in drawn]),
        f"{name}_ids": ids.astype(np.min_scalar_type(int(ids.max()))),
        f"{name}_targets": targets.astype(np.min_scalar_type(int(targets.max()))),
    }
