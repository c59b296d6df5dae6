"""The test texts of a run: the test reviews, or the rows of a table that the run did not see."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from train.dataset import DataError, LabelledText
from train.reviews.dataset import load_split
from train.run import Run
from train.tables.dataset import Text
from train.tables.options import add_table_arguments
from train.tables.recorded import read_for_run, read_recorded
from train.tables.report import ReportedError


class LabelledTexts(NamedTuple):
    """Labelled texts that were not fitted.

    Attributes:
        description: What they are, such as ``"test reviews"``.
        texts: The texts.
        targets: The index of each text's label.
    """

    description: str
    texts: list[str]
    targets: list[int]


def load_labelled_texts(run: Run, data: str | None) -> LabelledTexts:
    """Load the test texts of a run.

    Args:
        run: The run.
        data: For a run that was trained on the movie reviews, their archive or folder; None finds them as training
            does. For a run that was trained on a table, that table, of which the test rows are taken, or another one,
            of which all rows are taken.

    Raises:
        DataError: If there are no such texts, or the run was trained on a table and ``data`` is None.
    """
    files = run.config.get("data", {}).get("files")
    found: Sequence[LabelledText]
    if files is None:
        description, found = "test reviews", load_split("test", data)
    elif data is None:
        name = files["train"]["name"]
        raise DataError(f"{run.folder} was trained on {name}, not on the reviews: name it with --data {name}")
    else:
        description, found = _describe(files, Path(data)), _read_table(run, Path(data))
    labels = run.config["labels"]
    return LabelledTexts(description, [row.text for row in found], [labels.index(row.label) for row in found])


def _describe(files: dict[str, dict[str, str]], data: Path) -> str:
    if data.name != files["train"]["name"]:
        return f"rows of {data.name}"
    return f"rows of {files['test']['name']}" if "test" in files else f"test rows of {data.name}"


def _read_table(run: Run, data: Path) -> list[Text]:
    """Return the usable rows; print what is wrong with the others."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    add_table_arguments(parser)
    try:
        table = read_for_run(read_recorded(run.folder, parser.parse_args(["--data", str(data)])), "test")
    except ReportedError as error:
        print("\n".join(error.report.lines()), file=sys.stderr)
        raise
    for line in table.report.lines():
        print(line, file=sys.stderr)
    if not table.counts["test"]:
        raise DataError(f"{data}: there are no rows to test on")
    return list(table.texts("test"))
