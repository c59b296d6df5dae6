"""``python -m train.suggest``: which texts are chosen, and the file that is to be filled in."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgetext.text import Words
from train.__main__ import main as train
from train.run_folder import DEFAULT_RUN
from train.suggest.__main__ import main
from train.tables.dataset import TableDataset, read_table
from train.tables.options import TableOptions

Rows = list[dict[str, str]]
SURE = ("a wonderful and touching film", "an awful and boring film")
QUICK = ("--epochs", "2", "--choice", "stronger=", "--class-weights", "none", "--marks", "off", "--characters", "off")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the shipped run as ``run``, made from the table ``films.csv`` by its record."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(DEFAULT_RUN, "run")
    return tmp_path


@pytest.fixture
def record_table(folder: Path) -> Callable[..., None]:
    """Write ``films.csv`` and record it as the table of the run."""

    def record(first: str, *rows: str, **options: object) -> None:
        Path("films.csv").write_text("\n".join([first, *rows, ""]))
        found = read_table(TableOptions(Path("films.csv"), rules=Words(marks=False), **options))  # type: ignore[arg-type]
        config = json.loads(Path("run/config.json").read_text())
        Path("run/config.json").write_text(json.dumps({**config, "data": found.describe()}))

    return record


ROWS = tuple(f"{text} {number},{label}" for number in range(3) for text, label in zip(SURE, ("pos", "neg")))


def suggest(unlabelled: str, *options: str, out: str = "to_label.csv") -> Rows:
    """Run the command and return the rows that it wrote."""
    assert main(["--run", "run", "--unlabelled", unlabelled, "--out", out, *options]) == 0
    with open(out, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def refused(*options: str, out: str = "to_label.csv", run: str = "run") -> None:
    """Run the command and check that it fails and leaves no file."""
    before = sorted(Path().rglob("*"))
    assert main(["--run", run, "--out", out, *options]) == 2
    assert sorted(Path().rglob("*")) == before


def test_least_certain_first() -> None:
    Path("rest.txt").write_text("\n".join([*SURE, "a film", 'the "plot", and\tno more']))
    rows = suggest("rest.txt", "--count", "3")
    assert list(rows[0]) == ["text", "label", "predicted_label", "score", "line"]
    assert {row["line"] for row in rows[:2]} == {"3", "4"}
    assert rows[2]["text"] in SURE
    assert rows[2]["predicted_label"] == ("positive" if rows[2]["text"] == SURE[0] else "negative")
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores)
    assert 0.5 <= scores[0] < 0.8 < scores[2] <= 1
    assert {row["label"] for row in rows} == {""}


def test_unlike_each_other() -> None:
    """Of texts that the model is equally unsure of, not the first are taken, which are alike."""
    alike = [f"qwer asdf yxcv poiu {word} lkjh" for word in "abcdefghijklmnopqrstuvwxyz"]
    unlike = [f"{word}{word} {word}{word}{word} asdf" for word in "bcdefghjk"]
    Path("rest.txt").write_text("\n".join([*alike, *unlike]))
    found = {row["text"] for row in suggest("rest.txt", "--count", "10")}
    assert len(found & set(unlike)) > 5
    assert found & set(alike)


def test_what_is_labelled_is_left_out(record_table: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    record_table("text,label", *ROWS)
    unlabelled = ["open thing", "Open THING!", "A wonderful and touching film: 1", "new thing", "..."]
    Path("rest.csv").write_text("text,label\n" + "".join(f"{text},\n" for text in unlabelled) + "told,pos\ntold!,\n")
    assert {row["text"] for row in suggest("rest.csv")} == {"open thing", "new thing"}
    out = capsys.readouterr().out
    assert "rest.csv: 2 rows left out: same words as a row with a label (lines 4 and 8)\n" in out
    assert "rest.csv: 1 row left out: same words as an earlier row without a label (line 3)\n" in out
    assert "rest.csv: 1 row left out: no word in the text (line 6)\n" in out
    assert "rest.csv: 1 row left out: labelled already\n" in out
    assert "wrote to_label.csv: 2 of 2 texts, the least certain first; next: fill in 'label'" in out


def test_a_table_that_is_partly_labelled(record_table: Callable[..., None]) -> None:
    record_table("text,label", *ROWS, "open thing,", "other,")
    assert [row["line"] for row in sorted(suggest("films.csv"), key=lambda row: row["line"])] == ["8", "9"]


def test_the_table_of_the_run_is_elsewhere(
    record_table: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    record_table("text,label", *ROWS)
    Path("rest.txt").write_text(f"{SURE[0]} 1\nother\nthird\n")
    Path("films.csv").rename("grown.csv")
    with open("grown.csv", "a") as file:
        file.write("third,pos\n")
    assert len(suggest("rest.txt", out="all.csv")) == 3
    assert "note: no films.csv, which the run was made from: its texts are not left out" in capsys.readouterr().out
    assert [row["text"] for row in suggest("rest.txt", "--data", "grown.csv")] == ["other"]
    refused("--unlabelled", "rest.txt", "--data", "nowhere.csv", out="other.csv")


def read(path: str, **options: object) -> TableDataset:
    return read_table(TableOptions(Path(path), unlabelled=(), rules=Words(marks=False), **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("title,body,queue", ["title", "body", "queue", "predicted_label", "score", "line"]),
        ("line,score,predicted_label", ["line", "score", "predicted_label", "predicted_label_2", "score_2", "line_2"]),
    ],
)
def test_several_columns(record_table: Callable[..., None], header: str, expected: list[str]) -> None:
    """The columns have the run's names, and training reads the same text from them."""
    *texts, label = header.split(",")
    columns = {"text_columns": tuple(texts), "label_column": label}
    record_table(header, *(f"a,{row}" for row in ROWS), **columns)
    Path("rest.jsonl").write_text(json.dumps({texts[0]: "One", texts[1]: 'more \u00e9t\u00e9\n\n"thing"'}))
    (row,) = suggest("rest.jsonl")
    assert list(row) == expected
    text = 'One more \u00e9t\u00e9\n\n"thing"'
    assert (row[texts[0]], row[texts[1]], row[label]) == (text, "", "")
    labelled = [{**row, label: name} for name in ("pos", "neg") for _ in range(3)]
    with open("to_label.csv", "a", newline="") as file:
        csv.DictWriter(file, expected).writerows(labelled)
    found = read("to_label.csv", **columns)
    assert {text.text for split in ("train", "unlabelled") for text in found.texts(split)} == {text}


def test_without_a_header(record_table: Callable[..., None]) -> None:
    rows = [f"{label},{text}" for text, label in (row.split(",") for row in ROWS)]
    record_table(rows[0], *rows[1:], text_columns=("2",), label_column="1", header=False)
    Path("rest.csv").write_text(",open thing\npos,closed\n")
    (row,) = suggest("rest.csv")
    assert (row["text"], row["label"], row["line"]) == ("open thing", "", "1")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rest.csv", b"id,words\n1,some\n", "which column holds the text? Rename it to 'text'; the columns are 'id', "),
        ("rest.csv", b"\x7fELF\x02\x01\0\0\0\0>\0\n\0\0", ""),
        ("rest", b"\x7fELF\x02\x01\0\xff\0\xfe>\0\n\0\0", ""),
        ("rest.csv", b"", "the file is empty"),
        ("rest.csv", b"text,label\none,x\ntwo,y\n", "no text without a label is left"),
        ("rest.xlsx", b"PK\x03\x04", "workbooks are not read: save the sheet as CSV"),
    ],
)
def test_files_that_cannot_be_used(
    name: str, content: bytes, message: str, capsys: pytest.CaptureFixture[str], error_line: Callable[[str], str]
) -> None:
    Path(name).write_bytes(content)
    refused("--unlabelled", name)
    assert f"{name}: {message}" in error_line(capsys.readouterr().err)


def test_no_file_is_replaced(capsys: pytest.CaptureFixture[str], error_line: Callable[[str], str]) -> None:
    Path("rest.txt").write_text("one text\n")
    Path("done.csv").write_text("text,label\none,a\n")
    refused("--unlabelled", "rest.txt", out="done.csv")
    expected = "done.csv: the file exists, and may have labels in it: give --out another name"
    assert error_line(capsys.readouterr().err) == expected
    assert Path("done.csv").read_text() == "text,label\none,a\n"
    refused("--unlabelled", "rest.txt", out="done.txt")
    assert "must end in .csv" in error_line(capsys.readouterr().err)
    refused("--unlabelled", "rest.txt", out="nowhere/done.csv")
    assert "nowhere/done.csv: No such file or directory" in error_line(capsys.readouterr().err)
    refused("--unlabelled", "rest.txt", run="films")
    assert "no run at films" in error_line(capsys.readouterr().err)
    refused("--unlabelled", "rest.txt", "--delimiter", ";")
    assert "--delimiter is for .csv files" in error_line(capsys.readouterr().err)


@pytest.mark.parametrize("count", ["0", "-1", "1001"])
def test_counts(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--run", "run", "--unlabelled", "rest.txt", "--out", "a.csv", "--count", count])
    assert f"--count must be from 1 to 1,000, not {count}" in capsys.readouterr().err


@pytest.mark.slow
def test_what_was_filled_in_trains(capsys: pytest.CaptureFixture[str]) -> None:
    """From many labels to a table of a few, some rows of which nobody labelled."""
    names = [f"kind {number}" for number in range(60)]
    Path("t.csv").write_text("body,kind\n" + "".join(f"{name} thing {n},{name}\n" for name in names for n in range(5)))
    assert train(["--data", "t.csv", "--label-column", "kind", *QUICK, "--out", "own"]) == 0
    Path("rest.csv").write_text("body\n" + "".join(f"{name} or other {n}\n" for name in names for n in range(2)))
    found = suggest("rest.csv", "--run", "own", "--count", "65")
    assert len({row["body"] for row in found}) == 65
    assert {row["predicted_label"] for row in found} <= set(names)
    for number, row in enumerate(found[:60]):
        row["kind"] = names[number % 3]
    with open("filled.csv", "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    capsys.readouterr()
    assert train(["--data", "filled.csv", "--label-column", "kind", *QUICK]) == 0
    assert "filled.csv: 5 rows kept as unlabelled text: no label" in capsys.readouterr().out
    record = json.loads(Path("runs/filled/config.json").read_text())["data"]
    assert sum(sum(counts.values()) for counts in record["rows"].values()) == 60


@pytest.mark.slow
def test_tutorial(record_table: Callable[..., None]) -> None:
    record_table("text,label", *(f"{text} {number},{label}" for number in range(30) for text, label in zip(SURE, "ab")))
    assert train(["--data", "films.csv", "--preset", "tutorial", "--epochs", "2", "--out", "own"]) == 0
    Path("rest.txt").write_text("boring or touching\n")
    (row,) = suggest("rest.txt", "--run", "own")
    assert row["predicted_label"] in ("a", "b")
    assert 0.5 <= float(row["score"]) <= 1
