"""Checking and dividing labelled texts, and the command that writes them."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import random
import subprocess
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetext.encoder import Preprocessing
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.text import RuleSet
from train import texts as command_line
from train.dataset import DataError
from train.tables.columns import ordered
from train.tables.dataset import TableDataset, Text, read_table
from train.tables.index import SPLITS
from train.tables.options import TableOptions, add_table_arguments, make_options
from train.tables.reading import sha256
from train.tables.report import ReportedError, count_rows
from train.tables.splits import draw, mix_seed, share_out

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a CSV file of rows of (text, label)."""

    def write(rows: Sequence[tuple[str, str]], name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
        return path

    return write


def many(count: int, labels: str = "ab") -> list[tuple[str, str]]:
    """Make rows of different words."""
    return [(f"text number {number}", labels[number % len(labels)]) for number in range(count)]


def read(found: TableDataset) -> dict[str, list[Text]]:
    return {split: list(found.texts(split)) for split in SPLITS}


def record_of(row: Text) -> dict[str, Any]:
    """Return a row with a label as it is written."""
    assert row.probabilities is None
    return {"id": row.id, "label": row.label, "text": row.text}


def refused(source: TableOptions) -> ReportedError:
    with pytest.raises(ReportedError) as caught:
        read_table(source)
    assert "\n" not in str(caught.value)
    return caught.value


# Dividing


@pytest.mark.parametrize("seed", range(5))
def test_shares(seed: int) -> None:
    """They add up, are within one of the exact share, and leave one of each."""
    random.seed(seed)
    for _ in range(300):
        sizes = [random.choice((0, 1, 2, 3, 10, 1000)) + random.randrange(3) for _ in range(random.randint(1, 9))]
        most = sum(max(0, size - 1) for size in sizes)
        total = random.randint(0, most + 3)
        shares = share_out(total, sizes)
        assert sum(shares) == min(total, most)
        assert all(share <= max(0, size - 1) for share, size in zip(shares, sizes))
        exact = [total * size / max(1, sum(sizes)) for size in sizes]
        if all(part < size - 1 or not size for part, size in zip(exact, sizes)):
            assert all(abs(share - part) < 1 for share, part in zip(shares, exact))
            # The largest remainders are those that are rounded up.
            up = [part - int(part) for share, part in zip(shares, exact) if share > part]
            down = [part - int(part) for share, part in zip(shares, exact) if share < part]
            assert min(up, default=1) >= max(down, default=0) - 1e-9


@pytest.mark.parametrize(("validation", "test"), [("0.1", "0.2"), ("0.25", None), ("17", "0.5"), ("0.3", "40")])
def test_splits(write: Write, validation: str, test: str | None) -> None:
    rows = [(f"word{number}", "aaaaaaabbbc"[number % 11]) for number in range(500)]
    found = read_table(TableOptions(write(rows), validation=validation, test=test))
    parts = read(found)
    # Every row once, as it is in the file, in its order.
    assert sorted(row.id for part in parts.values() for row in part) == sorted(f"t.csv:{n}" for n in range(2, 502))
    for part in parts.values():
        lines = [int(row.id.partition(":")[2]) for row in part]
        assert lines == sorted(lines)
        assert all((row.text, row.label) == rows[line - 2] for row, line in zip(part, lines))
    # As many as were asked for, of each label in proportion.
    tested = 0 if test is None else int(test) if test.isdigit() else round(float(test) * 500)
    validated = int(validation) if validation.isdigit() else round(float(validation) * (500 - tested))
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 500 - tested - validated,
        "validation": validated,
        "test": tested,
    }
    sizes = Counter(label for _, label in rows)
    for split, part in parts.items():
        counts = Counter(row.label for row in part)
        assert all(abs(counts[label] - len(part) * size / 500) < 2 for label, size in sizes.items())
        assert found.counts[split] == dict(sorted(counts.items()))
    assert found.findings == ()


def test_splits_do_not_depend_on_the_order(write: Write) -> None:
    rows = many(300, "aab")
    first = read(read_table(TableOptions(write(rows))))
    random.seed(1)
    random.shuffle(rows)
    second = read(read_table(TableOptions(write(rows, "u.csv"))))
    for split in SPLITS:
        assert {row.text for row in first[split]} == {row.text for row in second[split]}


def test_splits_depend_on_the_seed(write: Write) -> None:
    path = write(many(300))
    drawn = [
        {row.text for row in read_table(TableOptions(path, split_seed=seed)).texts("test")}
        for seed in (0, 0, 1, 2**64, -5)
    ]
    assert drawn[0] == drawn[1]
    for one, other in ((0, 2), (0, 4), (2, 4)):
        # As many in common as by chance: 12 of 60.
        assert 3 < len(drawn[one] & drawn[other]) < 25


def test_splits_stay_the_same() -> None:
    """What a run held out must be found again by later versions."""
    digests = np.arange(20, dtype=np.uint64) << np.uint64(40)
    labels = np.array([0, 1] * 10, np.uint16)
    assert np.flatnonzero(draw(digests, labels, 6, 7)).tolist() == [2, 4, 7, 10, 13, 19]
    # The first two numbers of SplitMix64 from the state 1234567, as published with it.
    mixed = [mix_seed(np.array([1234567], np.uint64), seed)[0] for seed in (0, 1)]
    assert mixed == [6457827717110365317, 3203168211198807973]


def test_the_test_does_not_depend_on_the_validation(write: Write) -> None:
    path = write(many(300))
    assert list(read_table(TableOptions(path)).texts("test")) == list(
        read_table(TableOptions(path, validation="50")).texts("test")
    )


def test_a_fraction_validates_no_more_than_memory_holds(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.tables.division.MAX_VALIDATION", 10)
    path = write(many(300))
    assert sum(read_table(TableOptions(path, validation="0.5")).counts["validation"].values()) == 10
    assert sum(read_table(TableOptions(path, validation="30")).counts["validation"].values()) == 30


def test_files_of_their_own(write: Write) -> None:
    path, other, third = write(many(50)), write(many(9, "cab"), "v.csv"), write([("only one", "a")] * 3, "w.csv")
    found = read_table(TableOptions(path, validation=str(other), test=str(third)))
    assert found.counts == {"train": {"a": 22, "b": 22}, "validation": {"a": 3, "b": 3}, "test": {"a": 3, "b": 0}}
    assert found.labels == ("a", "b")
    assert [*map(str, found.findings)] == [
        "t.csv: 6 rows left out: same words as a row in v.csv (lines 3, 4, 6 and 3 more)",
        "v.csv: 3 rows left out: a label that training does not have: 'c' (3) (lines 2, 5 and 8)",
        "w.csv: 2 rows kept: same words as an earlier row (lines 3 and 4)",
    ]
    assert [row.id for row in found.texts("test")] == ["w.csv:2", "w.csv:3", "w.csv:4"]
    assert [row.id for row in found.texts("validation")] == [f"v.csv:{n}" for n in (3, 4, 6, 7, 9, 10)]


def test_no_test(write: Write) -> None:
    found = read_table(TableOptions(write(many(50)), test=None))
    assert found.counts["test"] == {}
    assert list(found.texts("test")) == []
    assert found.describe()["test"] is None


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("b a", "a b"),
        ("10 9 -1 2", "-1 2 9 10"),
        ("10 9 x", "10 9 x"),
        ("1.5 10 9", "1.5 10 9"),
        ("B a Ä z", "B a z Ä"),
        ("² 1 10", "1 10 ²"),
        ("01 1 0", "0 01 1"),
    ],
)
def test_order_of_labels(labels: str, expected: str) -> None:
    assert ordered(labels.split()) == tuple(expected.split())


# What is found


def test_rows_that_repeat_others(write: Write) -> None:
    """All stay, and each of the kinds is reported."""
    rows = [
        ("great movie", "b"),
        ("Great  movie!", "a"),
        ("GREAT-MOVIE", "a"),
        ("movie great", "b"),
        ("movie great", "b"),
    ]
    found = read_table(TableOptions(write([*rows, *many(40)])))
    assert [*map(str, found.findings)] == [
        "t.csv: 3 rows kept: same words as an earlier row (lines 3, 4 and 6)",
        "t.csv: 1 row kept: another label than most rows with the same words, in 1 text (line 2)",
    ]
    assert found.describe()["report"] == {"t.csv": {"repeated": 3, "conflict": 1}}
    assert sorted(row.id for part in read(found).values() for row in part) == sorted(f"t.csv:{n}" for n in range(2, 47))
    assert sum(sum(counts.values()) for counts in found.counts.values()) == 45


def repeat(rows: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """Repeat rows 1 to 5 times, now and then with another spelling or label, and shuffle them."""
    random.seed(seed)
    repeated = [
        (random.choice((text, text.upper(), f"{text}!")), random.choice((*[label] * 8, "a", "b")))
        for text, label in rows
        for _ in range(random.randint(1, 5))
    ]
    random.shuffle(repeated)
    return repeated


@pytest.mark.parametrize("seed", range(4))
def test_copies_of_a_text_stay_together(write: Write, seed: int) -> None:
    rows = repeat(many(300, "aab"), seed)
    found = read_table(TableOptions(write(rows), split_seed=seed))
    parts = {
        split: [(text.lower().rstrip("!"), label) for _, label, text, _ in part] for split, part in read(found).items()
    }
    texts = {split: {text for text, _ in part} for split, part in parts.items()}
    assert sum(map(len, texts.values())) == 300
    assert sum(map(len, parts.values())) == len(rows)
    # A fifth of the texts, of each label too, and about a fifth of the rows.
    assert len(texts["test"]) == pytest.approx(60, abs=5)
    assert len(parts["test"]) == pytest.approx(len(rows) / 5, rel=0.1)
    assert found.counts["test"] == dict(sorted(Counter(label for _, label in parts["test"]).items()))
    # Neither the order of the rows nor that of the labels matters.
    again = read_table(TableOptions(write(rows[::-1], "u.csv"), split_seed=seed))
    assert {split: Counter(row.text for row in part) for split, part in read(again).items()} == {
        split: Counter(row.text for row in part) for split, part in read(found).items()
    }


@pytest.mark.parametrize("seed", range(6))
def test_a_text_of_most_rows(write: Write, seed: int) -> None:
    """It is in no small split, and the split does not take all other texts in its place."""
    rows = [("over and over", "a")] * 600 + many(400)
    counts = read_table(TableOptions(write(rows), split_seed=seed)).counts
    assert counts["train"]["a"] > 600 + 100
    assert counts["test"] == {"a": pytest.approx(50, abs=10), "b": 40}
    assert 0 < counts["validation"]["a"] < 30


def test_a_few_texts_of_many_rows_each(write: Write) -> None:
    rows = [(f"command {number} please", "abc"[number % 3]) for number in range(18)] * 50
    for seed in range(5):
        counts = read_table(TableOptions(write(rows), split_seed=seed)).counts
        totals = {split: sum(counts[split].values()) for split in SPLITS}
        assert totals == {"train": 650, "validation": 50, "test": 200}  # 13, 1 and 4 texts
        assert min(counts["train"].values()) >= 150
    found = read_table(TableOptions(write(rows), test=None))
    assert sorted(found.counts["train"].values()) == [250, 250, 300]


@pytest.mark.parametrize("seed", range(8))
def test_a_text_of_every_label_is_left(write: Write, seed: int) -> None:
    """Also of a label that is nowhere the most frequent."""
    rows = [*many(20), *[("text number 3", "b")] * 6, ("text number 3", "z"), *[("one", "y")] * 9]
    counts = read_table(TableOptions(write(rows), split_seed=seed, test="0.4", validation="0.4")).counts
    assert counts["train"]["z"] == 1
    assert counts["train"]["y"] == 9
    assert counts["train"]["a"]


def test_no_text_to_draw(write: Write) -> None:
    path = write([("one two", "a"), ("three", "b")] * 10)
    for options, message in (
        ({}, "--test 0.2 of 20 rows is no text: rows with the same words stay together, and of each label a text is "),
        ({"test": None}, "--validation 0.1 of 20 rows is no text: "),
    ):
        assert message in str(refused(TableOptions(path, **options)))  # type: ignore[arg-type]


def test_the_same_words_by_how_letters_are_folded(write: Write) -> None:
    path = write([("ÄRGER", "a"), ("ärger", "a"), *many(40)])
    assert read_table(TableOptions(path)).findings == ()
    assert count_rows(read_table(TableOptions(path, rules=KerasIMDB("unicode"))).findings) == {"t.csv": {"repeated": 1}}


def test_a_column_of_which_every_value_is_another(write: Write) -> None:
    path = write([(f"text number {number}", f"T-{number}") for number in range(40)])
    assert str(refused(TableOptions(path))) == f"{path}: no label occurs twice: is 'label' the column of the label?"


def test_what_is_left_out_leaks_nothing(write: Write) -> None:
    """A row to train on is not given up for a row to test whose label training has not."""
    rows = many(40)
    test = write([(rows[0][0], "z"), (rows[1][0], "b"), ("new", "a")], "w.csv")
    found = read_table(TableOptions(write(rows), test=str(test)))
    assert [*map(str, found.findings)] == [
        "t.csv: 1 row left out: same words as a row in w.csv (line 3)",
        "w.csv: 1 row left out: a label that training does not have: 'z' (1) (line 2)",
    ]


def test_leaks(write: Write) -> None:
    """Training skips validation and test rows, and validation skips test rows."""
    rows = many(40)
    validation, test = (
        write([rows[0], rows[1], ("new", "a")], "v.csv"),
        write([rows[1], rows[2], ("newer", "b")], "w.csv"),
    )
    found = read_table(TableOptions(write(rows), validation=str(validation), test=str(test)))
    assert [*map(str, found.findings)] == [
        "t.csv: 2 rows left out: same words as a row in w.csv (lines 3 and 4)",
        "t.csv: 1 row left out: same words as a row in v.csv (line 2)",
        "v.csv: 1 row left out: same words as a row in w.csv (line 3)",
    ]
    assert count_rows(found.findings) == {"t.csv": {"leak": 3}, "v.csv": {"leak": 1}}
    words = {split: {tuple(KERAS_IMDB.tokenize(row.text)) for row in part} for split, part in read(found).items()}
    assert not words["train"] & words["test"]
    assert not words["train"] & words["validation"]
    assert not words["validation"] & words["test"]
    # What a split is drawn from leaks no more than the rest.
    found = read_table(TableOptions(write(rows), test=str(test)))
    assert "text number 1" not in {row.text for split in ("train", "validation") for row in found.texts(split)}


def test_faults(tmp_path: Path) -> None:
    bad = b'one,\n!!,a\nthree\nf\xfcnf,a\n"six,a\n\xa0,b\n,a\n'
    good = "".join(f"{text},{label}\n" for text, label in many(30)).encode()
    (tmp_path / "t.csv").write_bytes(b"text,label\n" + bad * 2 + good)
    found = read_table(TableOptions(tmp_path / "t.csv"))
    assert [*map(str, found.findings)] == [
        "t.csv: 4 rows left out: text that is not valid utf-8 (--encoding names another, such as "
        "windows-1252) (lines 5, 7, 12 and 1 more)",
        "t.csv: 2 rows left out: a quotation mark that is never closed, or in the wrong place (lines 6 and 13)",
        "t.csv: 2 rows left out: more or fewer columns than the header (lines 4 and 11)",
        "t.csv: 4 rows left out: no word in the text (lines 3, 8, 10 and 1 more)",
        "t.csv: 2 rows left out: no label (lines 2 and 9)",
    ]
    assert sum(len(part) for part in read(found).values()) == 30
    assert found.describe()["report"] == {
        "t.csv": {"encoding": 4, "quotes": 2, "ragged": 2, "no text": 4, "no label": 2}
    }


def test_files_that_were_joined(tmp_path: Path) -> None:
    """Each has a header, and the second and third a byte order mark too."""
    parts = ["".join(f"text {n} {part},{'ab'[n % 2]}\n" for n in range(20)) for part in range(3)]
    path = tmp_path / "t.csv"
    path.write_text("\ufeff".join("text,label\n" + part for part in parts), encoding="utf-8")
    found = read_table(TableOptions(path))
    assert found.labels == ("a", "b")
    assert [*map(str, found.findings)] == ["t.csv: 2 rows left out: the header again (lines 22 and 43)"]


def test_labels_that_are_seen_once(write: Write) -> None:
    found = read_table(TableOptions(write([*many(40), ("one more", "z"), ("and another", "c")])))
    assert [*map(str, found.findings)] == [
        "t.csv: 2 rows kept to fit: the only text of a label: 'c' (1) and 'z' (1) (lines 42 and 43)"
    ]
    assert found.counts["train"]["z"] == found.counts["train"]["c"] == 1
    many_labels = [(f"text {number}", f"label {number}") for number in range(20)]
    found = read_table(TableOptions(write([*many(40), *many_labels])))
    names = ", ".join(f"'label {number}' (1)" for number in (0, 1, *range(10, 18)))
    assert [*map(str, found.findings)] == [
        f"t.csv: 20 rows kept to fit: the only text of a label: {names} and 10 more (lines 42, 43, 44 and 17 more)"
    ]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ([("x", "")], "t.csv: 1 row left out: no label (line 42)"),
        ([("text number 1", "b")], "t.csv: 1 row kept: same words as an earlier row (line 42)"),
        ([("x", "z")], "t.csv: 1 row kept to fit: the only text of a label: 'z' (1) (line 42)"),
        ([("x", ""), ("y", "z")], "t.csv: 1 row left out: no label (line 42); and 1 more"),
    ],
)
def test_strict(write: Write, more: list[tuple[str, str]], line: str) -> None:
    error = refused(TableOptions(write([*many(40), *more]), strict=True))
    assert str(error) == line
    assert str(error.findings[0]) == line.partition(";")[0]
    read_table(TableOptions(write(many(40)), strict=True))


# Labels


def labelled(values: Sequence[str], count: int = 10) -> list[tuple[str, str]]:
    """Make rows of different words for each of the labels, in turn."""
    return [(f"text number {number}", values[number % len(values)]) for number in range(count * len(values))]


@pytest.mark.parametrize(
    "label",
    [
        "क्\u200dष",
        "👨\u200d👩\u200d👧",
        "so\xadft",
        "\u200fאב\u200e",
        "❤\ufe0f",
        "ไทย",
        "\ue000",
        "日本",
        "a/b\\c",
    ],
)
def test_any_text_is_a_label(write: Write, label: str) -> None:
    found = read_table(TableOptions(write(labelled([label, "x", "y"]))))
    assert set(found.labels) == {label, "x", "y"}
    assert found.findings == ()


def test_white_space_in_labels(write: Write) -> None:
    values = ["very good", "very\u00a0good", "\u2003very  good\u00a0", '"very\r\ngood"', "bad\t"]
    found = read_table(TableOptions(write(labelled(values), "t.csv")))
    assert found.labels == ("bad", "very good")
    assert [*map(str, found.findings)] == [
        "t.csv: 30 rows kept: white space in the label became one space: 'very good' (30) (lines 3, 4, 5 and 27 more)"
    ]


def test_labels_that_look_alike(write: Write) -> None:
    values = ["Spam", "spam", "ham", "h\u200bam", "ﬁne", "fine", "10", "10.0", "1.00", "other"]
    findings = [*map(str, read_table(TableOptions(write(labelled(values)))).findings)]
    kept = "10 rows kept: labels that differ only in case, white space, invisible characters or '.0'"
    assert [finding.rpartition(" (line")[0] for finding in findings] == [
        f"t.csv: {kept.replace('10', '20', 1)}: '10' (10) and '10.0' (10)",
        f"t.csv: {kept.replace('10', '20')}: 'Spam' (10) and 'spam' (10)",
        f"t.csv: {kept.replace('10', '20')}: 'fine' (10) and 'ﬁne' (10)",
        f"t.csv: {kept.replace('10', '20')}: 'ham' (10) and 'h\\u200bam' (10)",
    ]


def test_labels_that_may_be_missing(write: Write) -> None:
    rows = labelled(["NaN", "nan", "NULL", "none", "N/A", "<NA>", "\\N", "a", "b"])
    path = write(rows)
    (finding,) = read_table(TableOptions(path)).findings
    assert finding.rows == 70
    for name in ("NaN", "nan", "NULL", "none", "N/A", "<NA>", "\\N"):
        assert f"{name!r} (10)" in str(finding)
    assert "--drop-label" in str(finding)
    drop = ("NaN", "nan", "NULL", "none", "N/A", "<NA>", "\\N")
    found = read_table(TableOptions(path, drop_labels=drop, strict=True))
    assert found.labels == ("a", "b")
    assert found.describe()["drop_labels"] == list(drop)
    assert count_rows(found.findings) == {"t.csv": {"dropped": 70}}
    with pytest.raises(DataError, match=r"--drop-label 'Nan': .*t\.csv has no such label"):
        read_table(TableOptions(path, drop_labels=("Nan",)))


def test_a_dropped_label_in_the_test_file(write: Write) -> None:
    path, other = write(labelled(["a", "b", "z"])), write([("x", "a"), ("y", "b"), ("u", "z")], "w.csv")
    found = read_table(TableOptions(path, test=str(other), drop_labels=("z",)))
    assert found.counts["test"] == {"a": 1, "b": 1}
    assert count_rows(found.findings) == {"t.csv": {"dropped": 10}, "w.csv": {"dropped": 1}}


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_a_long_label(write: Write, tmp_path: Path, name: str) -> None:
    rows = [*many(40), ("one", "long " * 30), ("two", "x" * 100), ("three", "long " * 30), ("four", "y" * 200)]
    path = write(rows, name)
    if name == "t.jsonl":
        path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    with pytest.raises(DataError) as caught:
        read_table(TableOptions(path))
    where = "42 and 44" if name == "t.csv" else "41 and 43"
    assert str(caught.value) == (
        f"{path}: a label has 149 characters, more than 100: '{'long ' * 8}...' (lines {where}); is 'label' the column "
        "of the label?"
    )


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ([("!!", "z"), ("...", "z")], "lines 42 and 43"),
        ([("", "z")], "line 42"),
        ([("fine", "z\x07")], "line 42"),
        ([("known text", "z")], "line 42"),
        ([("!!", "z"), ("known text", "z")], "lines 42 and 43"),
    ],
)
def test_a_label_of_which_no_row_can_be_used(write: Write, rows: list[tuple[str, str]], where: str) -> None:
    path, test = write([*many(40), *rows]), write([("Known text", "a"), ("new", "b")], "w.csv")
    label = rows[0][1]
    error = refused(TableOptions(path, test=str(test)))
    assert str(error).startswith(f"{path}: no row of label {label!r} can be used ({where}): ")
    assert "--drop-label " in str(error)
    assert error.findings
    found = read_table(TableOptions(path, test=str(test), drop_labels=(label,)))
    assert found.labels == ("a", "b")
    if label == "z":  # one usable row is enough
        assert "z" in read_table(TableOptions(write([*many(40), *rows, ("more", "z")]), test=str(test))).labels


@pytest.mark.parametrize(
    ("name", "row", "label"),
    [
        ("t.csv", "caf\xe9,z\n", "z"),
        ("t.csv", "caf\xe9,\xe9t\xe9\n", "\ufffdt\ufffd"),
        ("t.tsv", "caf\xe9\tz\n", "z"),
        ("t.jsonl", '{"text": "caf\xe9", "label": "z"}\n', "z"),
        ("t.json", '{"text": "caf\xe9", "label": "z"}', "z"),
        ("t.txt", "__label__z caf\xe9\n", "z"),
    ],
)
def test_a_label_of_which_all_texts_have_invalid_bytes(tmp_path: Path, name: str, row: str, label: str) -> None:
    start, written, end = {
        "t.csv": ("text,label\n", "{},{}\n", ""),
        "t.tsv": ("text\tlabel\n", "{}\t{}\n", ""),
        "t.jsonl": ("", '{{"text": "{}", "label": "{}"}}\n', ""),
        "t.json": ("[", '{{"text": "{}", "label": "{}"}},', "]"),
        "t.txt": ("", "__label__{1} {0}\n", ""),
    }[name]
    content = start + "".join(written.format(*pair) for pair in many(40)) + row + end
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    error = refused(TableOptions(tmp_path / name))
    assert f"no row of label {label!r} can be used (line " in str(error)
    assert [finding.kind for finding in error.findings] == ["encoding"]
    assert read_table(TableOptions(tmp_path / name, drop_labels=(label,))).labels == ("a", "b")


def test_several_labels_of_which_no_row_can_be_used(write: Write) -> None:
    path = write([*many(40), ("!", "z"), ("!", "y"), ("!", "x")])
    assert "no row of label 'x' can be used (line 44), nor of 'y' and 'z': " in str(refused(TableOptions(path)))


# What is refused


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("", "a"), ("!", "b")], "no row is left: add rows that have text and a label"),
        ([("x", "a"), ("y", "a")], "only one label is left, 'a'; training needs two"),
        ([("x", "a"), ("y", "b")], "no label occurs twice: is 'label' the column of the label?"),
    ],
)
def test_too_little(write: Write, rows: list[tuple[str, str]], message: str) -> None:
    path = write(rows)
    assert str(refused(TableOptions(path))) == f"{path}: {message}"


def test_too_few_rows_to_hold_some_out(write: Write) -> None:
    """With the default fractions all are fitted; a fraction that was asked for is refused."""
    path = write([("x", "a"), ("y", "b"), ("z", "a"), ("u", "b")])
    assert read_table(TableOptions(path)).counts == {"train": {"a": 2, "b": 2}, "validation": {}, "test": {}}
    found = read_table(TableOptions(write(many(12, labels="abcdef"), "six.csv")))
    assert [sum(rows.values()) for rows in found.counts.values()] == [12, 0, 0]
    message = "--validation 0.12 of 4 rows is no row; at most 2 can be taken"
    assert str(refused(TableOptions(path, validation="0.12"))) == f"{path}: {message}"


def test_what_was_found_comes_with_the_error(write: Write) -> None:
    error = refused(TableOptions(write([("!", "a"), ("x", "")])))
    assert [*map(str, error.findings)] == [
        "t.csv: 1 row left out: no word in the text (line 2)",
        "t.csv: 1 row left out: no label (line 3)",
    ]


def test_files_of_which_nothing_is_left(write: Write) -> None:
    path, other = write(many(40)), write([("x", "z"), ("!", "a")], "v.csv")
    assert str(refused(TableOptions(path, validation=str(other)))).endswith(
        "v.csv: no row is left for the validation: add rows, or leave out --validation"
    )
    assert str(refused(TableOptions(path, test=str(other)))).endswith(
        "v.csv: no row is left for the test: add rows, or leave out --test"
    )


def test_too_many_labels(write: Write) -> None:
    rows = [(f"text {number}", f"label {number % 1001}") for number in range(3000)]
    with pytest.raises(DataError, match=r"more than 1,000 labels: is 'label' the column of the label\?"):
        read_table(TableOptions(write(rows)))
    read_table(TableOptions(write([(text, label.replace("1000", "0")) for text, label in rows])))


@pytest.mark.parametrize("value", ["1.0", "-1", "0", "0.0", "1e3", "nan", "inf", "", "half", "t.txt", "²", "1_0"])
@pytest.mark.parametrize("option", ["validation", "test"])
def test_parts_that_are_none(write: Write, option: str, value: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table(TableOptions(write(many(40)), **{option: value}))  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"--{option} {value}: must be a file (")
    assert ("or none" in str(caught.value)) == (option == "test")


@pytest.mark.parametrize("option", ["validation", "test"])
def test_counts_that_leave_nothing(write: Write, option: str) -> None:
    path = write(many(40))
    other: dict[str, Any] = {"test": None} if option == "validation" else {"validation": "1"}
    message = str(refused(TableOptions(path, **{option: "39", **other})))
    assert message == (
        f"{path}: --{option} 39 of 40 rows would leave no row of a label to fit; at most 38 can be taken"
    )
    if option == "validation":
        found = read_table(TableOptions(path, validation="38", test=None))
        assert found.counts["train"] == {"a": 1, "b": 1}


def test_a_fraction_leaves_a_row_of_each_label(write: Write) -> None:
    found = read_table(TableOptions(write(many(40)), validation="0.999", test="0.9"))
    assert found.counts == {"train": {"a": 1, "b": 1}, "validation": {"a": 1, "b": 1}, "test": {"a": 18, "b": 18}}


def test_files_of_the_same_name(write: Write, tmp_path: Path) -> None:
    path = write(many(40))
    (tmp_path / "other").mkdir()
    for other in (path, write(many(9), "other/t.csv")):
        with pytest.raises(DataError, match=r"must have different names, not t\.csv, t\.csv"):
            read_table(TableOptions(path, test=str(other)))


def test_files_that_are_missing_or_have_other_columns(write: Write, tmp_path: Path) -> None:
    path, other = write(many(40)), tmp_path / "v.csv"
    with pytest.raises(DataError, match="No such file"):
        read_table(TableOptions(path, validation=str(other)))
    other.write_text("body,label\nx,a\n")
    with pytest.raises(DataError, match=r"v\.csv: no column is called 'text'; the columns are 'body', 'label'"):
        read_table(TableOptions(path, validation=str(other)))


def test_a_delimiter_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("text\tlabel\nx\ta\n")
    with pytest.raises(DataError, match=r"--delimiter is for \.csv files, not for t\.tsv"):
        read_table(TableOptions(tmp_path / "t.tsv", delimiter=";"))


def test_a_file_that_is_gone_once_it_was_read(write: Write) -> None:
    path = write(many(40))
    found = read_table(TableOptions(path))
    before = read(found)
    path.unlink()
    assert read(found) == before


@pytest.mark.parametrize("change", ["append", "remove"])
def test_a_file_that_changes_while_it_is_read(write: Write, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(many(40))

    def changed(name: Path) -> str:
        if change == "append":
            path.write_text(path.read_text() + "more,a\n")
        else:
            path.unlink()
        return sha256(name) if name.exists() else ""

    monkeypatch.setattr("train.tables.reading.sha256", changed)
    with pytest.raises(DataError, match=r"t\.csv"):
        read_table(TableOptions(path))


@pytest.mark.slow
def test_memory(write: Write) -> None:
    """It grows by less than 100 bytes a row."""

    def peak(count: int) -> int:
        path = write(many(count))
        tracemalloc.start()
        found = read_table(TableOptions(path))
        assert sum(1 for _ in found.texts("train")) > count // 2
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    small = peak(5_000)
    assert (peak(30_000) - small) / 25_000 < 100


# Descriptions


def test_description(write: Write, tmp_path: Path) -> None:
    path, other = write(many(40)), write(many(50)[40:], "v.csv")
    found = read_table(TableOptions(path, validation=str(other), split_seed=3))
    described = found.describe()
    assert json.loads(json.dumps(described)) == described
    dialect = {"format": "csv", "encoding": "utf-8", "delimiter": ",", "quote": '"', "escape": "", "header": True}
    assert str(tmp_path) not in json.dumps(described)
    assert described == {
        "name": "t",
        "files": {
            "train": {"name": "t.csv", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
            "validation": {"name": "v.csv", "sha256": hashlib.sha256(other.read_bytes()).hexdigest()},
        },
        "text_columns": ["text"],
        "label_column": "label",
        "probabilities": [],
        "validation": "v.csv",
        "test": "0.2",
        "split_seed": 3,
        "drop_labels": [],
        **dict.fromkeys(("encoding", "delimiter", "quote", "escape", "header")),
        "dialects": dict.fromkeys(("train", "validation"), dialect),
        "rows": {"train": {"a": 16, "b": 16}, "validation": {"a": 5, "b": 5}, "test": {"a": 4, "b": 4}},
        "unlabelled": [],
        "report": {},
    }
    assert found.name == "t"


def test_options() -> None:
    parser = argparse.ArgumentParser()
    add_table_arguments(parser)
    data = Path("t.csv")
    assert make_options(parser.parse_args([]), data) == TableOptions(data)
    given = "--text-column a --text-column b --label-column c --validation 7 --test none --split-seed 3 --strict"
    args = parser.parse_args([*given.split(), "--encoding", "latin-1", "--delimiter", "tab"])
    assert make_options(args, data, KerasIMDB("unicode")) == TableOptions(
        data, ("a", "b"), "c", "7", None, 3, True, "latin-1", "\t", KerasIMDB("unicode")
    )
    assert make_options(parser.parse_args(["--test", "5", "--delimiter", ";"]), data) == TableOptions(
        data, test="5", delimiter=";"
    )


# The command


Command = Callable[..., tuple[int, list[dict[str, str]], list[str]]]


@pytest.fixture
def command(capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Return a function that runs the command and returns exit code, written objects and lines of standard error."""

    def run(*arguments: object) -> tuple[int, list[dict[str, str]], list[str]]:
        code = command_line.main([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        return code, [json.loads(line) for line in captured.out.splitlines()], captured.err.decode().splitlines()

    return run


@pytest.mark.parametrize("split", SPLITS)
def test_command(command: Command, write: Write, split: str) -> None:
    path = write([*many(40), ("Café \u2028 \U0001f3ac", "a"), ("!", "b")])
    code, written, notes = command("--data", path, "--split", split)
    assert code == 0
    assert written == [record_of(row) for row in read_table(TableOptions(path)).texts(split)]
    assert notes == [
        "text from column 'text', label from column 'label'",
        "t.csv: 1 row left out: no word in the text (line 43)",
    ]
    assert command("--data", path, "--text-column", "text", "--label-column", "label")[2] == notes[1:]


def test_command_with_mistakes(command: Command, write: Write, tmp_path: Path) -> None:
    path = write([*many(40), ("!", "b")])
    for arguments, errors in (
        (["--data", tmp_path / "none.csv"], [f"error: {tmp_path / 'none.csv'}: No such file or directory"]),
        (["--data", path, "--test", "none"], [f"error: {path}: there are no rows for test"]),
        (
            ["--data", path, "--strict"],
            [
                "t.csv: 1 row left out: no word in the text (line 42)",
                "error: t.csv: 1 row left out: no word in the text (line 42)",
            ],
        ),
        (
            ["--data", path, "--run", tmp_path],
            [f"error: {tmp_path}: not a run: config.json: No such file or directory"],
        ),
    ):
        assert command(*arguments) == (2, [], errors)


def test_command_interrupted(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("train.tables.dataset.read_table", interrupt)
    assert command("--data", "t.csv") == (130, [], ["interrupted"])


def test_command_whose_reader_has_enough(root: Path, write: Write) -> None:
    import sys

    path = write(many(50_000))
    command = [sys.executable, "-m", "train.texts", "--data", str(path), "--split", "train"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b"text from column 'text', label from column 'label'\n"
    assert process.returncode == 0


def test_command_needs_no_framework(run_python: Callable[..., Any], write: Write) -> None:
    code = (
        "import sys; from train.texts import main; assert main(sys.argv[1:]) == 0; sys.stdout.flush(); "
        "print([name for name in ('tensorflow', 'keras', 'pyarrow') if name in sys.modules])"
    )
    result = run_python("-c", code, "--data", write(many(40)))
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


# What a run held out


def make_run(folder: Path, source: TableOptions, rules: RuleSet = KERAS_IMDB) -> Path:
    """Write the part of a run's configuration that describes its texts."""
    found = read_table(source)
    folder.mkdir()
    config = {
        "labels": list(found.labels),
        "preprocessing": Preprocessing(8, "post", rules).to_json(),
        "data": found.describe(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_held_out_rows(command: Command, tmp_path: Path) -> None:
    content = "id;Body;Kind\n" + "".join(f'{n};"TEXT Ä{n}; x";{"ab"[n % 2]}\n' for n in range(80)) + "80;text ä1 x;b\n"
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(content.encode("utf-16")))
    source = TableOptions(path, ("Body",), "Kind", "5", "0.3", 9, False, "utf-16", ";", KerasIMDB("unicode"))
    run = make_run(tmp_path / "run", source, KerasIMDB("unicode"))
    assert count_rows(read_table(source).findings) == {"t.csv.gz": {"repeated": 1}}
    for split in SPLITS:
        code, written, _ = command("--data", path, "--run", run, "--split", split)
        assert code == 0
        assert written == [record_of(row) for row in read_table(source).texts(split)]
    # The file may be called otherwise.
    other = path.rename(tmp_path / "u.csv.gz")
    assert len(command("--data", other, "--run", run)[1]) == 24


def test_a_file_that_is_new_to_the_run(command: Command, write: Write, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", TableOptions(write(many(40))))
    new = write([("x", "b"), ("x", "b"), ("!", "a"), ("y", "z"), ("text number 1", "a")], "new.csv")
    code, written, notes = command("--data", new, "--run", run)
    assert code == 0
    assert [row["id"] for row in written] == ["new.csv:2", "new.csv:3", "new.csv:6"]
    assert notes == [
        "new.csv: 1 row left out: no word in the text (line 4)",
        "new.csv: 1 row left out: a label that training does not have: 'z' (1) (line 5)",
        "new.csv: 1 row kept: same words as an earlier row (line 3)",
    ]
    other = tmp_path / "other.tsv"
    other.write_text("body\tlabel\nx\ta\n")
    assert len(command("--data", other, "--run", run, "--text-column", "body")[1]) == 1
    assert command("--data", other, "--run", run)[0] == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_pipe_is_refused(command: Command, write: Write, tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path / "run", TableOptions(write(many(40), "u.csv")))
    os.mkfifo(tmp_path / name)
    for options in ((), ("--run", run)):
        code, _, errors = command("--data", tmp_path / name, *options)
        assert code == 2
        assert errors == [
            f"error: {tmp_path / name}: a table is read several times: write what comes from the pipe to a file"
        ]


def test_a_run_with_files_of_its_own(command: Command, write: Write, tmp_path: Path) -> None:
    path, other = write(many(40)), write(many(45)[35:], "v.csv")
    run = make_run(tmp_path / "run", TableOptions(path, validation=str(other)))
    expected = [record_of(row) for row in read_table(TableOptions(path, validation=str(other))).texts("test")]
    assert command("--data", path, "--run", run)[1] == expected
    assert len(command("--data", path, "--run", run, "--split", "validation")[1]) == 10
    assert len(command("--data", other, "--run", run, "--split", "validation")[1]) == 10
    # Without the other file it is not known which rows were left out for its sake.
    (tmp_path / "elsewhere").mkdir()
    moved = other.rename(tmp_path / "elsewhere" / "v.csv")
    code, written, errors = command("--data", path, "--run", run)
    assert (code, written) == (2, [])
    assert errors == [f"error: {other}: no such file; the run used it, so put it into the folder of the data file"]
    assert command("--data", path, "--run", run, "--validation", moved)[1] == expected
    moved.write_text(moved.read_text().replace("number 44", "number 45"))
    grown = path.read_text() + "more,a\n"
    assert command("--data", path, "--run", run, "--validation", moved)[2] == [
        f"error: {path}: the files that the run validated or tested on have changed"
    ]
    # Rows that were fitted cannot be distinguished from new ones, so none may be tested on.
    path.write_text(grown)
    code, written, errors = command("--data", path, "--run", run)
    assert (code, written) == (2, [])
    assert errors == [f"error: {path}: the file has changed since the run was trained; rename it if it is another file"]


def test_other_columns_than_the_run_read(command: Command, tmp_path: Path) -> None:
    """The rows would be divided otherwise, and fitted ones tested on."""
    path = tmp_path / "t.csv"
    path.write_text("title,text,label\n" + "".join(f"title {n},text number {n},{'ab'[n % 2]}\n" for n in range(40)))
    run = make_run(tmp_path / "run", TableOptions(path, ("text",)))
    for options in (("--text-column", "title"), ("--text-column", "title", "--text-column", "text")):
        assert command("--data", path, "--run", run, *options)[2] == [
            f"error: {path}: the run read other columns of this table: leave out --text-column"
        ]
    assert command("--data", path, "--run", run, "--text-column", "text")[0] == 0


def test_a_run_that_cannot_help(command: Command, write: Write, tmp_path: Path) -> None:
    path = write(many(40))
    run = make_run(tmp_path / "run", TableOptions(path, test=None))
    assert command("--data", path, "--run", run)[2] == [f"error: {path}: the run held no rows out for test"]
    for option, value in (
        ("--split-seed", "0"),
        ("--drop-label", "a"),
        ("--test", "0.2"),
        ("--validation", "9"),
        ("--test", "none"),
    ):
        code, _, errors = command("--data", path, "--run", run, option, value)
        assert code == 2
        assert errors[0].startswith("error: the run determines how rows are divided")
    config = json.loads((run / "config.json").read_text())
    config["data"]["rows"]["train"]["a"] += 1
    (run / "config.json").write_text(json.dumps(config))
    assert command("--data", path, "--run", run, "--split", "train")[2] == [
        f"error: {path}: this version of edgetext divides the rows differently from the one that trained the run: "
        "train again to know which rows are held out"
    ]
    path.write_text(path.read_text() + "more,a\n")
    assert "rename it" in command("--data", path, "--run", run)[2][0]
    for content in ("{", "[]", "{}", '{"data": {}, "preprocessing": {}, "labels": []}', '{"data": {"files": {}}}'):
        (run / "config.json").write_text(content)
        code, _, errors = command("--data", path, "--run", run)
        assert code == 2
        assert len(errors) == 1
