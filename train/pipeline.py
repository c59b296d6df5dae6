"""From reviews to a run folder: the steps of a training, in order."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import keras

from edgetext.folders import check_replaceable
from edgetext.text import Encoder, Preprocessing
from train import data, edge, fit, network, run
from train.choices import MULTIPLIERS, Choices
from train.evaluation import evaluate, first_words, sentences
from train.presets import PRESETS, Preset
from train.rows import Rows, Targets, encode, split_validation
from train.settings import Settings
from train.vocabulary import build_vocabulary, find_spellings


class Job(NamedTuple):
    """What to train.

    Attributes:
        preset: The name of the preset.
        settings: How to fit.
        choices: The preset's other numbers; None for a preset that has none.
        source: Where the reviews are, as for ``data.prepare``.
        out: The run folder to write.
        test: Whether to evaluate on the test reviews at the end.
    """

    preset: str
    settings: Settings
    choices: Choices | None
    source: str | None
    out: Path
    test: bool = True


class Fitted(NamedTuple):
    """A fitted model, the history of its fitting, and what else ``metrics.json`` is to tell."""

    model: keras.Model
    history: dict[str, list[float]]
    metrics: dict[str, Any]


def train(job: Job) -> dict[str, Any]:
    """Train a preset and write the run folder.

    Returns:
        The metrics that were written.

    Raises:
        data.DataError: The reviews cannot be had.
        ValueError: The settings do not fit the data.
        OSError: The run folder cannot be written.
    """
    check_replaceable(job.out, run.KIND, keep_previous=True)
    preset = PRESETS[job.preset]
    if job.choices is not None:
        rows = Preprocessing(job.choices.max_length, preset.preprocessing.truncating)
        preset = preset._replace(vocabulary_size=job.choices.vocabulary, preprocessing=rows)
    reviews = data.load_split("train", job.source)
    fitted, validated = split_validation(reviews, job.settings.validation, by_movie=preset.by_movie)
    encoder = Encoder(
        build_vocabulary((review.text for review in reviews), preset.vocabulary_size), preset.preprocessing
    )
    training, validation = (run.Samples(part, *encode(part, encoder)) for part in (fitted, validated))
    print(
        f"preset {job.preset}: {len(fitted):,} reviews to fit, {len(validated):,} to validate, "
        f"{len(encoder.vocabulary):,} ids",
        flush=True,
    )
    fit.make_reproducible(job.settings.seed)
    started = time.monotonic()
    result = _fit(job, encoder, (training.rows, training.targets), (validation.rows, validation.targets))
    seconds = time.monotonic() - started
    metrics = {
        **_measure(result.model, encoder, validation, job),
        **result.metrics,
        "parameters": result.model.count_params(),
        "epochs": len(result.history["loss"]),
        "fit_seconds": round(seconds, 1),
    }
    run.write_run(
        job.out,
        model=result.model,
        vocabulary=encoder.vocabulary,
        spellings=find_spellings((review.text for review in reviews), encoder.vocabulary),
        config=describe(job, preset, {"train": len(reviews)}),
        history=result.history,
        metrics=metrics,
        fitted=training,
        validated=validation,
    )
    return metrics


def _fit(job: Job, encoder: Encoder, training: tuple[Rows, Targets], validation: tuple[Rows, Targets]) -> Fitted:
    """Fit the preset's network."""
    size = len(encoder.vocabulary)
    if job.choices is None:
        model = network.build_tutorial(size, encoder.preprocessing.max_length)
        return Fitted(model, fit.fit(model, training, validation, job.settings), {})
    unlabelled, _ = encode(data.load_split(data.UNLABELLED, job.source), encoder)
    model, history, temperature = edge.train(training, unlabelled, validation, size, job.settings, job.choices)
    return Fitted(model, history, {"unlabelled": len(unlabelled), "temperature": temperature})


def _measure(model: keras.Model, encoder: Encoder, validation: run.Samples, job: Job) -> dict[str, Any]:
    """Evaluate a model on the validation reviews, on ten words and the sentences of each, and on the test reviews."""
    metrics = {
        "validation": evaluate(model, validation.rows, validation.targets),
        "validation_short": evaluate(model, first_words(validation.rows), validation.targets),
        "validation_sentences": evaluate(model, *encode(list(sentences(validation.reviews)), encoder)),
    }
    if job.test:
        metrics["test"] = evaluate(model, *encode(data.load_split("test", job.source), encoder))
    return metrics


def describe(job: Job, preset: Preset, counts: dict[str, int]) -> dict[str, Any]:
    """Make the content of a run's ``config.json``."""
    config: dict[str, Any] = {
        "format_version": run.FORMAT_VERSION,
        "name": f"imdb-{job.preset}",
        "preset": job.preset,
        "labels": list(data.LABELS),
        "preprocessing": preset.preprocessing.to_json(),
    }
    if job.choices is not None:
        # What an exporter must know to compute the network without Keras.
        config["network"] = {
            "kind": "bigrams",
            "buckets": job.choices.buckets,
            "multipliers": list(MULTIPLIERS),
            "exponent": job.choices.exponent,
        }
        config["choices"] = asdict(job.choices)
    return {
        **config,
        "settings": asdict(job.settings),
        "data": {"name": "Large Movie Review Dataset v1.0", "reviews": counts},
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
        },
    }
