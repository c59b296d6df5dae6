"""Choosing how the network of words and n-grams is fitted: to labels alone, or to unlabelled texts too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from edgetext.text import RuleSet
from train.dataset import Dataset
from train.distilling.student import Material, fit_student, make_material
from train.encoding.encoded import Splits
from train.fitting.calibration import measure_calibrated
from train.fitting.cross_validation import CrossValidation, make_folds, use_for_calibration
from train.fitting.edge import fit_edge
from train.metrics import show_scores
from train.models.choices import Choices
from train.models.recipe import Fitted, Recipe, Request
from train.models.rules import choose_settings


class FittedNetwork(NamedTuple):
    """What was fitted, and what it takes to fit it again on more texts."""

    fitted: Fitted
    material: Material | None  # of a student; None if labels alone were fitted, with the objective ``"hinge"``
    metrics: dict[str, Any]  # what was measured to choose


def fit_network(
    texts: Splits, dataset: Dataset, found: CrossValidation, rules: RuleSet, request: Request
) -> FittedNetwork:
    """Fit the network; with unlabelled texts in both ways, unless the recipe's objective is ``"logistic"`` anyway.

    Args:
        texts: The encoded texts.
        dataset: The same texts as written, in which copies are found.
        found: The recipe, and the cross-validation of what is fitted to labels alone.
        rules: How a text becomes words.
        request: Whether to use the unlabelled texts in any case, or if that is better; and what else was given.
    """
    recipe = found.recipe
    if recipe.choices.objective == "logistic":
        material = make_material(texts, recipe)
        return FittedNetwork(fit_student(material, recipe), material, {})
    plain = use_for_calibration(fit_edge(texts, recipe), found)
    is_soft = texts.train.is_soft is not None
    if not len(texts.unlabelled) and not is_soft:
        return FittedNetwork(plain, None, {})
    student = _make_student(plain.recipe, len(texts.train) + len(texts.unlabelled), request)
    material = make_material(texts, student)
    if material.knowledge is None and len(texts.unlabelled):
        print("unlabelled texts: not used, because no word occurs in enough texts", flush=True)
        if not is_soft:
            return FittedNetwork(plain, None, {})
    folds = make_folds(material.targets, dataset, recipe, rules) if plain.cross_validated else []
    fitted = fit_student(material, student, folds)
    given = "unlabelled texts" if material.knowledge is not None else "probabilities"
    metrics, is_better = _compare(plain, fitted, dataset, f"with {given}")
    if is_soft or request.teacher == "vectors" or is_better:
        return FittedNetwork(fitted, material, metrics)
    return FittedNetwork(plain, None, metrics)


def _make_student(recipe: Recipe, texts: int, request: Request) -> Recipe:
    """Return the recipe of a student of this number of texts; it is fitted like the preset for the reviews."""
    default = Choices()
    fitting = {name: getattr(default, name) for name in ("exponent", "learning_rate") if name not in request.changed}
    choices = replace(recipe.choices, objective="logistic", stronger=(), **fitting)
    settings = recipe.settings
    if "epochs" not in request.settings:
        settings = replace(settings, epochs=choose_settings(texts, settings.seed).epochs)
    return recipe._replace(choices=choices, settings=settings)


def _compare(plain: Fitted, student: Fitted, dataset: Dataset, title: str) -> tuple[dict[str, Any], bool]:
    """Print how good both are at what they were not fitted to; return it, and whether the student is better.

    ``title`` says what the student was fitted with.

    The mean of accuracy and macro F1 decides, so that neither the frequent labels nor the rare ones decide alone.
    """
    how = "cross-validation" if student.cross_validated else "validation"
    measured = {}
    for name, fitted in (("labels alone", plain), (title, student)):
        assert fitted.unseen is not None
        measured[name] = measure_calibrated(fitted.unseen, dataset.labels, smooth=True)
        print(f"{name}: {show_scores(measured[name])} in {how}", flush=True)
    before, after = (found["accuracy"] + found["macro_f1"] for found in measured.values())
    return {"teacher": {name: dict(found) for name, found in measured.items()}}, after > before
