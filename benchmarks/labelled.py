"""Labelled texts for a benchmark of accuracy: the reviews, or the rows of a table that a run did not see.

Which rows these are is known to the training stage, as columns and splits are: `python -m train.texts` writes them. No
stage's code is imported for that.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import texts
from benchmarks.common import ROOT, BenchmarkError, last_line


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--data`` for ``find``."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="labelled texts (.jsonl with text and label), or the reviews' archive or folder (default: as python -m "
        "train); for a run that was trained on a table, that table or another one",
    )


def find(data: str | None, run: Path, limit: int | None = None) -> texts.Texts:
    """Find and read the texts to score a run's model with.

    Args:
        data: The value of ``--data``. For a run that was trained on a table it is a table: of that very file the rows
            that the run held out to test are read, of another file all rows.
        run: The run's folder.
        limit: As for ``texts.find``.

    Raises:
        BenchmarkError: There are no such texts, or the run was trained on a table and ``data`` is None.
    """
    recorded = _recorded(run)
    if recorded is None:
        return texts.find(data, limit)
    trained_on = recorded["files"]["train"]["name"]
    if data is None:
        raise BenchmarkError(f"{run} was trained on {trained_on}, not on the reviews: name it with --data {trained_on}")
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        ask_texts(data, rows, "--run", os.path.abspath(run), "--split", "test", *_columns(Path(data)))
        found = texts.find(str(rows), limit)
    name = os.path.basename(data)
    source = f"rows of {name}"
    if name == trained_on:
        files = recorded["files"]
        source = f"rows of {files['test']['name']}" if "test" in files else f"test rows of {name}"
    return found._replace(source=source)


def _recorded(run: Path) -> dict[str, Any] | None:
    """Give what a run tells of its table; None if it was not trained on one."""
    try:
        data = json.loads((run / "config.json").read_text("utf-8"))["data"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return data if isinstance(data, dict) and "files" in data else None


def _columns(path: Path) -> list[str]:
    """Name the columns of a file that `python -m train.texts` wrote, which the run may have under other names."""
    try:
        with path.open(encoding="utf-8") as file:
            names = set(json.loads(file.readline())) if path.suffix == ".jsonl" else set()
    except (OSError, ValueError, TypeError):
        return []  # let that command say what is wrong with it
    return ["--text-column", "text", "--label-column", "label"] if names == {"id", "label", "text"} else []


def ask_texts(data: str | Path, out: Path, *options: str) -> None:
    """Ask the training stage for rows of a table, as JSON lines with ``id``, ``label`` and ``text``.

    Args:
        data: The table.
        out: The file to write.
        options: Of `python -m train.texts`.

    Raises:
        BenchmarkError: It cannot read them.
    """
    command = [sys.executable, "-m", "train.texts", "--data", os.path.abspath(data), *options]
    with out.open("wb") as file:
        done = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise BenchmarkError(last_line(done.stderr) or "python -m train.texts failed")
    sys.stderr.write(done.stderr)
