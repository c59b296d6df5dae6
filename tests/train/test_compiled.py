"""Compiled loops where no folder can be written."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from train.fitting.compiled import compiled


def test_without_a_folder_for_the_result() -> None:
    """Numba keeps nothing of a function whose source is in no file, and refuses ``cache=True`` as it does there."""
    names: dict[str, Any] = {}
    exec("def total(values):\n    return values.sum()\n", names)
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(names["total"])
    assert compiled()(names["total"])(np.arange(4)) == 6
