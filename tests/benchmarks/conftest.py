"""Fixtures of the benchmarks' tests. This folder has no __init__.py: it would hide the package it tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetext.bundle.manifest import MANIFEST
from edgetext.bundle.opening import DEFAULT_BUNDLE

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
    folder = Path(DEFAULT_BUNDLE)
    if not (folder / MANIFEST).exists():
        pytest.skip("no bundle ships yet: python export/to_tflite.py writes it")
    return folder


@pytest.fixture(scope="session")
def default_run(default_bundle: Path) -> Path:
    """The run that the shipped bundle was exported from."""
    folder = ROOT / "train" / "default"
    if not (folder / "model.keras").exists():
        pytest.skip("no default run is there: python -m train writes it")
    return folder


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten labelled texts as JSON lines."""
    path = tmp_path_factory.mktemp("texts") / "labelled.jsonl"
    rows = ({"id": f"r{i}", "label": label, "text": text} for i, (label, text) in enumerate(REVIEWS))
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def _environment(changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "processor": "Some Processor",
        "machine": "x86_64",
        "cores": 2,
        "system": "Debian",
        "python": "CPython 3.11.2",
        "edgetext": "0.1.0",
        "date": "2026-11-22",
        "emulated": False,
        **changes,
    }


COMMON = {
    "bundle": {"name": "imdb-tutorial", "model_sha256": "0" * 64},
    "texts": {"source": "test reviews", "reviews": 2000, "available": 25000, "median_words": 175},
}

Maker = Callable[..., dict[str, Any]]


@pytest.fixture
def make_accuracy() -> Maker:
    """Make accuracy results of two files."""

    def make(**changes: Any) -> dict[str, Any]:
        def row(recipe: str, size: int, accuracy: float) -> dict[str, Any]:
            return {
                "engine": "tflite",
                "recipe": recipe,
                "file": f"model.{recipe}.tflite",
                "size": size,
                "runtime": "ai-edge-litert 2.3.0",
                "seconds": 1.0,
                "accuracy": accuracy,
                "calibration_error": 0.0123,
                "drop_points": round(100 * (0.876 - accuracy), 4),
                "labels_changed": 20,
                "labels_as_first": 0.998,
                "max_difference": 0.01,
                "mean_difference": 0.001,
                "short_accuracy": 0.62,
                "short_labels_changed": 40,
            }

        return {
            "kind": "accuracy",
            "command": "python benchmarks/accuracy.py",
            "environment": _environment({}),
            **COMMON,
            "keras": {"accuracy": 0.876, "calibration_error": 0.01, "short_accuracy": 0.625},
            "rows": [row("dynamic", 164_000, 0.8755), row("float32", 643_000, 0.876)],
            **changes,
        }

    return make


@pytest.fixture
def make_latency() -> Maker:
    """Make latency results: ``make({"processor": "Pi"}, recipes=["dynamic"], median=40.0)``."""

    def make(
        environment: dict[str, Any] | None = None,
        *,
        recipes: tuple[str, ...] = ("dynamic", "float32"),
        runtime: str = "ai-edge-litert 2.3.0",
        median: float = 37.0,
        quick: bool = False,
        **changes: Any,
    ) -> dict[str, Any]:
        times = {"median_us": median, "p95_us": 2 * median, "p99_us": 3 * median, "ratio": 4.2, "calls": 3000}
        rows = [
            {
                "engine": "tflite",
                "recipe": recipe,
                "file": f"model.{recipe}.tflite",
                "size": 164_000,
                "runtime": runtime,
                "load_ms": 98.0,
                "first_us": 92.0,
                "peak_mb": 49.0,
                "startup": {"median_ms": 148.0, "empty_ms": 12.0, "ratio": 12.3, "runs": 10},
                "text_to_label": times,
                "model_only": {**times, "median_us": 9.0},
                "yardstick": {**times, "median_us": 8.8},
                "texts_per_second": {"1": 22_000, "32": 25_000, "256": 24_000},
            }
            for recipe in recipes
        ]
        return {
            "kind": "latency",
            "command": "python benchmarks/latency.py",
            "environment": _environment(environment or {}),
            **COMMON,
            "protocol": {"quick": quick},
            "rows": rows,
            **changes,
        }

    return make
