"""The step that fits a network as its recipe says."""

from __future__ import annotations

from train.encoding.encoded import Splits
from train.fitting.edge import fit_edge, refit_edge
from train.fitting.loop import fit
from train.models import network
from train.models.recipe import Fitted, Recipe


def fit_network(texts: Splits, recipe: Recipe) -> Fitted:
    """Fit the network of a preset."""
    return fit_edge(texts, recipe) if recipe.preset == "edge" else _fit_tutorial(texts, recipe)


def refit_network(fitted: Fitted, texts: Splits) -> Fitted:
    """Fit a network again on all texts that are not test texts, with the numbers that were found in fitting."""
    print("once more, on the validation texts too:", flush=True)
    return refit_edge(fitted, texts)


def _fit_tutorial(texts: Splits, recipe: Recipe) -> Fitted:
    training, validation = texts.train, texts.validation
    model = network.build_tutorial(recipe.vocabulary_size, training.max_length, recipe.num_outputs)
    weights = None if (recipe.class_weights == 1).all() else recipe.class_weights[training.targets]
    history = fit(
        model,
        (training.take(), training.targets),
        (validation.take(), validation.targets),
        recipe.settings,
        weights,
    )
    return Fitted(model, history, recipe)
