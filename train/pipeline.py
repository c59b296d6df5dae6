"""From labelled texts to a run folder: the steps of a training, in order."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any, NamedTuple

import keras

from train import run
from train.atomic_folder import check_replaceable
from train.dataset import TEST, TRAIN, UNLABELLED, VALIDATION
from train.encoding.encoded import encode
from train.encoding.samples import draw_sample
from train.job import Job
from train.models import edge, fit, network
from train.models.choices import MULTIPLIERS, Choices
from train.models.evaluation import evaluate
from train.models.presets import PRESETS
from train.preparing import Prepared, prepare_reviews, prepare_texts
from train.reviews.dataset import Reviews
from train.reviews.sentences import sentences
from train.tables.dataset import Texts, scan
from train.tables.report import ReportedError
from train.tables.source import Source

# Where fewer texts are fitted than this, what ships is fitted on those validated too, once all is chosen and measured:
# of 5,452 questions a tenth more brought a point of accuracy, in cross-validation.
REFIT_BELOW = 100_000


class Fitted(NamedTuple):
    """A fitted model.

    Attributes:
        model: It.
        history: Of its fitting.
        metrics: What ``metrics.json`` is to tell beside the model's size.
        choices: The preset's other numbers, those found in training among them; None for a preset that has none.
    """

    model: keras.Model
    history: dict[str, list[float]]
    metrics: dict[str, Any]
    choices: Choices | None


def train(job: Job) -> dict[str, Any]:
    """Train a preset and write the run folder.

    Returns:
        The metrics that were written.

    Raises:
        data.DataError: The texts cannot be had, or used.
        ValueError: The settings do not fit the data.
        OSError: The run folder cannot be written.
    """
    check_replaceable(job.out, run.RUN_FOLDER, keep_previous=True)
    ready = _prepare(job)
    print(
        f"preset {job.preset}: {len(ready.training):,} texts to fit, {len(ready.validation):,} to validate, "
        f"{len(ready.corpus.labels)} labels, {len(ready.encoder.vocabulary):,} ids, rows of "
        f"{ready.encoder.preprocessing.max_length}"
        + (f", {ready.choices.buckets:,} buckets of bigrams" if ready.choices else ""),
        flush=True,
    )
    fit.make_reproducible(ready.settings.seed)
    started = time.monotonic()
    result, heldout = _fit(job, ready)
    seconds = time.monotonic() - started
    metrics = {
        **result.metrics,
        "parameters": result.model.count_params(),
        "epochs": len(result.history["loss"]),
        "fit_seconds": round(seconds, 1),
    }
    run.write_run(
        job.out,
        model=result.model,
        vocabulary=ready.encoder.vocabulary,
        spellings=ready.spellings,
        config=describe(job, ready._replace(choices=result.choices)),
        history=result.history,
        metrics=metrics,
        calibration=draw_sample("calibration", ready.training, ready.corpus.texts(TRAIN)),
        heldout=heldout,
    )
    return metrics


def _prepare(job: Job) -> Prepared:
    """Read the texts and put together what is fitted."""
    preset = PRESETS[job.preset]
    if not isinstance(job.source, Source):
        settings = replace(preset.settings, **job.given)
        reviews = Reviews(job.source, settings.validation, by_movie=preset.by_movie)
        return prepare_reviews(reviews, preset, settings, job.changes)
    return prepare_texts(
        scan_and_tell(job.source),
        preset,
        job.given,
        job.changes,
        lowercase=job.source.lowercase,
        class_weights=job.class_weights,
        target_size=job.target_size,
    )


def scan_and_tell(source: Source) -> Texts:
    """Read, check and divide texts of one's own, and print what was found.

    Raises:
        data.DataError: As for ``texts.scan``.
    """
    try:
        texts = scan(source)
    except ReportedError as error:
        _print_lines(error.report.lines())
        raise
    _print_lines([*([str(texts.columns)] if texts.columns.guessed else []), *texts.report.lines()])
    return texts


def _print_lines(lines: Sequence[str]) -> None:
    print("".join(f"{line}\n" for line in lines), end="", flush=True)


def _fit(job: Job, ready: Prepared) -> tuple[Fitted, dict[str, Any]]:
    """Fit the preset's network, and measure it; give also the texts that converted models are compared on."""
    corpus, labels = ready.corpus, ready.corpus.labels
    test = encode(corpus.texts(TEST), ready.encoder, labels) if job.test else ready.validation.head(0)
    heldout, places = ready.validation, corpus.texts(VALIDATION)
    if ready.choices is None:
        result = _fit_tutorial(ready)
        metrics = _measure_validation(result.model, ready)
    else:
        unlabelled = encode(corpus.texts(UNLABELLED), ready.encoder, labels)
        trained = edge.train(ready.training, unlabelled, ready.validation, _recipe(ready))
        metrics = _measure_validation(trained.model, ready)
        found = {"unlabelled": len(unlabelled), "temperature": trained.temperature}
        result = Fitted(trained.model, trained.history, found, trained.recipe.choices)
        if isinstance(corpus, Texts) and len(test) and len(ready.training) < REFIT_BELOW:
            print("once more, on the validated texts too:", flush=True)
            everything = ready.training.joined(ready.validation)
            model = edge.refit(trained, everything, ready.validation)
            result = result._replace(model=model, metrics={**found, "refitted": len(everything)})
            heldout, places = test, corpus.texts(TEST)
    if len(test):
        metrics["test"] = evaluate(result.model, test, labels)
    return result._replace(metrics={**metrics, **result.metrics}), draw_sample("heldout", heldout, places)


def _fit_tutorial(ready: Prepared) -> Fitted:
    """Fit the network of the tutorial."""
    model = network.build_tutorial(len(ready.encoder.vocabulary), ready.encoder.preprocessing.max_length, ready.columns)
    weights = None if (ready.class_weights == 1).all() else ready.class_weights[ready.training.targets]
    training, validation = ((part.take(), part.targets) for part in (ready.training, ready.validation))
    return Fitted(model, fit.fit(model, training, validation, ready.settings, weights), {}, None)


def _recipe(ready: Prepared) -> edge.Recipe:
    """Put together how the network of bigrams is fitted."""
    assert ready.choices is not None
    size, labels = len(ready.encoder.vocabulary), len(ready.corpus.labels)
    return edge.Recipe(size, labels, ready.class_weights, ready.settings, ready.choices)


def _measure_validation(model: keras.Model, ready: Prepared) -> dict[str, Any]:
    """Evaluate a model on the validation texts; of the reviews, also on ten words and on the sentences of each."""
    labels, validation = ready.corpus.labels, ready.validation
    metrics = {"validation": evaluate(model, validation, labels)}
    if isinstance(ready.corpus, Reviews):
        metrics["validation_short"] = evaluate(model, validation.first_words(), labels)
        parts = encode(sentences(ready.corpus.texts(VALIDATION)), ready.encoder, labels)
        metrics["validation_sentences"] = evaluate(model, parts, labels)
    return metrics


def describe(job: Job, ready: Prepared) -> dict[str, Any]:
    """Make the content of a run's ``config.json``."""
    config: dict[str, Any] = {
        "name": f"{ready.corpus.name}-{job.preset}",
        "preset": job.preset,
        "labels": list(ready.corpus.labels),
        "preprocessing": ready.encoder.preprocessing.to_json(),
    }
    if ready.choices is not None:
        # What an exporter must know to compute the network without Keras.
        config["network"] = {
            "kind": "bigrams",
            "buckets": ready.choices.buckets,
            "multipliers": list(MULTIPLIERS),
            "exponent": ready.choices.exponent,
        }
        config["choices"] = asdict(ready.choices)
    if not (ready.class_weights == 1).all():
        config["class_weights"] = dict(zip(ready.corpus.labels, map(float, ready.class_weights)))
    return {
        **config,
        "settings": asdict(ready.settings),
        "data": ready.corpus.describe(),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
        },
    }
