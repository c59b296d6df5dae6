"""The steps that choose: first how texts are encoded, then what network is fitted, and how.

For the movie reviews the preset's own numbers are taken; for a table everything that was not given follows from its
texts, by ``train.models.rules``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from edgetext.encoder import Preprocessing
from train.dataset import Dataset
from train.encoding.encoded import Splits
from train.encoding.vocabulary import Survey, build_vocabulary, find_spellings, note_capitals
from train.models import rules
from train.models.choices import Choices
from train.models.recipe import Plan, Recipe, Request, count_outputs
from train.models.sizing import SizeBudget, fit_budget

TEXTS_FOR_SPELLINGS = 200_000  # are searched for capitalised spellings


def choose_encoding(survey: Survey, dataset: Dataset, request: Request) -> Plan:
    """Choose the vocabulary and the length of an encoded text.

    Raises:
        ValueError: If a choice that was given is out of range, or does not fit the number of labels.
    """
    if request.from_texts:
        note_capitals(survey, request.rules)
        choices = _choose_from_texts(survey, count_outputs(len(dataset.labels)), request)
        # In very few and short texts no word may occur twice.
        min_count = min(rules.MIN_COUNT, max(survey.words.values()))
    else:
        preset, min_count = request.preset, 1
        choices = Choices(vocabulary=preset.vocabulary_size, max_length=preset.preprocessing.max_length)
        choices = (preset.choices or choices).changed(request.changes)
    vocabulary = build_vocabulary(survey.words, choices.vocabulary, min_count, request.rules)
    texts = chain.from_iterable(map(dataset.texts, dataset.vocabulary_splits))
    some = (text.text for text in islice(texts, TEXTS_FOR_SPELLINGS))
    spellings = find_spellings(some, vocabulary, request.rules)
    truncating = request.preset.preprocessing.truncating
    preprocessing = Preprocessing(choices.max_length, truncating, request.rules)
    return Plan(vocabulary, spellings, preprocessing, choices)


def _choose_from_texts(survey: Survey, num_outputs: int, request: Request) -> Choices:
    preset, given = request.preset, request.changed
    defaults = rules.choices_for(survey.lengths.total()) if preset.choices is not None else Choices(crops=0)
    chosen: dict[str, Any] = {
        "max_length": rules.choose_max_length(survey.lengths),
        "vocabulary": min(preset.vocabulary_size, rules.choose_vocabulary_size(survey.words, num_outputs)),
    }
    # A choice that was given may only be possible without one that was not.
    choices = replace(defaults, **{name: value for name, value in chosen.items() if name not in given})
    choices = choices.changed(request.changes)
    if preset.choices is not None and choices.objective == "logistic" and num_outputs > 1:
        raise ValueError(f"objective=logistic is for two labels, not for {num_outputs}: leave it out")
    return choices


def choose_tables(plan: Plan, texts: Splits, name: str, labels: Sequence[str], request: Request) -> Plan:
    """Choose the number of buckets of bigrams and, for a target size, how much of the vocabulary to keep.

    Raises:
        ValueError: If no model is as small as the target size.
    """
    if not request.from_texts or request.preset.choices is None:
        return plan
    num_outputs, (vocabulary, spellings, preprocessing, choices) = count_outputs(len(labels)), plan
    if "buckets" not in request.changed:
        choices = replace(choices, buckets=rules.choose_buckets(texts.train, num_outputs))
    if request.target_size is not None:
        budget = SizeBudget(request.target_size, num_outputs, labels, name, request.rules)
        vocabulary, spellings, buckets = fit_budget(budget, vocabulary, spellings, choices.buckets)
        choices = replace(choices, buckets=buckets)
    return Plan(vocabulary, spellings, preprocessing, replace(choices, vocabulary=len(vocabulary)))


def make_recipe(plan: Plan, texts: Splits, labels: Sequence[str], request: Request) -> Recipe:
    """Choose how the network is fitted.

    Raises:
        ValueError: If a setting that was given is out of range.
    """
    preset, count = request.preset, len(texts.train)
    chooses = request.from_texts and preset.choices is not None
    settings = rules.choose_settings(count, 0) if chooses else preset.settings
    settings = replace(settings, **{**request.settings, "validation": len(texts.validation)})
    is_small = chooses and count < rules.REFIT_BELOW
    how = "none" if request.class_weights == "auto" and not chooses else request.class_weights
    weightings = rules.weigh_classes(texts.train.targets, len(labels), how)
    candidates = len(weightings) * (1 + len(plan.choices.stronger))
    is_cheap = rules.can_cross_validate(int(texts.train.lengths.sum()), count_outputs(len(labels)), candidates)
    return Recipe(
        len(plan.vocabulary),
        len(labels),
        next(iter(weightings.values())),
        settings,
        plan.choices,
        preset.name,
        refits=is_small and request.refits,
        weightings=weightings,
        cross_validates=is_small and is_cheap and plan.choices.objective == "hinge",
    )
