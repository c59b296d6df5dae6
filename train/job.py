"""What a training is to do: the command line as checked, frozen values, before anything slow begins."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import RuleSet, Words
from train.dataset import DataError, Dataset
from train.models.choices import HINGE_ONLY, Choices
from train.models.presets import PRESETS, WITH_CHOICES
from train.models.recipe import Request
from train.models.sizing import parse_size
from train.reviews.dataset import read_reviews
from train.tables.dataset import read_and_report
from train.tables.options import make_options
from train.tables.plan import TablePlan, make_plan
from train.tables.table import is_archive, is_table, refuse


@dataclass(frozen=True)
class Job:
    """A training."""

    request: Request
    read: Callable[[], Dataset]
    out: Path  # the run folder to write
    test: bool = True  # whether to evaluate on the test texts at the end


def make_job(args: argparse.Namespace) -> Job:
    """Turn the options of ``python -m train`` into a job, and find what is wrong with them.

    Of a table, only the names of the columns are read.

    Raises:
        ValueError: If a value is out of range, or the preset does not have it.
        DataError: If a file cannot be used, or its columns cannot be guessed.
        OSError: If a file cannot be read.
    """
    settings = _given(args, "epochs", "batch_size", "seed", "patience")
    sizes = _given(args, "vocabulary", "max_length", "buckets", "word_ngrams")
    changes = [*args.choice, *(f"{name}={value}" for name, value in sizes.items())]
    is_own = args.data is not None and is_table(Path(args.data))
    _check_preset(args, changes, is_own=is_own)
    make = _make_table_job if is_own else _make_reviews_job
    return make(args, settings, changes)


def _given(args: argparse.Namespace, *names: str) -> dict[str, int]:
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def _check_preset(args: argparse.Namespace, changes: Sequence[str], *, is_own: bool) -> None:
    """Raise ValueError if the preset does not have what is changed."""
    if PRESETS[args.preset].choices is not None:
        return
    for option in ("unlabelled", "teacher"):
        if getattr(args, option) is not None:
            raise ValueError(f"--{option} is for the presets {WITH_CHOICES}, not for {args.preset}")
    if changes and (not is_own or args.choice or args.buckets is not None or args.word_ngrams is not None):
        raise ValueError(
            f"preset {args.preset} has no choices: --buckets, --ngrams and --choice are for {WITH_CHOICES}"
        )
    if args.target_size is not None:
        raise ValueError(f"--target-size is for the presets {WITH_CHOICES}, not for {args.preset}")


def _target(args: argparse.Namespace) -> dict[str, Any]:
    """Return the target's size and name, where they were given; ValueError for a name alone."""
    if args.target_size is None:
        if args.target is not None:
            raise ValueError("--target is for --target-size, which says how large the file may be")
        return {}
    return {"target_size": parse_size(args.target_size), **({} if args.target is None else {"target": args.target})}


def _choose_rules(args: argparse.Namespace, *, chooses: bool) -> list[RuleSet]:
    """Return the rule sets that the options allow, the plainest first; ValueError if options contradict each other.

    ``chooses`` says whether marks are chosen in training where they are not given.
    """
    default = PRESETS[args.preset].preprocessing.rules
    if args.tokenizer == KERAS_IMDB.name or (args.tokenizer is None and default == KERAS_IMDB):
        for option in ("marks", "characters"):
            if getattr(args, option) is not None:
                raise ValueError(f"--{option} is for --tokenizer words")
        return [KerasIMDB(args.lowercase) if args.lowercase else KERAS_IMDB]
    if args.lowercase is not None:
        raise ValueError("--lowercase is for --tokenizer keras-imdb: words lower-cases all letters")
    if args.marks is None:
        return [Words(marks=False), Words(marks=True)] if chooses else [Words(marks=False)]
    return [Words(args.marks == "on")]


def _choose_characters(args: argparse.Namespace, rules: Sequence[RuleSet], default: str) -> str:
    """Return whether there are character n-grams: ``"on"``, ``"off"`` or ``"auto"``."""
    has_choices = PRESETS[args.preset].choices is not None
    if args.characters is not None and not has_choices:
        raise ValueError(f"--characters is for the presets {WITH_CHOICES}, not for {args.preset}")
    return (args.characters or default) if has_choices and isinstance(rules[0], Words) else "off"


def _make_table_job(args: argparse.Namespace, settings: Mapping[str, int], changes: Sequence[str]) -> Job:
    preset = PRESETS[args.preset]
    rules = _choose_rules(args, chooses=preset.choices is not None)
    teacher = args.teacher or "auto"
    learns = preset.choices is not None and teacher != "none"
    unlabelled = tuple(args.unlabelled or ()) if learns else None
    plan = make_plan(make_options(args, Path(args.data), rules[0], unlabelled))
    replace(preset.settings, **settings)  # checks the ranges, like the next line
    replace(preset.choices or Choices(), crops=0).changed(changes)
    target = _target(args)
    final = not args.no_test
    request = Request(
        preset,
        True,
        settings,
        changes,
        rules,
        _choose_characters(args, rules, "auto"),
        args.class_weights or "auto",
        teacher=teacher,
        refits=final,
        **target,
    )
    return Job(request, partial(_read_table, plan, teacher), args.out, final)


def _read_table(plan: TablePlan, teacher: str) -> Dataset:
    """Read a table; DataError if there are no unlabelled texts for a teacher that needs them."""
    dataset = read_and_report(plan)
    if teacher == "vectors" and not dataset.count_unlabelled():
        raise DataError(
            "--teacher vectors: there are no unlabelled texts: name a file with --unlabelled, or leave the label of "
            "some rows empty"
        )
    return dataset


def _make_reviews_job(args: argparse.Namespace, settings: Mapping[str, int], changes: Sequence[str]) -> Job:
    _check_archive(args.data)
    preset = PRESETS[args.preset]
    settings = {**settings, **_given(args, "validation")}
    count = replace(preset.settings, **settings).validation
    if not count:
        raise ValueError("validation must be at least 1, not 0")
    if preset.choices is not None:
        unused = sorted(Request(preset, changes=changes).changed & HINGE_ONLY)
        if preset.choices.changed(changes).objective == "logistic" and unused:
            raise ValueError(f"--choice {unused[0]} is for the objective hinge, which tables have")
        if args.batch_size is not None:
            raise ValueError(
                f"--batch-size is for tables and the preset tutorial: {WITH_CHOICES} are fitted one review at a time"
            )
    rules = _choose_rules(args, chooses=False)
    if args.characters == "auto":
        raise ValueError("--characters auto is for tables: give on or off for the movie reviews")
    characters = _choose_characters(args, rules, "off")
    teacher = args.teacher or "auto"
    request = Request(preset, False, settings, changes, rules, characters, teacher=teacher, **_target(args))
    return Job(request, partial(read_reviews, args.data, count, by_movie=preset.by_movie), args.out, not args.no_test)


def _check_archive(source: str | None) -> None:
    """Raise DataError for a file that is neither compressed, like the archive of the reviews, nor a table."""
    if source is not None and Path(source).is_file() and not is_archive(Path(source)):
        raise DataError(f"{refuse(Path(source))} (nor the archive of the movie reviews)")
