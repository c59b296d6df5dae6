"""How a run read and divided its texts, from its ``config.json``, for commands that need the same texts again."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

from train.dataset import DataError
from train.tables.source import Source, make_source
from train.tables.table import is_table


class Recorded(NamedTuple):
    """What a run tells of its texts.

    Attributes:
        source: How to read and divide them.
        files: Name and SHA-256 of the files by split.
        rows: Rows by split and label.
        labels: The labels of the model.
    """

    source: Source
    files: dict[str, dict[str, str]]
    rows: dict[str, dict[str, int]]
    labels: tuple[str, ...]

    @property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of the files by split."""
        return {split: file["sha256"] for split, file in self.files.items()}


def read_recorded(run: Path, args: argparse.Namespace) -> Recorded:
    """Read how a run read and divided its texts.

    Args:
        run: The run's folder.
        args: The command line, with ``data`` and what ``add_arguments`` added. What it says of columns, encoding and
            files goes before what the run says; the run's files are sought beside ``data``.

    Raises:
        DataError: There is no such run, it was trained on something else, or the command line divides otherwise.
    """
    try:
        config = json.loads((run / "config.json").read_text("utf-8"))
        record, lowercase = config["data"], config["preprocessing"].get("lowercase", Source.lowercase)
        if "files" not in record:
            raise DataError(f"{run}: this run was not trained on a table")
        source = make_source(_filled_in(args, record), args.data, lowercase)
        return Recorded(source, record["files"], record["rows"], tuple(config["labels"]))
    except OSError as error:
        raise DataError(f"{run}: not a run: config.json: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise DataError(f"{run}: not a run: its config.json is not as training writes it") from None


def _filled_in(args: argparse.Namespace, record: dict[str, Any]) -> argparse.Namespace:
    """Put what a run's record says where the command line says nothing."""
    parts = {name: getattr(args, name) for name in ("validation", "test")}
    if args.split_seed is not None or any(part is not None and not is_table(part) for part in parts.values()):
        raise DataError(
            "a run tells how rows are divided: leave out --split-seed, and --validation and --test but for files"
        )
    for name, part in parts.items():
        recorded = record[name] or "none"
        parts[name] = part or (str(args.data.parent / recorded) if is_table(recorded) else recorded)
    others = {name: getattr(args, name) or record[name] for name in ("label_column", "encoding", "delimiter")}
    columns = args.text_column or record["text_columns"]
    return argparse.Namespace(
        **{**vars(args), **parts, **others, "text_column": columns, "split_seed": record["split_seed"]}
    )
