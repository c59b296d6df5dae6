"""Whether marks are words, and whether there are character n-grams: for a table, cross-validation chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from train.dataset import Dataset
from train.encoding.encoded import Splits
from train.fitting.cross_validation import estimate_loss
from train.models.choosing import drop_characters, make_recipe
from train.models.recipe import Plan, Request

# By how much of it the cross-entropy must fall for marks and characters to be used, and the least fall. Marks cost
# little on the device, but MediaPipe cannot have them as words; n-grams take time and memory.
MARKS_GAIN, CHARACTERS_GAIN, LEAST_GAIN = 0.005, 0.02, 0.001


class Variant(NamedTuple):
    """A way to encode the texts, and the texts."""

    plan: Plan
    texts: Splits

    def without_characters(self) -> Variant:
        """Return the same without character n-grams."""
        plan = drop_characters(self.plan)
        return Variant(plan, self.texts.limit_ngrams(plan.preprocessing))


def choose_variant(variants: Sequence[Variant], dataset: Dataset, request: Request) -> Variant:
    """Return the best of some variants, which differ in whether marks are words, with or without characters.

    The first of them is taken if there are too few texts to tell.
    """
    plain = [variant if request.characters == "off" else variant.without_characters() for variant in variants]
    losses = [_estimate(variant, dataset, request) for variant in plain] if _has_choice(variants, request) else [None]
    place, loss = 0, losses[0]
    if len(variants) > 1:
        without, found = losses
        if without is not None and found is not None:
            place = int(_is_better(found, without, MARKS_GAIN))
            loss = losses[place]
            _report("marks as words", found, without, used=bool(place), option="--marks")
    if request.characters != "auto":
        return variants[place]
    found = None if loss is None else _estimate(variants[place], dataset, request)
    if found is None or loss is None:
        return plain[place]
    used = _is_better(found, loss, CHARACTERS_GAIN)
    _report("character n-grams", found, loss, used=used, option="--characters")
    return variants[place] if used else plain[place]


def _has_choice(variants: Sequence[Variant], request: Request) -> bool:
    return len(variants) > 1 or request.characters == "auto"


def _estimate(variant: Variant, dataset: Dataset, request: Request) -> float | None:
    recipe = make_recipe(variant.plan, variant.texts, dataset.labels, request)
    return estimate_loss(variant.texts, dataset, recipe, variant.plan.preprocessing.rules)


def _is_better(found: float, without: float, gain: float) -> bool:
    return found < without - max(gain * without, LEAST_GAIN)


def _report(what: str, found: float, without: float, *, used: bool, option: str) -> None:
    print(
        f"{what}: {'used' if used else 'not used'}, with a cross-entropy of {found:.4f} instead of {without:.4f} in "
        f"cross-validation ({option} {'off' if used else 'on'} for the other)",
        flush=True,
    )
