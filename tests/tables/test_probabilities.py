"""Probabilities in place of labels: their forms, what is wrong with them, and how rows with them are divided."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from edgetext.encoder import Encoder, Preprocessing
from edgetext.text import Words
from train.dataset import DataError
from train.encoding.encoded import encode, encode_dataset
from train.encoding.vocabulary import build_vocabulary, survey_dataset
from train.metrics import measure_agreement
from train.tables.dataset import TableDataset, Text, read_table
from train.tables.index import SPLITS
from train.tables.options import TableOptions
from train.texts import main as write_texts

WORDS = Words(marks=False)
HARD = [("hand labelled", "neg"), ("hand marked", "pos"), ("a third", "neg"), ("the fourth", "pos")]
Row = tuple[str, Any, Sequence[Any]]


def write(path: Path, names: Sequence[str], rows: Sequence[Row], *, label: bool = True) -> Path:
    """Write JSON lines of texts, labels and columns of probabilities; None is left out."""
    lines = []
    for text, given, values in rows:
        record = {"text": text, **({"label": given} if label else {}), **dict(zip(names, values))}
        lines.append(json.dumps({name: value for name, value in record.items() if value is not None}))
    path.write_text("\n".join(lines))
    return path


def many(values: Callable[[bool], Sequence[Any]], count: int = 20) -> list[Row]:
    """Make rows without labels; ``values`` are those of rows that are negative, or not."""
    return [(f"unsure number {number}", None, values(number % 2 == 0)) for number in range(count)]


def read(path: Path, *columns: str, **options: Any) -> TableDataset:
    return read_table(TableOptions(path, rules=WORDS, probabilities=columns, **options))


def texts(found: TableDataset) -> dict[str, Text]:
    return {text.text: text for split in SPLITS for text in found.texts(split)}


def hard(values: Sequence[Any] = ()) -> list[Row]:
    return [(text, label, values) for text, label in HARD]


def report(found: TableDataset) -> list[str]:
    return [str(finding).partition(": ")[2] for finding in found.findings]


FORMS: dict[str, tuple[list[str], list[str], Callable[[bool], Sequence[Any]]]] = {
    "columns": (["p_pos", "p_neg"], ["p_pos", "p_neg"], lambda bad: (0.25, 0.75) if bad else (0.8, 0.2)),
    "labels": (["pos", "neg"], ["neg", "pos"], lambda bad: ("0.25", " .75 ") if bad else ("8e-1", "0.2")),
    "objects": (["p"], ["p"], lambda bad: [{"neg": 0.75, "pos": 0.25} if bad else {"pos": 0.8, "neg": 0.2}]),
    "json": (["p"], ["p"], lambda bad: ['{"neg": 0.75, "pos": 0.25}' if bad else '{"pos":0.8,"neg":0.2, "z": null}']),
    "second": (["score"], ["score"], lambda bad: [0.25 if bad else 0.8]),
    "named": (["P(pos)"], ["P(pos)"], lambda bad: [0.25 if bad else 0.8]),
    "first": (["p.neg"], ["p.neg"], lambda bad: [0.75 if bad else 0.2]),
    "answers": (["said", "sure"], ["said,sure"], lambda bad: ("neg", 0.75) if bad else (" pos ", 0.8)),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(tmp_path: Path, form: str) -> None:
    names, columns, values = FORMS[form]
    found = read(write(tmp_path / "t.jsonl", names, [*hard(), *many(values)]), *columns)
    assert found.labels == ("neg", "pos")
    for text in texts(found).values():
        if text.text in dict(HARD):
            assert (text.label, text.probabilities) == (dict(HARD)[text.text], None)
        else:
            is_bad = int(text.text.rpartition(" ")[2]) % 2 == 0
            assert text.label == ("neg" if is_bad else "pos")
            assert text.probabilities == pytest.approx((0.75, 0.25) if is_bad else (0.2, 0.8))
    assert len(texts(found)) == 24
    assert report(found) == []
    assert any(note.startswith("probabilities: ") for note in found.notes())


@pytest.mark.parametrize("form", ["columns", "labels", "objects", "json", "answers"])
def test_without_any_label(tmp_path: Path, form: str) -> None:
    """There need not be a column of labels; rows are divided by their most probable one."""
    names, columns, values = FORMS[form]
    path = write(tmp_path / "t.jsonl", names, many(values, 40), label=False)
    found = read(path, *columns, unlabelled=())
    assert (found.labels, found.columns.label) == (("neg", "pos"), None)
    sizes = {split: sum(counts.values()) for split, counts in found.counts.items()}
    assert sizes == {"train": 29, "validation": 3, "test": 8}
    assert found.counts["test"] == {"neg": 4, "pos": 4}
    assert found.describe()["probabilities"] == columns


def test_csv_and_parquet(tmp_path: Path) -> None:
    """Empty cells, and the NaN of numbers with gaps, are no probabilities: such rows are unlabelled."""
    rows = [(f"number {n}", *((0.3, 0.7) if n % 2 else (0.9, 0.1))) for n in range(20)]
    lines = [f"{text},,{first},{second}" for text, first, second in rows]
    (tmp_path / "t.csv").write_text("\n".join(["text,label,p a,p b", *lines, "open,,,", "open too,,nan,NaN", ""]))
    table = {
        "text": [*(text for text, *_ in rows), "open", "open too"],
        "p a": [*(first for _, first, _ in rows), None, float("nan")],
        "p b": [*(second for *_, second in rows), None, float("nan")],
    }
    parquet.write_table(pa.table(table), tmp_path / "t.parquet")
    pairs = [{"a": first, "b": second} for _, first, second in rows]
    parquet.write_table(pa.table({"text": table["text"], "p": [*pairs, None, {}]}), tmp_path / "s.parquet")
    for name, columns in (("t.csv", ["p a", "p b"]), ("t.parquet", ["p a", "p b"]), ("s.parquet", ["p"])):
        found = read(tmp_path / name, *columns, unlabelled=())
        assert texts(found)["number 0"].probabilities == pytest.approx((0.9, 0.1))
        assert len(texts(found)) == 20
        assert [text.text for text in found.texts("unlabelled")] == ["open", "open too"]


@pytest.mark.parametrize(
    ("names", "known", "labels"),
    [
        (["p_very_good", "p_very_bad"], ["very_good", "very_bad"], {"very_good", "very_bad"}),
        (["p_very_good", "p_very_bad"], ["good", "bad"], {"good", "bad"}),
        (["very good", "very bad"], ["very good", "very bad"], {"very good", "very bad"}),
        (["p_good", "p_great"], ["good", "great"], {"good", "great"}),
        (["p_good", "p_great", "p_so-so"], ["good", "great"], {"good", "great", "so-so"}),
        (["p_1", "p_2"], ["1", "2", "3"], {"1", "2", "3"}),
        (["p-x_1", "p-x_2"], [], {"1", "2"}),
    ],
)
def test_labels_of_columns(tmp_path: Path, names: list[str], known: list[str], labels: set[str]) -> None:
    rows = [(f"hand {label} {n}", label, ()) for label in known for n in range(4)]
    soft = [
        (f"soft {n} {place}", None, np.eye(len(names))[place].tolist()) for n in range(4) for place in range(len(names))
    ]
    found = read(write(tmp_path / "t.jsonl", names, [*rows, *soft]), *names)
    assert set(found.labels) == labels
    for text in texts(found).values():
        if text.probabilities is not None:
            assert text.label is not None
            assert names[int(text.text[-1])].endswith(text.label)
            assert max(text.probabilities) == text.probabilities[found.labels.index(text.label)] == 1


@pytest.mark.parametrize(
    ("form", "values", "message"),
    [
        ("columns", (25, 75), "probabilities are from 0 to 1, not percent (line 5): divide them by 100"),
        ("objects", [{"neg": 99.0, "pos": 1}], "probabilities are from 0 to 1, not percent (line 5)"),
        ("second", [55], "probabilities are from 0 to 1, not percent (line 5)"),
        ("answers", ("neg", "98"), "probabilities are from 0 to 1, not percent (line 5)"),
        (
            "objects",
            [{"Neg": 0.5, "pos": 0.5}],
            "--probabilities: only probabilities have 'Neg', and only labels 'neg': use",
        ),
        (
            "answers",
            ("negative", 1),
            "--probabilities: only probabilities have 'negative', and only labels 'neg' and 'pos': use the same names",
        ),
    ],
)
def test_refused(tmp_path: Path, form: str, values: Sequence[Any], message: str) -> None:
    names, columns, _ = FORMS[form]
    path = write(tmp_path / "t.jsonl", names, [*hard(), ("soft", None, values), ("softer", None, values)])
    with pytest.raises(DataError) as caught:
        read(path, *columns)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["q"], "no column is called 'q' (--probabilities); the columns are 'text', 'label', 'p_pos', 'p_neg'"),
        (["p_pos,p_other"], "no column is called 'p_other' (--probabilities)"),
        (["p_pos", "p_pos"], "--text-column, --label-column and --probabilities name the same column twice"),
        (["p_pos", "text"], "--text-column, --label-column and --probabilities name the same column twice"),
        (["p_pos"], "--probabilities p_pos: one column of numbers is the probability of one of two labels; the table "),
    ],
)
def test_columns_refused(tmp_path: Path, columns: list[str], message: str) -> None:
    rows = [*hard((0.4, 0.6)), ("other", "more", ()), ("others", "more", ()), *many(lambda _: (0.5, 0.5))]
    path = write(tmp_path / "t.jsonl", ["p_pos", "p_neg"], rows)
    with pytest.raises(DataError) as caught:
        read(path, *columns, text_columns=("text",))
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("columns", (0.5, 0.6)),
        ("columns", (0.5, 0.47)),
        ("columns", (-0.1, 1.1)),
        ("columns", (1, None)),
        ("columns", ("1,0", "0")),
        ("columns", (float("inf"), 0)),
        ("columns", (True, False)),
        ("columns", ([1], 0)),
        ("columns", (10**400, 0)),
        ("objects", [{"neg": 0.9}]),
        ("objects", [{"neg": "most", "pos": 0.1}]),
        ("objects", ['{"neg": 0.9, ']),
        ("objects", [{"": 0.5, "pos": 0.5}]),
        ("objects", [{"neg": 0.2, " neg": 0.4, "pos": 0.4}]),
        ("objects", [0.5]),
        ("second", [-0.1]),
        ("second", ["high"]),
        ("second", [{"neg": 1}]),
        ("answers", ("neg", None)),
        ("answers", ("neg", 0)),
        ("answers", ("neg", "sure")),
        ("answers", (["neg"], 0.9)),
    ],
)
def test_rows_left_out(tmp_path: Path, form: str, values: Sequence[Any]) -> None:
    names, columns, good = FORMS[form]
    path = write(tmp_path / "t.jsonl", names, [*hard(), *many(good), ("wrong", None, values)])
    found = read(path, *columns, unlabelled=())
    assert report(found) == [
        "1 row left out: probabilities that are missing, negative or no numbers, or do not add up to 1 (line 25)"
    ]
    assert "wrong" not in texts(found)
    assert list(found.texts("unlabelled")) == []


def test_none_at_all(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label,p\n" + "".join(f"{text},{label},\n" for text, label in HARD))
    with pytest.raises(DataError, match="--probabilities: no row has any"):
        read(tmp_path / "t.csv", "p")


def test_unlabelled_file_with_probabilities(tmp_path: Path) -> None:
    """They are not thrown away without a word."""
    names, columns, values = FORMS["columns"]
    path = write(tmp_path / "t.jsonl", names, [*hard(), *many(values)])
    rest = write(tmp_path / "rest.jsonl", names, many(values, 3))
    with pytest.raises(DataError, match=r"rest\.jsonl: --probabilities is for the table of --data"):
        read(path, *columns, unlabelled=(rest,))


def test_sums_that_are_nearly_one(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", ["a", "b"], many(lambda bad: (0.81, 0.2) if bad else (0.33, 0.66)), label=False)
    found = read(path, "a", "b")
    for text in texts(found).values():
        assert text.probabilities is not None
        assert sum(text.probabilities) == pytest.approx(1)
        assert max(text.probabilities) == pytest.approx(0.81 / 1.01 if text.label == "a" else 0.66 / 0.99)


def test_answers_share_the_rest(tmp_path: Path) -> None:
    """An answer that is less sure than an even share is none."""
    rows: list[Row] = [(f"text {n}", None, ("abc"[n % 3], 0.5)) for n in range(18)]
    found = read(
        write(tmp_path / "t.jsonl", ["it", "sure"], [*rows, ("odd", None, ("a", 0.3))], label=False), "it,sure"
    )
    assert texts(found)["text 1"].probabilities == pytest.approx((0.25, 0.5, 0.25))
    assert report(found) == ["1 row left out: an answer with less than an even share of the probability (line 19)"]


def test_equal_probabilities(tmp_path: Path) -> None:
    """The first label counts, as it does when a model's answers are compared."""
    path = write(
        tmp_path / "t.jsonl", ["b", "a"], [*many(lambda bad: (1, 0)), *[("even", None, (0.5, 0.5))]], label=False
    )
    lines = [*path.read_text().splitlines(), *(json.dumps({"text": f"more {n}", "b": 0, "a": 1}) for n in range(9))]
    path.write_text("\n".join(lines))
    assert texts(read(path, "b", "a"))["even"].label == "a"


def test_label_that_is_never_the_most_probable(tmp_path: Path) -> None:
    """It is no label of the model; the others share its part."""
    path = write(
        tmp_path / "t.jsonl",
        ["a", "b", "c"],
        many(lambda bad: (0.7, 0.1, 0.2) if bad else (0.1, 0.7, 0.2)),
        label=False,
    )
    found = read(path, "a", "b", "c")
    assert found.labels == ("a", "b")
    assert texts(found)["unsure number 0"].probabilities == pytest.approx((0.875, 0.125))


@pytest.mark.parametrize("form", ["columns", "answers"])
def test_label_that_is_dropped(tmp_path: Path, form: str) -> None:
    """Rows are left out if it is their most probable one, and its part of the others' is shared."""
    names, columns, _ = FORMS[form]
    names, columns = ([*names, "p_none"], [*columns, "p_none"]) if form == "columns" else (names, columns)
    good, other = ((0.6, 0.2, 0.2), (0.2, 0.1, 0.7)) if form == "columns" else (("pos", 0.6), ("none", 0.7))
    rows = [*hard(), *many(lambda bad: good), ("no idea", None, other)]
    found = read(write(tmp_path / "t.jsonl", names, rows), *columns, drop_labels=("none",))
    assert found.labels == ("neg", "pos")
    assert report(found) == ["1 row left out, as --drop-label says: 'none' (1) (line 25)"]
    assert texts(found)["unsure number 0"].probabilities == pytest.approx((0.25, 0.75))


def test_labels_come_first(tmp_path: Path) -> None:
    """A row with a label keeps it; where the probabilities often say otherwise, columns may be mixed up."""
    rows = [(f"hand {n}", ("neg", "pos")[n % 2], (0.9, 0.1) if n % 2 else (0.1, 0.9)) for n in range(8)]
    path = write(tmp_path / "t.jsonl", ["p_neg", "p_pos"], [*rows, *many(lambda bad: (0.9, 0.1) if bad else (0, 1))])
    found = read(path, "p_neg", "p_pos", strict=True)
    assert report(found) == [
        "8 rows kept: another label than the most probable one, 100% of the rows that have a label and probabilities "
        "(lines 1, 2, 3 and 5 more)"
    ]
    assert texts(found)["hand 1"][1:] == ("pos", "hand 1", None)


def test_files_of_their_own(tmp_path: Path) -> None:
    """A file to test on may have labels only, or probabilities only."""
    names, columns, values = FORMS["columns"]
    path = write(tmp_path / "t.jsonl", names, [*hard(), *many(values)])
    (tmp_path / "hand.csv").write_text("text,label\none,pos\ntwo,neg\n")
    (tmp_path / "soft.csv").write_text("text,p_pos,p_neg\none,0.2,0.8\ntwo,0.9,0.1\n")
    for name, expected in (("hand.csv", ["pos", "neg"]), ("soft.csv", ["neg", "pos"])):
        found = read(path, *columns, test=str(tmp_path / name))
        tested = list(found.texts("test"))
        assert [text.label for text in tested] == expected
        assert [text.probabilities is None for text in tested] == [name == "hand.csv"] * 2
    (tmp_path / "half.csv").write_text("text,label,p_pos\none,pos,0.5\n")
    with pytest.raises(DataError, match="no column is called 'p_neg'"):
        read(path, *columns, test=str(tmp_path / "half.csv"))


def test_written_and_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names, columns, values = FORMS["columns"]
    path = write(tmp_path / "t.jsonl", names, [*hard(), *many(values)])
    assert write_texts(["--data", str(path), "--split", "train", "--probabilities", *columns]) == 0
    lines = capsys.readouterr().out
    (tmp_path / "again.jsonl").write_text(lines)
    found = texts(read(tmp_path / "again.jsonl", "probabilities"))
    assert len(found) == len(lines.splitlines())
    before = texts(read(path, *columns))
    for text in found.values():
        assert text.label == before[text.text].label
        assert text.probabilities == (
            before[text.text].probabilities and pytest.approx(before[text.text].probabilities)
        )


def test_encoded(tmp_path: Path) -> None:
    """Of texts with labels the probability is 1."""
    names, columns, values = FORMS["columns"]
    found = read(write(tmp_path / "t.jsonl", names, [*hard(), *many(values)]), *columns, test=None)
    vocabulary = build_vocabulary(survey_dataset(found, WORDS).words, 100, rules=WORDS)
    encoder = Encoder(vocabulary, Preprocessing(8, "post", WORDS))
    splits = encode_dataset(found, encoder, test=True)
    everything = splits.train.joined(splits.validation)
    written = [*found.texts("train"), *found.texts("validation")]
    expected = [text.probabilities or (float(text.label == "neg"), float(text.label == "pos")) for text in written]
    assert everything.probabilities == pytest.approx(np.array(expected))
    assert everything.probabilities.argmax(axis=1).tolist() == everything.targets.tolist()
    assert everything.is_soft.tolist() == [text.probabilities is not None for text in written]
    some = everything.subset(everything.is_soft)
    assert len(some) == len(some.probabilities) == 20
    assert some.probabilities.max() == pytest.approx(0.8)
    labelled = encode([text for text in written if text.probabilities is None], encoder, found.labels)
    assert labelled.probabilities is labelled.is_soft is None
    assert labelled.joined(some).probabilities[: len(HARD)].max(axis=1).tolist() == [1] * len(HARD)
    assert len(labelled.joined(some).is_soft) == 24


def test_agreement() -> None:
    given = np.array([[0.5, 0.5], [0.2, 0.8], [1.0, 0.0]], np.float32)
    found = measure_agreement(np.array([[0.5, 0.5], [0.6, 0.4], [0.9, 0.1]]), given)
    log = np.log
    assert found == {
        "agreement": pytest.approx(2 / 3),
        "agreement_interval": pytest.approx([0.208, 0.939], abs=1e-3),  # as scipy's binomtest says
        "cross_entropy": pytest.approx(-(log(0.5) + 0.2 * log(0.6) + 0.8 * log(0.4) + log(0.9)) / 3),
        "entropy": pytest.approx(-(log(0.5) + 0.2 * log(0.2) + 0.8 * log(0.8)) / 3),
        "texts": 3,
    }
