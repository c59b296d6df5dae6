"""From labelled texts to a run folder: the steps of a training, in order."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from edgetext.encoder import Encoder
from edgetext.text import RuleSet
from train.dataset import TEST, TRAIN, VALIDATION, Dataset, LabelledText
from train.distilling.choosing import fit_network
from train.distilling.student import refit_student
from train.encoding.encoded import Splits, encode_dataset
from train.encoding.ports import measure_ports, number_spellings
from train.encoding.samples import draw_sample, find_texts
from train.encoding.unknown import describe_unknown, measure_unknown
from train.encoding.vocabulary import survey_dataset
from train.fitting.calibration import calibrate
from train.fitting.cross_validation import cross_validate, measure_cross_validation
from train.fitting.edge import refit_edge
from train.fitting.loop import (
    describe_fitting,
    evaluate_split,
    fit_tutorial,
    make_reproducible,
    measure_validation,
    predict_labels,
)
from train.fitting.top_ngrams import find_top_ngrams
from train.fitting.validation import predict_validation
from train.fitting.variants import Variant, choose_variant
from train.job import Job
from train.models.choosing import choose_encoding, choose_tables, fit_size, make_recipe
from train.models.recipe import Plan, Recipe, make_config
from train.models.rules import describe_weights
from train.run import write_run

if TYPE_CHECKING:
    import keras


# With fewer rows than this, or than this for each label, training warns.
FEW_ROWS, FEW_ROWS_PER_LABEL = 100, 20


def train(job: Job) -> tuple[dict[str, Any], bool]:
    """Train a preset and write the run folder.

    Returns:
        The content of its ``metrics.json``, and whether it replaced a run.

    Raises:
        DataError: If the texts cannot be read or used.
        ValueError: If the settings do not suit the texts.
        OSError: If the run folder cannot be written.
    """
    dataset = job.read()
    name, labels = f"{dataset.name}-{job.request.preset.name}", dataset.labels

    started = time.monotonic()
    # Only the chosen texts are kept: those of a large table fill gigabytes.
    plan, texts = choose_variant([_encode(dataset, job, rules) for rules in job.request.rules], dataset, job.request)
    rules = plan.preprocessing.rules
    if job.request.target_size is not None:
        plan = fit_size(plan, dataset.name, labels, job.request)
        texts = encode_dataset(dataset, Encoder(plan.vocabulary, plan.preprocessing), test=job.test)
    if job.request.teacher == "none":
        texts = texts._replace(unlabelled=texts.unlabelled.subset(slice(0)))
    recipe = make_recipe(plan, texts, labels, job.request)
    _print_plan(texts, recipe)
    unknown = measure_unknown(texts, len(plan.vocabulary))
    has_characters = plan.preprocessing.characters is not None
    limited = job.request.limits_vocabulary
    print(describe_unknown(unknown, rules, limited=limited, characters=has_characters), flush=True)

    make_reproducible(recipe.settings.seed)
    found = cross_validate(texts, dataset, recipe, rules)
    if recipe.is_linear:
        fitted, material, compared = fit_network(texts, dataset, found, rules, job.request)
    else:
        fitted, material, compared = fit_tutorial(texts, recipe), None, {}
    if not (fitted.recipe.class_weights == 1).all():
        print(describe_weights(fitted.recipe.class_weights, texts.train.targets, labels), flush=True)
    model, temperature = calibrate(fitted, texts)
    metrics = measure_validation(model, texts, labels) | measure_cross_validation(fitted, labels)
    validation = predict_validation(model, fitted, texts)
    heldout, heldout_split = texts.reference, VALIDATION if len(texts.validation) else TRAIN
    if recipe.refits:
        if len(texts.validation):
            fitted = refit_edge(fitted, texts) if material is None else refit_student(fitted, material)
            model, temperature = calibrate(fitted, texts)
        if len(texts.test):
            heldout, heldout_split = texts.test, TEST
    if len(texts.test):
        metrics |= evaluate_split("test", model, texts.test, labels)
    metrics["unknown"] = unknown
    sample = draw_sample("heldout", heldout, dataset.texts(heldout_split))
    heldout_texts = find_texts(dataset.texts(heldout_split), sample["heldout_texts"]) if dataset.may_be_copied else ()
    if not dataset.may_be_copied:
        measured = dataset.texts(TEST if len(texts.test) else heldout_split)
        metrics["tokenizers"] = _measure_tokenizers(measured, plan, model)
    unlabelled = 0 if material is None else len(material.splits[2])
    metrics |= compared | describe_fitting(fitted, model, temperature, texts, unlabelled, time.monotonic() - started)

    replaced = write_run(
        job.out,
        model=model,
        vocabulary=plan.vocabulary,
        spellings=plan.spellings,
        config=make_config(name, labels, plan.preprocessing, fitted.recipe, dataset.describe()),
        history=fitted.history,
        metrics=metrics,
        samples={
            **draw_sample("calibration", texts.train, dataset.texts(TRAIN)),
            **sample,
        },
        heldout_texts=heldout_texts,
        validation=validation,
        ngrams=find_top_ngrams(model, texts, plan.vocabulary, fitted.recipe) if recipe.is_linear else None,
    )
    return metrics, replaced


def _encode(dataset: Dataset, job: Job, rules: RuleSet) -> Variant:
    """Encode the texts by a rule set."""
    uses_unlabelled = job.request.from_texts and job.request.teacher != "none"
    survey = survey_dataset(dataset, rules, unlabelled=uses_unlabelled)
    plan = choose_encoding(survey, dataset, job.request, rules)
    texts = encode_dataset(dataset, Encoder(plan.vocabulary, plan.preprocessing), test=job.test)
    plan = choose_tables(plan, texts, dataset.labels, job.request)
    if plan.preprocessing.characters is not None:
        texts = texts.limit_ngrams(plan.preprocessing)
    return Variant(plan, texts)


def _measure_tokenizers(texts: Iterable[LabelledText], plan: Plan, model: keras.Model) -> dict[str, Any]:
    """Measure what exporting cannot measure without the texts; see ``measure_ports``."""
    given = [text.text for text in texts]
    spellings = number_spellings(plan.spellings, plan.vocabulary, plan.preprocessing.rules)
    return measure_ports(given, plan.vocabulary, spellings, plan.preprocessing, partial(predict_labels, model))


def _print_plan(texts: Splits, recipe: Recipe) -> None:
    """Print what will be fitted."""
    ngrams = "bigrams" if recipe.choices.word_ngrams == 2 else "bigrams and trigrams"
    buckets = f", {recipe.choices.buckets:,} buckets of {ngrams}" if recipe.is_linear else ""
    print(
        f"preset {recipe.preset}: {len(texts.train):,} texts to fit, {len(texts.validation):,} to validate, "
        f"{recipe.labels} labels, {recipe.vocabulary_size:,} ids, at most {texts.train.max_length} a text{buckets}",
        flush=True,
    )
    rows = len(texts.train) + len(texts.validation)
    if rows < max(FEW_ROWS, FEW_ROWS_PER_LABEL * recipe.labels):
        print(
            f"warning: {rows:,} rows to learn {recipe.labels:,} labels from are few: expect low accuracy, and figures "
            "that are as rough as their 95% intervals are wide; more labelled rows help most",
            flush=True,
        )
