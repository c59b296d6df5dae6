"""benchmarks/few_labels.py once for real on a small table, and on the tiny reviews with a stand-in for training."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import few_labels, sweep
from benchmarks.measuring import layout

Measured = Callable[..., dict[str, Any]]
QUICK = ("--epochs", "2", "--choice", "stronger=", "--class-weights", "none", "--marks", "off", "--characters", "off")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of two classes."""
    path = tmp_path / "things.csv"
    rows = "".join(f'"the {word}, number {number}",{word}\n' for word in ("spade", "spoon") for number in range(60))
    path.write_text(f"text,label\n{rows}")
    return path


@pytest.mark.slow
def test_for_real(table: Path, measured: Measured) -> None:
    found = measured(few_labels.main, "--task", f"things={table}", "--labels", "20", "--seeds", "1", "--", *QUICK)
    (row,) = found["rows"]
    assert (row["name"], row["labels"], row["seed"]) == ("things", 20, 0)
    assert row["rows"] == {"data": 20, "unlabelled": 64, "test": 36}
    assert row["alone"]["unlabelled"] == 0
    assert all(row[model]["accuracy"] > 0.9 for model in ("alone", "unlabelled"))
    shown = layout.render(few_labels.lay_out(found))
    assert "things" in shown


def test_reviews(tiny_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: Measured) -> None:
    """Those of other movies are to test on; the rest and the unlabelled ones are unlabelled texts."""
    rows: dict[str, set[tuple[str, str]]] = {}

    def call(arguments: list[str]) -> None:
        options = dict(zip(arguments[2::2], arguments[3::2]))
        for name in ("--data", "--unlabelled", "--test"):
            with Path(options[name]).open(encoding="utf-8", newline="") as file:
                rows[name] = {(row["text"], row["label"]) for row in csv.DictReader(file)}
        is_alone = options.get("--teacher") == "none"
        out = Path(options["--out"])
        out.mkdir()
        metrics = {
            "test": {"accuracy": 0.5 if is_alone else 0.75, "macro_f1": 0.25},
            "unlabelled": 0 if is_alone else 9,
        }
        (out / "metrics.json").write_text(json.dumps(metrics))

    monkeypatch.setenv("EDGETEXT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sweep, "call", call)
    monkeypatch.setattr(few_labels, "REVIEWS_TO_TEST", 10)
    found = measured(few_labels.main, "--task", f"reviews={tiny_archive}", "--labels", "8", "--seeds", "2")
    assert [row["rows"] for row in found["rows"]] == 2 * [{"data": 8, "unlabelled": 23, "test": 10}]
    assert {label for _, label in rows["--unlabelled"]} == {""}
    assert {label for name in ("--data", "--test") for _, label in rows[name]} == {"negative", "positive"}
    assert ("Nobody said whether this one is good.", "") in rows["--unlabelled"]
    texts = {name: {text for text, _ in part} for name, part in rows.items()}
    assert not texts["--test"] & (texts["--data"] | texts["--unlabelled"])
    shown = layout.render(few_labels.lay_out(found))
    assert "50.0 ± 0.0" in shown
    assert "75.0 ± 0.0" in shown
    assert "2 of 2" in shown


def test_too_many_labels(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert few_labels.main(["--task", f"things={table}", "--labels", "84"]) == 2
    assert capsys.readouterr().err == f"error: {table}: --labels 84 leaves no row of 84 unlabelled\n"
