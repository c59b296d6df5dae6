"""Fixtures of the training tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.reviews import cache as cache_module
from train.reviews.dataset import Review, load_split
from train.reviews.layout import SPLITS
from train.tensorflow_setup import import_tensorflow

import_tensorflow()  # with its settings, before a test module imports it without them


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test reach the real address: nothing listens on this one."""
    monkeypatch.setattr(cache_module, "URL", "http://127.0.0.1:9/aclImdb_v1.tar.gz")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the test's own, which is not made yet, and no $EDGETEXT_DATA."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGETEXT_CACHE", str(folder))
    monkeypatch.delenv("EDGETEXT_DATA", raising=False)
    return folder


@pytest.fixture
def tiny(tiny_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tiny reviews those that are found in this process."""
    for name, value in tiny_env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def real_splits(real_env: dict[str, str]) -> dict[str, list[Review]]:
    """The real reviews by split; for tests marked ``data``."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in real_env.items():
            patch.setenv(name, value)
        return {split: load_split(split) for split in SPLITS}
