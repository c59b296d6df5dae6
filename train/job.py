"""What a run of ``python -m train`` is to do, put together and checked before anything slow begins."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from edgetext.text import LOWERCASES
from train.dataset import DataError
from train.models.choices import Choices
from train.models.presets import PRESETS
from train.models.sizing import parse_size
from train.tables.dataset import plan
from train.tables.lines import GZIP_MARK
from train.tables.source import Source, make_source
from train.tables.table import ENDINGS, is_table


class Job(NamedTuple):
    """What to train.

    Attributes:
        preset: The name of the preset.
        given: Settings that were given, by name.
        changes: Changes of the preset's other numbers, as for ``Choices.changed``.
        source: Where the texts are: the reviews, as for ``data.prepare``, or texts of one's own.
        out: The run folder to write.
        test: Whether to evaluate on the test texts at the end.
        class_weights: For texts of one's own, as for ``preparing.weigh_classes``.
        target_size: For texts of one's own, bytes that no int8 file may be larger than; None for no bound.
    """

    preset: str
    given: dict[str, int]
    changes: Sequence[str]
    source: str | Source | None
    out: Path
    test: bool = True
    class_weights: str = "auto"
    target_size: int | None = None


def _check_archive(source: str | None) -> None:
    """Refuse a file that can be neither the archive of the reviews nor, by its name, a table.

    Raises:
        DataError: It is such a file.
        OSError: It cannot be read.
    """
    if source is not None and Path(source).is_file():
        with open(source, "rb") as file:
            if file.read(len(GZIP_MARK)) != GZIP_MARK:
                raise DataError(
                    f"{source}: neither the archive of the movie reviews nor a table, whose name ends in {ENDINGS}"
                )


def make_job(args: argparse.Namespace) -> Job:
    """Put together what the command line asks for, and refuse what can be refused before all texts are read.

    Args:
        args: The options of ``python -m train``, with ``out`` filled in.

    Raises:
        ValueError: A value is out of range, or the preset does not have it.
        DataError: A file is none of those that are read, or its columns cannot be told.
        OSError: A file cannot be read.
    """
    preset = PRESETS[args.preset]
    given = {name: getattr(args, name) for name in ("epochs", "batch_size", "seed", "patience")}
    sizes = {name: getattr(args, name) for name in ("vocabulary", "max_length", "buckets")}
    changes = [*args.choice, *(f"{name}={value}" for name, value in sizes.items() if value is not None)]
    table = args.data is not None and is_table(Path(args.data))
    if changes and preset.choices is None and (not table or args.choice or args.buckets is not None):
        raise ValueError(f"preset {args.preset} has nothing to choose: --buckets and --choice are for edge")
    if args.target_size is not None and preset.choices is None:
        raise ValueError(f"--target-size is for the preset edge, not for {args.preset}")
    if table:
        if args.no_test:
            if args.test not in (None, "none"):
                raise ValueError(f"--no-test and --test {args.test} contradict each other: leave one of them out")
            args.test = "none"
        source = make_source(args, Path(args.data), args.lowercase or LOWERCASES[0])
        plan(source)
        replace(preset.settings, **{name: value for name, value in given.items() if value is not None})
        replace(preset.choices or Choices(), crops=0).changed(changes)
    else:
        _check_archive(args.data)
        given["validation"] = args.validation
    return Job(
        args.preset,
        {name: value for name, value in given.items() if value is not None},
        changes,
        source if table else args.data,
        args.out,
        not args.no_test,
        args.class_weights or "auto",
        None if args.target_size is None else parse_size(args.target_size),
    )
