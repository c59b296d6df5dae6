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
from edgetext.ngrams import Characters
from edgetext.text import RuleSet
from train.dataset import Dataset
from train.encoding.encoded import Splits
from train.encoding.ngrams import count_word_characters
from train.encoding.vocabulary import Survey, build_vocabulary, find_spellings, note_capitals
from train.models import rules
from train.models.choices import Choices
from train.models.file_sizes import SizeBudget
from train.models.recipe import Plan, Recipe, Request, count_outputs
from train.models.sizing import choose_share, fit_budget

TEXTS_FOR_SPELLINGS = 200_000  # are searched for capitalised spellings


def choose_encoding(survey: Survey, dataset: Dataset, request: Request, rule_set: RuleSet) -> Plan:
    """Choose the vocabulary, the length of an encoded text and, before they are counted, the character n-grams.

    Raises:
        ValueError: If a choice that was given is out of range, or does not fit the number of labels.
    """
    if request.from_texts:
        note_capitals(survey, rule_set)
        choices = _choose_from_texts(survey, count_outputs(len(dataset.labels)), request)
        # In very few and short texts no word may occur twice.
        min_count = min(rules.MIN_COUNT, max(survey.words.values()))
    else:
        preset, min_count = request.preset, 1
        choices = Choices(vocabulary=preset.vocabulary_size, max_length=preset.preprocessing.max_length)
        choices = (preset.choices or choices).changed(request.changes)
    vocabulary = build_vocabulary(survey.words, choices.vocabulary, min_count, rule_set)
    texts = chain.from_iterable(map(dataset.texts, survey.splits))
    some = (text.text for text in islice(texts, TEXTS_FOR_SPELLINGS))
    spellings = find_spellings(some, vocabulary, rule_set)
    truncating = request.preset.preprocessing.truncating
    characters = None
    if request.characters != "off":
        buckets = choices.characters or rules.MOST_CHARACTERS
        characters = Characters(*choices.characters_lengths, buckets, rules.MOST_NGRAMS)
    preprocessing = Preprocessing(choices.max_length, truncating, rule_set, characters)
    return Plan(vocabulary, spellings, preprocessing, choices)


def _choose_from_texts(survey: Survey, num_outputs: int, request: Request) -> Choices:
    preset, given = request.preset, request.changed
    defaults = Choices(crops=0)
    if preset.choices is not None:
        sizes = {name: getattr(preset.choices, name) for name in ("buckets", "word_ngrams")}
        defaults = replace(rules.choices_for(survey.lengths.total()), **sizes)
    chosen: dict[str, Any] = {
        "max_length": rules.choose_max_length(survey.lengths),
        "vocabulary": min(preset.vocabulary_size, rules.choose_vocabulary_size(survey.words, num_outputs)),
    }
    # A choice that was given may only be possible without one that was not.
    choices = replace(defaults, **{name: value for name, value in chosen.items() if name not in given})
    choices = choices.changed(request.changes)
    if choices.objective == "logistic" and "learning_rate" not in given:
        choices = replace(choices, learning_rate=Choices.learning_rate)
    return choices


def choose_tables(plan: Plan, texts: Splits, labels: Sequence[str], request: Request) -> Plan:
    """Choose the number of buckets of n-grams of words and of characters, and the most of the latter in a text."""
    num_outputs, (vocabulary, spellings, preprocessing, choices) = count_outputs(len(labels)), plan
    chooses = request.from_texts and request.preset.choices is not None
    if chooses and "buckets" not in request.changed:
        words = texts.learned.limit_ngrams(preprocessing.max_length, None)
        choices = replace(choices, buckets=rules.choose_buckets(words, len(vocabulary), num_outputs, choices))
    if preprocessing.characters is not None:
        buckets = preprocessing.characters.buckets
        if "characters" not in request.changed:
            buckets = rules.choose_characters(texts.learned, vocabulary, preprocessing.characters, num_outputs)
        preprocessing = _with_characters(plan, buckets, rules.choose_most_ngrams(texts.learned))
        choices = replace(choices, characters=buckets)
    return Plan(vocabulary, spellings, preprocessing, replace(choices, vocabulary=len(vocabulary)))


def _with_characters(plan: Plan, buckets: int, most: int | None = None) -> Preprocessing:
    """Return the preprocessing of a plan that has characters with other numbers; without them for no buckets."""
    old = plan.preprocessing
    assert old.characters is not None
    settings = {**old.characters.to_json(), "buckets": buckets, "most": most or old.characters.most}
    return Preprocessing(old.max_length, old.truncating, old.rules, Characters(**settings) if buckets else None)


def drop_characters(plan: Plan) -> Plan:
    """Return a plan without character n-grams."""
    return plan._replace(preprocessing=_with_characters(plan, 0), choices=replace(plan.choices, characters=0))


def fit_size(plan: Plan, name: str, labels: Sequence[str], request: Request) -> Plan:
    """Choose how much of the vocabulary and of the buckets to keep for the target size.

    Raises:
        ValueError: If no model is as small as that.
    """
    assert request.target_size is not None
    choices = plan.choices
    budget = SizeBudget(
        request.target_size,
        count_outputs(len(labels)),
        labels,
        name,
        plan.preprocessing.rules,
        word_ngrams=choices.word_ngrams,
        target=request.target,
    )
    if plan.preprocessing.characters is not None:
        kept = choose_share(budget, choices.characters)
        plan = drop_characters(plan) if not kept else plan._replace(preprocessing=_with_characters(plan, kept))
        choices = replace(choices, characters=kept)
        budget = budget._replace(characters=kept)
    vocabulary, spellings, buckets = fit_budget(budget, plan.vocabulary, plan.spellings, choices.buckets)
    return Plan(
        vocabulary, spellings, plan.preprocessing, replace(choices, buckets=buckets, vocabulary=len(vocabulary))
    )


def make_recipe(plan: Plan, texts: Splits, labels: Sequence[str], request: Request) -> Recipe:
    """Choose how the network is fitted.

    Raises:
        ValueError: If a setting that was given is out of range, or takes texts to validate and there are none.
    """
    preset, count, characters = request.preset, len(texts.train), plan.preprocessing.characters
    chooses = request.from_texts and preset.choices is not None
    settings = rules.choose_settings(count, 0) if chooses else preset.settings
    settings = replace(settings, **{**request.settings, "validation": len(texts.validation)})
    is_small = chooses and count < rules.REFIT_BELOW
    how = "none" if request.class_weights == "auto" and not chooses else request.class_weights
    weightings = rules.weigh_classes(texts.train.targets, len(labels), how)
    candidates = len(weightings) * (1 + len(plan.choices.stronger))
    words = int(texts.train.words.sum())
    is_cheap = rules.can_cross_validate(
        words, count_outputs(len(labels)), candidates, characters=characters is not None
    )
    is_validated = len(texts.validation) > 0
    cross_validates = is_small and (is_cheap or not is_validated) and plan.choices.objective == "hinge"
    if not is_validated and not (cross_validates and settings.patience is None):
        raise ValueError("too few rows to hold some out for validation, which this needs: give --validation NUMBER")
    return Recipe(
        len(plan.vocabulary),
        len(labels),
        next(iter(weightings.values())),
        settings,
        plan.choices,
        preset.name,
        refits=is_small and request.refits,
        weightings=weightings,
        cross_validates=cross_validates,
        word_characters=count_word_characters(plan.vocabulary, characters) if characters is not None else None,
    )
