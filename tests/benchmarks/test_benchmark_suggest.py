"""benchmarks/suggest.py, with stand-ins for training and for choosing."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import suggest, sweep
from benchmarks.measuring import layout


def read(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, list[tuple[str, str]]]]:
    """The rows of each training by file; what is suggested are the last rows."""
    found: list[dict[str, list[tuple[str, str]]]] = []

    def call(arguments: list[str]) -> None:
        options = dict(zip(arguments[2::2], arguments[3::2]))
        out = Path(options["--out"])
        if arguments[1] == "train.suggest":
            rest = read(Path(options["--unlabelled"]))
            assert {label for _, label in rest} == {""}
            with out.open("w", newline="") as file:
                csv.writer(file).writerows([("text", "label"), *rest[-int(options["--count"]) :]])
            return
        found.append({out.name: read(Path(options["--data"])), "test": read(Path(options["--test"]))})
        out.mkdir()
        accuracy = {"labelled": 0.5, "random": 0.6, "suggested": 0.7}[out.name]
        (out / "metrics.json").write_text(json.dumps({"test": {"accuracy": accuracy, "macro_f1": accuracy / 2}}))

    monkeypatch.setattr(sweep, "call", call)
    return found


def test_models(
    tables: list[dict[str, list[tuple[str, str]]]], measured: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    rows = [(f'say "{number}", twice', "ab"[number % 2]) for number in range(500)]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    found = measured(suggest.main, "--task", f"things={tmp_path / 't.csv'}", "--seeds", "2")
    assert [(row["name"], row["seed"]) for row in found["rows"]] == [("things", 0), ("things", 1)]
    for seed in range(2):
        files = {name: set(part) for table in tables[3 * seed : 3 * seed + 3] for name, part in table.items()}
        assert {name: len(part) for name, part in files.items()} == {
            "labelled": 100,
            "suggested": 200,
            "random": 200,
            "test": 150,
        }
        assert set().union(*files.values()) <= set(rows)
        assert files["labelled"] <= files["suggested"] & files["random"]
        assert not files["test"] & (files["suggested"] | files["random"])
    assert tables[0]["labelled"] != tables[3]["labelled"]
    shown = layout.render(suggest.lay_out(found))
    assert "things" in shown
    assert "+10.0 ± 0.0" in shown
