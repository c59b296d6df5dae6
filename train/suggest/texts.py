"""The unlabelled texts of a file, without those that are labelled already."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from edgetext.encoder import Preprocessing
from edgetext.tables.options import NAMES, make_dialect
from train.dataset import TRAIN, UNLABELLED, DataError
from train.run_folder import read_config
from train.tables.columns import Columns, choose_text_columns
from train.tables.division import leave_out_copies
from train.tables.index import TableIndex
from train.tables.options import TableOptions
from train.tables.plan import check_columns, check_use
from train.tables.reading import read_index
from train.tables.recorded import read_recorded
from train.tables.table import Table, open_texts

# The columns of runs that have none: on movie reviews, on a table without a header, or on probabilities alone.
TEXT, LABEL = "text", "label"


def read_options(args: argparse.Namespace) -> tuple[TableOptions, dict[str, Path]]:
    """Return how the run reads tables, and its own tables by split, which are expected beside the unlabelled texts.

    Raises:
        RunError: If there is no run.
        DataError: If its ``config.json`` is damaged.
    """
    said = make_dialect(args)
    given = {name: getattr(said, name) for name in NAMES if getattr(said, name) is not None}
    config = read_config(args.run)
    if "files" not in config.get("data", {}):
        rules = Preprocessing.from_json(config["preprocessing"]).rules
        return TableOptions(args.unlabelled, (TEXT,), rules=rules, **given), {TRAIN: args.data} if args.data else {}
    options, files, *_ = read_recorded(args.run, args.unlabelled, given)
    tables = {split: args.unlabelled.parent / file["name"] for split, file in files.items()}
    return options, tables | ({TRAIN: args.data} if args.data else {})


def name_columns(options: TableOptions) -> list[str]:
    """Return the names of the columns that the run reads, the label's last; numbers stand for names of no header."""
    names = [*options.text_columns, options.label_column or LABEL]
    return [TEXT, LABEL] if all(name.isdigit() for name in names) else names


def read_texts(args: argparse.Namespace) -> tuple[TableIndex, TableOptions]:
    """Read the unlabelled texts that the command line names, and print what is left out.

    Rows with a label are left out. So are texts with the words of such a row, of a row in the run's tables, or of an
    earlier text.

    Returns:
        The texts, of the split ``UNLABELLED``, and how the run reads tables.

    Raises:
        DataError: If a file cannot be read, or no text is left.
        RunError: If there is no run.
    """
    options, tables = read_options(args)
    table = open_texts(args.unlabelled)
    check_use(make_dialect(args), table, [table])
    found = table.written_as(options.given).inspect(options.text_columns)
    columns = choose_text_columns(args.unlabelled, found.names, options.text_columns, is_headless=found.is_headless)
    if (label := options.label_column or LABEL) in found.names:
        columns = columns._replace(label=label)
    check_columns(found, columns, UNLABELLED)
    read = read_index(found.table, columns, TRAIN, {}, options.rules, keeps_unlabelled=True)
    texts = read.unlabelled
    assert texts is not None
    leave_out_copies([texts], {"": read, **dict(_read_labelled(tables, options, args))})
    for finding in (*read.findings, *texts.findings):
        if finding.kind != UNLABELLED:
            print(finding, flush=True)
    if labelled := len(read.lines):
        print(f"{args.unlabelled.name}: {labelled:,} row{'s' * (labelled > 1)} left out: labelled already")
    if not texts.count(UNLABELLED):
        raise DataError(f"{args.unlabelled}: no text without a label is left")
    return texts, options


def _read_labelled(
    tables: Mapping[str, Path], options: TableOptions, args: argparse.Namespace
) -> Iterator[tuple[str, TableIndex]]:
    """Read the labelled rows of tables, and print which tables are missing; one that was named must be there."""
    for split, path in tables.items():
        if options.label_column is None and options.probabilities:
            return  # a label by hand is better than the probabilities of another model
        if not path.exists() and path != args.data:
            print(f"note: no {path}, which the run was made from: its texts are not left out", flush=True)
            continue
        dialect = None if path == args.data else options.dialects.get(split)
        table = Table(path).written_as(options.given) if dialect is None else Table(path, dialect)
        columns = Columns(options.text_columns, options.label_column or LABEL)
        found = table.inspect(columns.all)
        check_columns(found, columns, split)
        yield split, read_index(found.table, columns, split, {}, options.rules, options.drop_labels)
