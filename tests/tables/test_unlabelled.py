"""Unlabelled texts: rows of the table without a label, and files of their own."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from edgetext.encoder import Encoder, Preprocessing
from edgetext.text import Words
from train.dataset import TRAIN, UNLABELLED, VALIDATION, DataError
from train.encoding.encoded import encode_dataset
from train.encoding.vocabulary import build_vocabulary, survey_dataset
from train.tables.dataset import TableDataset, read_table
from train.tables.index import SPLITS
from train.tables.options import TableOptions
from train.tables.report import ReportedError

Read = Callable[..., TableDataset]
WORDS = Words(marks=False)
LABELLED = [(f"ticket number {number}", "ab"[number % 2]) for number in range(40)]
TEXTS = ["an open question", "Another one, open", "the third"]


def write_csv(path: Path, rows: list[tuple[str, str]], header: str = "text,label") -> Path:
    path.write_text("\n".join([header, *(f'"{text}",{label}' for text, label in rows), ""]), encoding="utf-8")
    return path


@pytest.fixture
def read_with(tmp_path: Path) -> Read:
    """Read a table of 40 labelled rows and more, with files of unlabelled texts."""

    def read(
        *files: Path, more: list[tuple[str, str]] | None = None, strict: bool = False, test: str | None = "0.2"
    ) -> TableDataset:
        path = write_csv(tmp_path / "t.csv", [*LABELLED, *(more or [])])
        return read_table(TableOptions(path, rules=WORDS, unlabelled=files, strict=strict, test=test))

    return read


def unlabelled(found: TableDataset) -> list[str]:
    texts = list(found.texts(UNLABELLED))
    assert all(text.label is None for text in texts)
    assert found.count_unlabelled() == len(texts)
    return [text.text for text in texts]


def splits(found: TableDataset) -> dict[str, list[str]]:
    return {split: [text.text for text in found.texts(split)] for split in SPLITS}


def report(found: TableDataset, name: str) -> list[str]:
    return [str(finding) for finding in found.findings if finding.file == name]


@pytest.mark.parametrize("label", ["", "   ", "\u200b", '""'])
def test_rows_without_a_label(read_with: Read, label: str) -> None:
    """They change nothing about the other rows."""
    found = read_with(more=[(text, label) for text in TEXTS])
    assert unlabelled(found) == TEXTS
    assert [text.id for text in found.texts(UNLABELLED)] == ["t.csv:42", "t.csv:43", "t.csv:44"]
    assert splits(found) == splits(read_with())
    assert found.labels == ("a", "b")
    assert report(found, "t.csv") == ["t.csv: 3 rows kept as unlabelled text: no label (lines 42, 43 and 44)"]
    assert found.notes()[-1] == "unlabelled texts: 3"


def test_rows_without_a_label_or_words(read_with: Read) -> None:
    found = read_with(more=[("!", ""), ("", ""), ("words", "")])
    assert unlabelled(found) == ["words"]
    assert "t.csv: 2 rows left out: no word in the text (lines 42 and 43)" in report(found, "t.csv")


@pytest.mark.parametrize("missing", ["null", "NaN", '""', '"\\t"'])
def test_json_without_a_label(tmp_path: Path, missing: str) -> None:
    lines = [json.dumps({"text": text, "label": label}) for text, label in LABELLED]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join([*lines, f'{{"text": "open", "label": {missing}}}', '{"text": "no field"}']))
    assert unlabelled(read_table(TableOptions(path, unlabelled=()))) == ["open", "no field"]


def test_json_with_the_first_label_late(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"open text {number}"}) for number in range(500)]
    lines += [json.dumps({"text": text, "label": label}) for text, label in LABELLED]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    found = read_table(TableOptions(tmp_path / "t.jsonl", unlabelled=()))
    assert (found.labels, found.count_unlabelled()) == (("a", "b"), 500)


def test_no_label_at_all(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [(text, "") for text in TEXTS])
    with pytest.raises(ReportedError, match=r"t\.csv: no row has a label: label some rows"):
        read_table(TableOptions(path, unlabelled=()))


def test_numbers_with_gaps(tmp_path: Path) -> None:
    """Pandas writes a column of integers with gaps as floats with NaN."""
    table = pa.table({"text": [*dict(LABELLED), *TEXTS], "stars": [1.0, 5.0] * 20 + [float("nan"), None, float("inf")]})
    parquet.write_table(table, tmp_path / "t.parquet")
    found = read_table(TableOptions(tmp_path / "t.parquet", label_column="stars", unlabelled=()))
    assert (found.labels, unlabelled(found)) == (("1", "5"), TEXTS)


def test_words_for_a_missing_label_stay_labels(read_with: Read) -> None:
    found = read_with(more=[("one thing", "nan"), ("another thing", "nan")])
    assert (found.labels, unlabelled(found)) == (("a", "b", "nan"), [])
    assert "kept: a label that may stand for a missing one: 'nan' (2)" in report(found, "t.csv")[0]


def test_strict_wants_labels(read_with: Read) -> None:
    with pytest.raises(ReportedError, match=r"t\.csv: 1 row kept as unlabelled text: no label \(line 42\)"):
        read_with(more=[("open", "")], strict=True)


def test_left_out_unless_wanted(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [*LABELLED, ("open", "")])
    found = read_table(TableOptions(path))
    assert report(found, "t.csv") == ["t.csv: 1 row left out: no label (line 42)"]
    assert (unlabelled(found), found.describe()["unlabelled"]) == ([], [])


def test_no_label_to_test_on(tmp_path: Path) -> None:
    """Rows of the files to validate and test on are not learned from, labelled or not."""
    path = write_csv(tmp_path / "t.csv", LABELLED)
    other = write_csv(tmp_path / "other.csv", [("one", "a"), ("two", "b"), ("three", "")])
    for split in ("validation", "test"):
        found = read_table(TableOptions(path, unlabelled=(), **{split: str(other)}))  # type: ignore[arg-type]
        assert report(found, "other.csv") == ["other.csv: 1 row left out: no label (line 4)"]
        assert unlabelled(found) == []


def as_csv(path: Path) -> None:
    """Write a table whose labels are no labels of the training."""
    write_csv(path, [(text, "zzz") for text in TEXTS])


def as_other_columns(path: Path) -> None:
    path.write_text("id;Body\n" + "".join(f'{number};"{text}"\n' for number, text in enumerate(TEXTS)))


def as_one_column(path: Path) -> None:
    path.write_text("my texts\n" + "".join(f'"{text}"\n' for text in TEXTS))


def as_lines(path: Path) -> None:
    path.write_text("\r\n".join([*TEXTS[:1], "", *TEXTS[1:]]), encoding="utf-16")


def as_compressed_lines(path: Path) -> None:
    path.write_bytes(gzip.compress("\n".join(TEXTS).encode()))


def as_labelled_lines(path: Path) -> None:
    path.write_text("".join(f"__label__x __label__y {text}\n" for text in TEXTS))


def as_json(path: Path) -> None:
    path.write_text("".join(json.dumps({"text": text, "label": ["x", "y"]}) + "\n" for text in TEXTS))


def as_array(path: Path) -> None:
    path.write_bytes(gzip.compress(json.dumps([{"text": text} for text in TEXTS]).encode()))


def as_parquet(path: Path) -> None:
    parquet.write_table(pa.table({"text": TEXTS, "label": [["x"], [], ["y"]]}), path)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (as_csv, "rest.csv"),
        (as_other_columns, "rest.csv"),
        (as_one_column, "rest.csv"),
        (as_lines, "rest.txt"),
        (as_lines, "rest"),
        (as_compressed_lines, "rest.txt.gz"),
        (as_labelled_lines, "rest.txt"),
        (as_json, "rest.jsonl"),
        (as_array, "rest.json.gz"),
        (as_parquet, "rest.parquet"),
    ],
)
def test_formats(tmp_path: Path, read_with: Read, write: Callable[[Path], None], name: str) -> None:
    write(tmp_path / name)
    found = read_with(tmp_path / name, more=[("in the table", "")])
    assert unlabelled(found) == ["in the table", *TEXTS]
    assert report(found, name) == []
    assert found.labels == ("a", "b")
    has_labels = write in (as_csv, as_labelled_lines, as_json, as_parquet)
    assert any(note.endswith("labels, which are ignored") for note in found.notes()) == has_labels
    described = found.describe()["unlabelled"]
    assert [(file["name"], file["rows"]) for file in described] == [("t.csv", 1), (name, 3)]
    assert "table" not in json.dumps(described)


def tar(name: str, text: str) -> bytes:
    """Return a compressed archive with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rest.csv", b"id,words\n1,some\n", "which column holds the text? Rename it to 'text'; the columns are 'id', "),
        ("rest.csv", b"a text of quite many words\nanother\n", "which column holds the text?"),
        ("rest.csv", b"same\nother\nsame\n", "which column holds the text?"),
        ("rest.xlsx", b"PK\x03\x04", "workbooks are not read: save the sheet as CSV"),
        ("rest.zip", b"PK\x03\x04", "this is a workbook, such as .xlsx, or a ZIP archive: save the table as CSV"),
        ("rest.txt.xz", b"\xfd7zXZ\0", "this is a file compressed with xz: decompress it first"),
        ("rest.txt", b"", "no row is left: add texts, or leave the file out"),
        ("rest.txt", b"\xff\xfd\n...\n", "no row is left: add texts, or leave the file out"),
        ("rest.tgz", tar("a.txt", "a line\nanother\n"), "this is a tar archive: unpack it first"),
        ("rest.jsonl", b"[1, 2]\n[3]\n", "none of the first 2 lines is a JSON object"),
    ],
)
def test_refused(tmp_path: Path, read_with: Read, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_with(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_no_text_twice(tmp_path: Path, read_with: Read) -> None:
    """Texts to test on are left out, and those that teach nothing."""
    tested = splits(read_with())["test"][0]
    known = [splits(read_with())[split][0] for split in (TRAIN, VALIDATION)]
    lines = [tested.upper(), *known, "new", tested, "NEW!", "in the table", "newer"]
    (tmp_path / "rest.txt").write_text("\n".join(lines))
    found = read_with(tmp_path / "rest.txt", more=[("in the table", ""), ("in the table", ""), (tested, "")])
    assert unlabelled(found) == ["in the table", "new", "newer"]
    assert report(found, "rest.txt") == [
        "rest.txt: 2 rows left out: same words as a row to test on (lines 1 and 5)",
        "rest.txt: 2 rows left out: same words as a row with a label (lines 2 and 3)",
        "rest.txt: 2 rows left out: same words as an earlier row without a label (lines 6 and 7)",
    ]
    assert report(found, "t.csv")[1:] == [
        "t.csv: 1 row left out: same words as a row to test on (line 44)",
        "t.csv: 1 row left out: same words as an earlier row without a label (line 43)",
    ]
    # None of it is a problem of the table.
    read_with(tmp_path / "rest.txt", strict=True)


def test_all_of_them_known(tmp_path: Path, read_with: Read) -> None:
    """A copy of the table, and of the file to test on, leave nothing; that is said and no error."""
    test = write_csv(tmp_path / "test.csv", [("tested", "a"), ("it was tested", "b")])
    copies = [write_csv(tmp_path / "copy.csv", LABELLED), tmp_path / "tested.csv"]
    copies[1].write_bytes(test.read_bytes())
    found = read_with(*copies, test=str(test))
    assert unlabelled(found) == []
    assert found.notes()[-1] == "unlabelled texts: 0"
    assert report(found, "tested.csv") == [
        "tested.csv: 2 rows left out: same words as a row to test on (lines 2 and 3)"
    ]


def test_many_repeats(tmp_path: Path, read_with: Read) -> None:
    (tmp_path / "rest.txt").write_text("again and again\n" * 200_000)
    found = read_with(tmp_path / "rest.txt")
    assert unlabelled(found) == ["again and again"]
    assert "199,999 rows left out" in report(found, "rest.txt")[0]


def test_headerless_files(tmp_path: Path) -> None:
    """The options of the table hold for its unlabelled files; of one column, that is the text."""
    table = tmp_path / "t.csv"
    table.write_text("".join(f"{label},{text}\n" for text, label in LABELLED))
    (tmp_path / "wide.csv").write_text("".join(f"?,{text} in two\n" for text in ("first", "second")))
    (tmp_path / "slim.csv").write_text("only a text\nand one more\n")
    files = (tmp_path / "wide.csv", tmp_path / "slim.csv")
    options = TableOptions(table, text_columns=("2",), label_column="1", header=False, unlabelled=files)
    assert unlabelled(read_table(options)) == ["first in two", "second in two", "only a text", "and one more"]


def test_words_of_unlabelled_texts(read_with: Read) -> None:
    """They are in the vocabulary of a model that learns from them, and their lengths do not matter."""
    found = read_with(more=[("ticket rare " + "long " * 50, "")])
    without, with_them = (survey_dataset(found, WORDS, unlabelled=learns) for learns in (False, True))
    assert without == survey_dataset(read_with(), WORDS)
    assert with_them.words - without.words == {"long": 50, "rare": 1, "ticket": 1}
    assert with_them.lengths == without.lengths
    assert with_them.splits == (TRAIN, VALIDATION, UNLABELLED)


def test_encoded(read_with: Read) -> None:
    found = read_with(more=[("the ticket", "")])
    vocabulary = build_vocabulary(survey_dataset(found, WORDS).words, 100, rules=WORDS)
    encoded = encode_dataset(found, Encoder(vocabulary, Preprocessing(8, "post", WORDS)), test=True)
    assert len(encoded.unlabelled) == 1
    assert encoded.unlabelled.take()[0].tolist() == [1, 2, vocabulary.ids["ticket"], 0, 0, 0, 0, 0]
