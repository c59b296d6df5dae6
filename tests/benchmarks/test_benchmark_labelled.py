"""Texts to score a run with: the reviews, or rows of a table, as the training stage divides them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import accuracy, labelled
from benchmarks.common import BenchmarkError
from train.tables import dataset as train_texts
from train.tables.source import Source

ErrorLine = Callable[[str], str]
WORDS = ("lamp", "cable", "invoice", "parcel", "refund", "courier", "socket", "receipt", "voucher", "doorbell")


def rows_of(count: int) -> list[tuple[str, str]]:
    """Make different texts and labels."""
    return [(f"the {WORDS[i % 10]} {WORDS[i // 10 % 10]} number{i}", f"queue-{i % 3}") for i in range(count)]


def write_csv(path: Path, rows: list[tuple[str, str]], head: str = "body,queue") -> Path:
    content = "\n".join([head, *(f"{text},{label}" for text, label in rows)]) + "\n"
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return path


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "tickets.csv", rows_of(60))


def make_run(folder: Path, source: Source) -> Path:
    """Make a run's folder as far as it tells of its texts."""
    found = train_texts.scan(source)
    folder.mkdir()
    config = {"data": found.describe(), "labels": list(found.labels), "preprocessing": {"lowercase": "ascii"}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture
def run(tickets: Path, tmp_path: Path) -> Path:
    return make_run(tmp_path / "run", Source(tickets, ("body",), "queue"))


def test_of_the_table_that_was_trained_on_what_was_held_out(tickets: Path, run: Path) -> None:
    found = labelled.find(str(tickets), run)
    expected = list(train_texts.scan(Source(tickets, ("body",), "queue")).texts("test"))
    assert len(expected) == 12
    assert [(review.text, review.label) for review in found.reviews] == [(row.text, row.label) for row in expected]
    assert str(found) == "12 test rows of tickets.csv"
    few = labelled.find(str(tickets), run, 5)
    assert str(few) == "5 of 12 test rows of tickets.csv"
    assert set(few.reviews) < set(found.reviews)


def test_of_a_table_with_a_test_of_its_own_that(tickets: Path, tmp_path: Path) -> None:
    held = write_csv(tmp_path / "held.csv", rows_of(90)[60:])
    run = make_run(tmp_path / "run", Source(tickets, ("body",), "queue", test=str(held)))
    for data in (tickets, held):
        assert str(labelled.find(str(data), run)) == "30 rows of held.csv"


@pytest.mark.parametrize("name", ["newer.csv", "newer.csv.gz"])
def test_of_another_table_all_rows(name: str, run: Path, tmp_path: Path) -> None:
    rows = rows_of(90)[60:]
    found = labelled.find(str(write_csv(tmp_path / name, rows)), run)
    assert [(review.text, review.label) for review in found.reviews] == rows
    assert str(found) == f"30 rows of {name}"


def test_what_the_training_stage_wrote_is_read_whatever_the_runs_columns_are_called(
    tickets: Path, run: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    labelled.ask_texts(tickets, rows, "--run", str(run))
    found = labelled.find(str(rows), run)
    held = labelled.find(str(tickets), run)
    assert [review.text for review in found.reviews] == [review.text for review in held.reviews]
    # Other JSON lines have the columns that the run knows.
    other = tmp_path / "other.jsonl"
    other.write_text('{"body": "a lamp", "queue": "queue-1", "id": 5}\n')
    assert [(review.text, review.label) for review in labelled.find(str(other), run).reviews] == [("a lamp", "queue-1")]


@pytest.mark.parametrize("config", [None, "{", "[]", '{"data": {"name": "reviews", "reviews": {}}}'])
def test_a_run_of_the_reviews_is_scored_as_ever(config: str | None, labelled_file: Path, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    assert str(labelled.find(str(labelled_file), tmp_path)) == "10 texts of labelled.jsonl"


@pytest.fixture
def labelled_file(request: pytest.FixtureRequest) -> Path:
    """The ten reviews, whose fixture has the name of the module under test."""
    path: Path = request.getfixturevalue("labelled")
    return path


def test_a_table_must_be_named(run: Path) -> None:
    with pytest.raises(
        BenchmarkError, match=r"was trained on tickets.csv, not on the reviews: name it with --data tic"
    ):
        labelled.find(None, run)


def test_what_the_training_stage_says_is_passed_on(tickets: Path, run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tickets.with_name("empty.csv").write_text("")
    for name, message in (("nowhere.csv", "nowhere.csv"), ("empty.csv", "the file is empty")):
        with pytest.raises(BenchmarkError, match=message):
            labelled.find(str(tickets.with_name(name)), run)
    tickets.write_text("body,queue\nanother text,queue-1\n")
    with pytest.raises(BenchmarkError, match="it is not as it was when the run was trained"):
        labelled.find(str(tickets), run)
    assert capfd.readouterr().err == ""


def test_a_bundle_of_another_run_is_one_line(
    default_run: Path, run: Path, capfd: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    """The shipped bundle, and a run with its network that says that it was trained on a table."""
    (run / "model.keras").write_bytes((default_run / "model.keras").read_bytes())
    assert accuracy.main(["--run", str(run)]) == 2
    assert error_line(capfd.readouterr().err).endswith("name it with --data tickets.csv")
    assert accuracy.main(["--run", str(run), "--data", str(run.with_name("tickets.csv")), "--recipe", "wi8_afp64"]) == 2
    message = error_line(capfd.readouterr().err)
    assert "its label is 'queue-" in message
    assert message.endswith("and the bundle has negative, positive")


def test_many_labels_are_not_all_listed() -> None:
    from benchmarks import scoring
    from benchmarks.texts import Review

    labels = [f"label-{place}" for place in range(40)]
    with pytest.raises(BenchmarkError) as raised:
        scoring.make_task([Review("x", "r1", "other")], labels)
    assert str(raised.value).endswith("label-10, label-11, ... (40 labels)")


def test_arguments_that_are_no_paths_are_not_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A table is sought where the command was typed, not where the training stage is run."""
    seen: list[Any] = []

    def run(command: list[str], **options: Any) -> Any:
        seen.append((command[3:], options["cwd"]))
        return type("Done", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr(labelled.subprocess, "run", run)
    monkeypatch.chdir(tmp_path)
    labelled.ask_texts("t.csv", tmp_path / "o.jsonl", "--split", "train")
    assert seen == [(["--data", str(tmp_path / "t.csv"), "--split", "train"], labelled.ROOT)]
