"""Texts in their temporary file."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import Any

import pytest

from train import temporary
from train.temporary import TextStore


def test_texts_come_back_in_any_order() -> None:
    texts = ["plain", "", "größe 電影 \U0001f3ac", "two\r\nlines", "x" * 200_000, "last"]
    store = TextStore()
    for text in texts:
        store.append(text)
    assert list(store.read(range(6))) == texts
    assert list(store.read([5, 0, 2, 2, 1])) == [texts[place] for place in (5, 0, 2, 2, 1)]
    # Two readers do not disturb each other.
    one, other = store.read(range(6)), store.read([4, 3])
    assert (next(one), next(other)) == (texts[0], texts[4])
    assert (list(one), list(other)) == (texts[1:], [texts[3]])


def test_a_full_disk_is_reported_with_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, content: bytes) -> None:
            raise OSError(errno.ENOSPC, "no space")

    full: Any = Full()
    monkeypatch.setattr(temporary, "open_temporary", lambda: full)
    with pytest.raises(OSError, match="no space") as caught:
        TextStore().append("text")
    assert Path(caught.value.filename) == Path(tempfile.gettempdir())
