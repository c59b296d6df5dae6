"""Fixtures of the benchmarks' tests. This folder has no __init__.py: it would hide the package it tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetext.bundle import DEFAULT_BUNDLE

ROOT = Path(__file__).resolve().parent.parent.parent

REVIEWS = (
    ("positive", "What a wonderful film! The cast is superb and I loved the ending."),
    ("negative", "Boring, badly acted and far too long; the worst two hours of my year."),
    ("positive", "Great fun from start to finish. Café scenes to die for, and a brilliant score."),
    ("negative", "The plot is a mess, the jokes are awful, and I want my money back."),
    ("positive", "A touching story, beautifully shot, with an excellent performance by the boy."),
    ("negative", "Terrible script, dull direction, and a waste of a fine actress. Avoid it."),
    ("positive", "great movie"),
    ("negative", "poor and pointless"),
    ("positive", "The best thing I have seen all year; funny, moving and perfectly acted. " * 30),
    ("negative", "Not one scene works, nobody seems to care, and it is ridiculous and lame. " * 30),
)


@pytest.fixture(scope="session")
def default_bundle() -> Path:
    """The bundle that ships."""
    return Path(DEFAULT_BUNDLE)


@pytest.fixture(scope="session")
def default_run() -> Path:
    """The run that the shipped bundle was exported from."""
    return ROOT / "train" / "default"


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten labelled texts as JSON lines."""
    path = tmp_path_factory.mktemp("texts") / "labelled.jsonl"
    rows = ({"id": f"r{i}", "label": label, "text": text} for i, (label, text) in enumerate(REVIEWS))
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Run a benchmark's main function and return the content of its results file."""

    def run(main: Callable[[list[str]], int], *options: str | Path, code: int = 0) -> dict[str, Any]:
        file = tmp_path_factory.mktemp("results") / "results.json"
        words = list(map(str, options))
        place = words.index("--") if "--" in words else len(words)
        assert main([*words[:place], "--json", str(file), *words[place:]]) == code
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found

    return run
