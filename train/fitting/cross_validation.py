"""Cross-validation on a table: it chooses regularisation and class weights, and calibrates what is exported.

Each fold of the texts is predicted by a model that was fitted on all others. So every text is predicted by a model that
does not know it, and the model that is exported can be fitted on all of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, compress
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgetext.text import RuleSet
from train.dataset import TRAIN, VALIDATION, Dataset
from train.encoding.encoded import Splits
from train.fitting.calibration import Logits, measure_calibrated
from train.fitting.folds import assign_folds, number_copies
from train.fitting.linear import Features, count_features, predict_margins
from train.fitting.naive_bayes import find_scales
from train.metrics import show_scores
from train.models.network import Tables
from train.models.recipe import Fitted, Predicted, Recipe
from train.models.rules import TOLERANCE, choose_candidate

FOLDS = 5
QUICK_FOLDS, QUICK_FACTORS = 3, (1.0, 3.0)
# The most ids of words of the texts that are drawn for it, with n-grams half a gigabyte; and of these times outputs.
QUICK_IDS, QUICK_WORK = 2**18, 2**22


class CrossValidation(NamedTuple):
    """What was found in cross-validation; without one only the recipe as it was."""

    recipe: Recipe  # nothing in it is left to choose
    unseen: Predicted | None = None  # of all texts that were held out
    reference: Logits | None = None  # of ``Splits.reference``, by what was fitted on the texts to train


class _Fold(NamedTuple):
    held_out: npt.NDArray[np.bool_]  # shape (texts,)
    scales: Tables  # of the others


def cross_validate(texts: Splits, dataset: Dataset, recipe: Recipe, rules: RuleSet) -> CrossValidation:
    """Choose the strength of regularisation and the class weights, if the recipe cross-validates.

    Args:
        texts: The encoded texts; those for validation take part if the network is fitted on them in the end.
        dataset: The same texts as written, in which copies are found.
        recipe: The recipe, with what there is to choose from.
        rules: How a text becomes words.
    """
    if not recipe.cross_validates:
        return CrossValidation(recipe)
    started = time.monotonic()
    everything = texts.train.joined(texts.validation) if recipe.refits else texts.train
    masks = make_folds(everything.targets, dataset, recipe, rules)
    if not masks:
        return CrossValidation(recipe if len(texts.validation) else _leave_unchosen(recipe))
    folds = [_Fold(mask, find_scales(everything.subset(~mask), recipe, recipe.choices.buckets)) for mask in masks]
    features = count_features(everything, recipe)
    found = _try_candidates(features, everything.targets, folds, recipe, dataset.labels)
    unweighted = [name for name, (candidate, _, _) in found.items() if (candidate.class_weights == 1).all()]
    name = choose_candidate({name: measured for name, (_, _, measured) in found.items()}, unweighted)
    chosen, unseen, measured = found[name]
    taken = f", best of {len(found)}: {name}" if len(found) > 1 else ""
    print(
        f"cross-validating: {time.monotonic() - started:.0f} s, {show_scores(measured)}{taken}",
        flush=True,
    )
    count = len(texts.train)
    scales = find_scales(texts.train, recipe, recipe.choices.buckets)
    asked = count_features(texts.reference, recipe)
    reference = predict_margins(features[:count], texts.train.targets, asked, scales, chosen)
    return CrossValidation(chosen, unseen, reference)


def make_folds(
    targets: npt.NDArray[np.int64], dataset: Dataset, recipe: Recipe, rules: RuleSet
) -> list[npt.NDArray[np.bool_]]:
    """Return which texts each fold holds out, each of shape (texts,); none if the recipe does not cross-validate."""
    if not recipe.cross_validates:
        return []
    written = chain.from_iterable(map(dataset.texts, (TRAIN, VALIDATION) if recipe.refits else (TRAIN,)))
    assigned = assign_folds(number_copies(written, rules), targets, FOLDS, recipe.settings.seed)
    return [assigned == fold for fold in range(FOLDS) if (assigned == fold).any()]


def _leave_unchosen(recipe: Recipe) -> Recipe:
    """Return a recipe that takes the first of what there is to choose from, because no text can be held out."""
    name, weights = next(iter(recipe.weightings.items()))
    return recipe._replace(
        choices=replace(recipe.choices, stronger=()), class_weights=weights, weightings={name: weights}
    )


def estimate_loss(texts: Splits, dataset: Dataset, recipe: Recipe, rules: RuleSet) -> float | None:
    """Return the calibrated cross-entropy in a quick cross-validation, to compare ways to encode the texts to fit.

    It has ``QUICK_FOLDS`` folds and the best of ``QUICK_FACTORS`` of the regularisation. Of many texts, a part is drawn
    that is nearly the same for all ways.

    Returns:
        None if no text can be held out.
    """
    seed = recipe.settings.seed
    part = min(QUICK_IDS, QUICK_WORK // recipe.num_outputs) / int(texts.train.words.sum())
    drawn = np.random.default_rng(seed).random(len(texts.train)) < part
    some = texts.train.subset(drawn)
    copies = number_copies(compress(dataset.texts(TRAIN), drawn), rules)
    assigned = assign_folds(copies, some.targets, QUICK_FOLDS, seed)
    masks = [assigned == fold for fold in range(QUICK_FOLDS) if (assigned == fold).any()]
    if not masks:
        return None
    folds = [_Fold(mask, find_scales(some.subset(~mask), recipe, recipe.choices.buckets)) for mask in masks]
    features, losses = count_features(some, recipe), []
    for factor in QUICK_FACTORS:
        choices = replace(recipe.choices, regularization=factor * recipe.choices.regularization)
        unseen = _predict_folds(features, some.targets, folds, recipe._replace(choices=choices))
        losses.append(measure_calibrated(unseen, dataset.labels, smooth=True)["loss"])
    return float(min(losses))


def _try_candidates(
    features: Features, targets: npt.NDArray[np.int64], folds: Sequence[_Fold], recipe: Recipe, labels: Sequence[str]
) -> dict[str, tuple[Recipe, Predicted, dict[str, Any]]]:
    """Return each candidate by its name: its recipe, its predictions of what was held out, and how good they are.

    Stronger regularisation is tried as long as the accuracy stays within ``TOLERANCE`` of the best.
    """
    found: dict[str, tuple[Recipe, Predicted, dict[str, Any]]] = {}
    best, choices = 0.0, recipe.choices
    for factor in (1.0, *choices.stronger):
        fixed = replace(choices, regularization=factor * choices.regularization, stronger=())
        reached = 0.0
        for name, weights in recipe.weightings.items():
            candidate = recipe._replace(choices=fixed, class_weights=weights, weightings={name: weights})
            unseen = _predict_folds(features, targets, folds, candidate)
            measured = measure_calibrated(unseen, labels, smooth=True)
            found[f"regularization × {factor:g}, class weights {name}"] = candidate, unseen, measured
            reached = max(reached, measured["accuracy"])
        best = max(best, reached)
        if reached < best - TOLERANCE:
            break
    return found


def _predict_folds(
    features: Features, targets: npt.NDArray[np.int64], folds: Sequence[_Fold], recipe: Recipe
) -> Predicted:
    logits = np.zeros((len(targets),) if recipe.num_outputs == 1 else (len(targets), recipe.num_outputs))
    for held_out, scales in folds:
        rest = ~held_out
        logits[held_out] = predict_margins(features[rest], targets[rest], features[held_out], scales, recipe)
    known = np.any([fold.held_out for fold in folds], axis=0)
    return Predicted(logits[known], targets[known], places=np.flatnonzero(known))


def use_for_calibration(fitted: Fitted, found: CrossValidation) -> Fitted:
    """Return a fitted network that is calibrated by what was found in cross-validation, if there was one.

    The margins of cross-validation are scaled by how those of the network compare with LIBLINEAR's on the same texts:
    if it is fitted for a few epochs only, it has smaller ones.
    """
    if found.unseen is None or found.reference is None or fitted.unseen is None:
        return fitted
    ours, theirs = _spread(fitted.unseen.logits[: len(found.reference)]), _spread(found.reference)
    ratio = ours / theirs if ours > 0 and theirs > 0 else 1.0
    unseen = found.unseen._replace(logits=ratio * found.unseen.logits)
    return fitted._replace(unseen=unseen, cross_validated=True)


def _spread(logits: Logits) -> float:
    """Return how far the logits of texts are apart, on which alone their probabilities depend."""
    return float(np.linalg.norm(logits if logits.ndim == 1 else logits - logits.mean(axis=1, keepdims=True)))


def measure_cross_validation(fitted: Fitted, labels: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of the texts that were held out, by name, if there was a cross-validation."""
    if not fitted.cross_validated or fitted.unseen is None:
        return {}
    return {"cross_validation": measure_calibrated(fitted.unseen, labels, smooth=True)}
