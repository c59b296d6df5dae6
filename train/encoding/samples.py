"""The texts that a run folder holds, so that exporting needs no dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from heapq import nsmallest
from typing import Any

import numpy as np
import numpy.typing as npt

from train.dataset import LabelledText
from train.encoding.encoded import Encoded

# TensorFlow Lite's guide recommends 100 to 500 texts to calibrate with. With five hundred to compare, one changed label
# is 0.2 points, and the file stays at some hundred kilobytes.
SAMPLE_SIZES = {"calibration": 100, "heldout": 500}


def draw_sample(name: str, encoded: Encoded, texts: Iterable[LabelledText]) -> dict[str, npt.NDArray[Any]]:
    """Draw the texts that a run folder holds, so that exporting needs no dataset; ``encoded`` has the same texts.

    They are the first in the order of the SHA-256 of their ids, which is as good as random.

    Returns:
        Arrays prefixed with ``name``: ``_texts``, the ids of the texts; ``_ids``, their padded token ids (uint8 to
        uint32); and ``_targets``, the indices of their labels (uint8 or uint16).
    """
    digests = ((hashlib.sha256(text.id.encode()).digest(), place, text.id) for place, text in enumerate(texts))
    drawn = nsmallest(SAMPLE_SIZES[name], digests)
    places = np.array([place for _, place, _ in drawn])
    ids, targets = encoded.take(places), encoded.targets[places]
    return {
        f"{name}_texts": np.array([text_id for *_, text_id in drawn]),
        f"{name}_ids": ids.astype(np.min_scalar_type(int(ids.max()))),
        f"{name}_targets": targets.astype(np.min_scalar_type(int(targets.max()))),
    }


def find_texts(texts: Iterable[LabelledText], ids: npt.NDArray[Any]) -> list[str]:
    """Return the texts with these ids, in the order of the ids."""
    wanted = set(ids.tolist())
    found = {text.id: text.text for text in texts if text.id in wanted}
    return [found[text_id] for text_id in ids.tolist()]
