"""From reviews to a run folder: the steps of a training, in order."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgetext.folders import check_replaceable
from edgetext.text import Encoder
from train import data, fit, network, run
from train.presets import PRESETS, Preset
from train.settings import Settings
from train.vocabulary import build_vocabulary


def train(preset_name: str, settings: Settings, source: str | None, out: Path) -> dict[str, Any]:
    """Train a preset and write the run folder.

    Returns:
        The metrics that were written.

    Raises:
        data.DataError: The reviews cannot be had.
        ValueError: The settings do not fit the data.
        OSError: The run folder cannot be written.
    """
    check_replaceable(out, run.KIND, keep_previous=True)
    preset = PRESETS[preset_name]
    reviews = data.load_split("train", source)
    fitted, validated = fit.split_validation(reviews, settings.validation)
    encoder = Encoder(
        build_vocabulary((review.text for review in reviews), preset.vocabulary_size), preset.preprocessing
    )
    training, validation = (run.Samples(part, *fit.encode(part, encoder)) for part in (fitted, validated))
    fit.make_reproducible(settings.seed)
    model = getattr(network, preset.network)(len(encoder.vocabulary), preset.preprocessing.max_length)
    print(
        f"preset {preset_name}: {model.count_params():,} parameters, {len(fitted):,} reviews to fit, "
        f"{len(validated):,} to validate",
        flush=True,
    )
    started = time.monotonic()
    history = fit.fit(model, (training.rows, training.targets), (validation.rows, validation.targets), settings)
    seconds = time.monotonic() - started
    test = data.load_split("test", source)
    metrics = {
        "validation": fit.evaluate(model, validation.rows, validation.targets),
        "validation_short": fit.evaluate(model, fit.first_words(validation.rows), validation.targets),
        "test": fit.evaluate(model, *fit.encode(test, encoder)),
        "parameters": model.count_params(),
        "epochs": len(history["loss"]),
        "fit_seconds": round(seconds, 1),
    }
    run.write_run(
        out,
        model=model,
        vocabulary=encoder.vocabulary,
        config=describe(preset_name, preset, settings, {"train": len(reviews), "test": len(test)}),
        history=history,
        metrics=metrics,
        fitted=training,
        validated=validation,
    )
    return metrics


def describe(name: str, preset: Preset, settings: Settings, counts: dict[str, int]) -> dict[str, Any]:
    """Make the content of a run's ``config.json``."""
    return {
        "format_version": run.FORMAT_VERSION,
        "name": f"imdb-{name}",
        "preset": name,
        "labels": list(data.LABELS),
        "preprocessing": preset.preprocessing.to_json(),
        "settings": vars(settings),
        "data": {"name": "Large Movie Review Dataset v1.0", "reviews": counts},
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
        },
    }
